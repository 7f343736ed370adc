"""The office names legal holds to stores, tells of late reviews, and erases nothing before."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bus.memory.broker import FakeBroker
from office.errors import OfficeError
from office.holds.overview import HoldOverview, show_hold
from office.holds.progress import HoldProgress
from office.holds.register import NewHold, State, place, release
from office.registry.erasure_requests import NewErasure, ask
from office.registry.registry import Registry
from office.store.database import Database
from roadfade import metrics
from roadfade.processes.office import process
from roadfade.settings import Settings
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import DAY_MS
from telemetry.topics import AUDIT_ERASURES, erase_topic
from telemetry.wire.hold import HoldAnswer, HoldCommand, encode_hold_answer, is_hold, take_hold
from tests.integration.bus_road import until
from tests.roadfade.processes.office.test_erasures import (
    ANA,
    OUTPUT,
    STORE,
    commands,
    failures,
    keyring,
    office,
)
from tests.support.small_house import NOW_MS, Clock

__all__ = ["keyring"]  # the fixture
BEN = SubjectId("ben-the-subject")
NEW = NewHold("litigation", "case 7", "an officer", NOW_MS + DAY_MS, subject=ANA)


@pytest.fixture
async def placed(database: Database) -> str:
    await Registry(database).register(DeviceId("dongle-1"), ANA, NOW_MS - 10**9)
    async with database.writing() as connection:
        return await place(connection, NEW, 90, NOW_MS)


def holds(broker: FakeBroker) -> list[HoldCommand]:
    rows = [r.value for r in broker.records(erase_topic(OUTPUT)) if is_hold(r.key or b"")]
    return [one for one in (take_hold(value, OUTPUT) for value in rows) if one is not None]


def answer(command: HoldCommand, **more: Any) -> bytes:
    facts: dict[str, Any] = {
        "v": 1, "kind": "hold", "command": command.command, "output": OUTPUT, "store": STORE,
        "rows": 3, "unreadable": 0, "complete": True, "released": False, "at_ms": NOW_MS,
    }  # fmt: skip
    return encode_hold_answer(HoldAnswer(**(facts | more)))


async def seen(database: Database, hold: str, what: Callable[[HoldOverview], bool]) -> None:
    """Wait until the register says so."""
    for _ in range(10_000):
        async with database.reading() as connection:
            if what(await show_hold(connection, hold, NOW_MS)):
                return
        await asyncio.sleep(0.1)
    raise AssertionError(hold)


@pytest.mark.usefixtures("keyring")
async def test_a_hold_is_commanded_answered_released_and_closed(
    settings: Settings, broker: FakeBroker, database: Database, placed: str
) -> None:
    async with office(settings, broker, database) as task:
        await until(lambda: bool(holds(broker)), task)
        (command,) = holds(broker)
        broker.feed(AUDIT_ERASURES, 0, answer(command))
        await seen(database, placed, lambda one: one.complete_since_ms is not None)
        async with database.writing() as connection:
            await release(connection, placed, "an officer", NOW_MS)
        await until(lambda: len(holds(broker)) > 1, task)
        assert holds(broker)[-1].released_ms == NOW_MS
        broker.feed(AUDIT_ERASURES, 0, answer(command, rows=0, released=True))
        await seen(database, placed, lambda one: one.state is State.CLOSED)


@pytest.mark.usefixtures("keyring", "placed")
async def test_late_reviews_are_counted(
    settings: Settings, broker: FakeBroker, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(process, "wall_ms", clock)
    async with office(settings, broker, database) as task:
        await until(lambda: metrics.HOLDS_LIVING._value.get() == 1, task)
        assert metrics.HOLDS_UNREVIEWED._value.get() == 0
        clock.now_ms = NEW.review_ms + 1
        await until(lambda: metrics.HOLDS_UNREVIEWED._value.get() == 1, task)
        assert metrics.HOLDS_LIVING._value.get() == 1


@pytest.mark.usefixtures("keyring", "placed")
async def test_while_holds_fail_no_erasure_is_commanded(
    settings: Settings, broker: FakeBroker, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    extend, before = HoldProgress.extend, failures("holds")

    async def fails(*_: object) -> None:
        raise OfficeError

    monkeypatch.setattr(HoldProgress, "extend", fails)
    async with database.writing() as connection:
        await ask(connection, NewErasure("erase", ANA, "asked", NOW_MS - 10**6), NOW_MS)
    async with office(settings, broker, database) as task:
        await until(lambda: failures("holds") > before + 1, task)
        assert (commands(broker), holds(broker)) == ([], [])
        monkeypatch.setattr(HoldProgress, "extend", extend)
        await until(lambda: bool(commands(broker)), task)
        keys = [one.key or b"" for one in broker.records(erase_topic(OUTPUT))]
        assert [is_hold(key) for key in keys if key[:1] != b"~"][:2] == [True, False]


@pytest.mark.usefixtures("keyring", "placed")
async def test_while_one_persons_hold_fails_only_their_erasures_wait(
    settings: Settings, broker: FakeBroker, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    extend = HoldProgress._extend

    async def fails(*_: object) -> None:
        raise OfficeError

    monkeypatch.setattr(HoldProgress, "_extend", fails)
    await Registry(database).register(DeviceId("dongle-2"), BEN, NOW_MS - 10**9)
    async with database.writing() as connection:
        await ask(connection, NewErasure("erase", BEN, "asked", NOW_MS - 10**6), NOW_MS)
    async with office(settings, broker, database) as task:
        await until(lambda: bool(commands(broker)), task)
        async with database.writing() as connection:
            await ask(connection, NewErasure("erase", ANA, "asked", NOW_MS - 10**6), NOW_MS)
        count, before = len(commands(broker)), failures("holds")
        await until(lambda: failures("holds") > before + 2, task)
        assert len(commands(broker)) == count
        monkeypatch.setattr(HoldProgress, "_extend", extend)
        await until(lambda: len(commands(broker)) > count, task)


@pytest.mark.usefixtures("placed")
async def test_a_hold_before_any_key_was_made_waits_and_says_so(
    settings: Settings, broker: FakeBroker, database: Database
) -> None:
    before = failures("holds")
    async with office(settings, broker, database) as task:
        await until(lambda: failures("holds") > before, task)
    assert holds(broker) == []
    assert not await asyncio.to_thread(settings.keyring_path.is_file)
