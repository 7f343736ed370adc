"""The office makes keys ahead, offers their public halves, and destroys them by the promise."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bus.memory.broker import FakeBroker
from bus.publisher import Publisher
from office.errors import OfficeError
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from office.keyring.period_keys import due_ms, name_of, public_key
from office.outbox import Outbox
from office.store import sqlite_file
from office.store.database import Database
from policy.plan.plan import Plan
from roadfade import metrics
from roadfade.in_force.offered_keys import OfferedKeys, offered_keys
from roadfade.processes.clocks.judged_clock import JudgedClock
from roadfade.processes.office import sealing_keys
from roadfade.processes.office.control_topics import publish_through
from roadfade.processes.office.process import topics_of
from roadfade.processes.office.sealing_keys import STEP, SealingKeys
from roadfade.settings import Settings
from telemetry.instants import DAY_MS, HOUR_MS
from telemetry.periods import period_at
from telemetry.topics import CONTROL_SEALING, HEARTBEAT_KEY
from telemetry.wire.sealing_key import SealingKey, decode_sealing_key, row_of
from tests.integration.bus_road import until
from tests.support.plans import PLAN
from tests.support.small_house import NOW_MS, Clock

PROMISING = replace(PLAN, raw=replace(PLAN.raw, bound_ms=DAY_MS))
SIX_HOURS_S = 21_600
BEGIN_MS = NOW_MS - NOW_MS % (6 * HOUR_MS)


class InForce:
    plan: Plan = PROMISING


class House:
    """An office's turn at sealing keys, and what a front door reads of it."""

    def __init__(self, settings: Settings, broker: FakeBroker, database: Database) -> None:
        self.settings, self.broker, self.database = settings, broker, database
        self.clock, self.in_force = Clock(BEGIN_MS), InForce()
        self.keys = SealingKeys(settings, broker, database, self.in_force, self.clock)

    def opened(self) -> Keyring:
        return Keyring.open(self.settings.raw_keys_path, FileKek(self.settings.raw_kek_file))

    def pass_to(self, now_ms: int) -> None:
        """So much time passed, as every clock has it."""
        self.clock.now_ms = now_ms
        self.keys._judged = JudgedClock(self.keys._heard, 0.0, self.clock)

    async def states(self) -> dict[tuple[str, str, str], str]:
        keyring = await asyncio.to_thread(self.opened)
        return dict(await asyncio.to_thread(keyring.states))

    async def at(self, after_ms: int) -> OfferedKeys:
        """A turn so long after the beginning of a period; what a front door knows then."""
        self.pass_to(BEGIN_MS + after_ms)
        assert await self.keys.attempt()
        async with Publisher(self.broker, clock=self.clock) as publisher:
            await Outbox(self.database).drain(publish_through(publisher))
        offered = OfferedKeys()
        for record in self.broker.records(CONTROL_SEALING):
            if record.key != HEARTBEAT_KEY:
                offered.apply(record.key or b"", record.value)
        return offered


@pytest.fixture
async def house(settings: Settings, broker: FakeBroker, database: Database) -> House:
    await topics_of(settings, broker, database)
    return House(settings, broker, database)


async def test_the_keys_of_now_and_of_the_next_period_are_offered_and_open_what_they_seal(
    house: House,
) -> None:
    offered = await house.at(0)
    current = period_at(BEGIN_MS, SIX_HOURS_S)
    keyring = await asyncio.to_thread(house.opened)
    for period in (current, current.following):
        private = await asyncio.to_thread(keyring.get, *name_of(period))
        assert private is not None
        assert offered.key_at(period.from_ms) == SealingKey(period, public_key(private))
        assert bytes(private) not in b"".join(
            one.value or b"" for one in house.broker.records(CONTROL_SEALING)
        )
    assert offered.key_at(current.following.to_ms) is None


async def test_a_key_whose_period_is_over_is_offered_no_longer_but_lives_on(house: House) -> None:
    await house.at(0)
    offered = await house.at(6 * HOUR_MS)
    assert offered.key_at(BEGIN_MS + 6 * HOUR_MS - 1) is not None, "a late clock is in it yet"
    offered = await house.at(6 * HOUR_MS + 10 * 60_000)
    assert offered.key_at(BEGIN_MS + 6 * HOUR_MS - 1) is None
    assert offered.key_at(BEGIN_MS + 12 * HOUR_MS) is not None
    rows = [one for one in house.broker.records(CONTROL_SEALING) if one.value is None]
    assert [one.key for one in rows] == [row_of(period_at(BEGIN_MS, SIX_HOURS_S)).encode()]
    assert set((await house.states()).values()) == {"live"}


async def test_a_key_is_destroyed_at_the_beginning_of_its_period_and_the_promise(
    house: House,
) -> None:
    name = name_of(period_at(BEGIN_MS, SIX_HOURS_S))
    for after_ms in range(0, DAY_MS, 6 * HOUR_MS):
        await house.at(after_ms)
    destroyed = metrics.PERIOD_KEYS_DESTROYED._value.get()
    await house.at(DAY_MS - 1)
    assert (await house.states())[name] == "live"
    await house.at(DAY_MS)
    states = await house.states()
    assert states[name] == "destroyed"
    assert (
        list(states.values()).count("live") == len(states) - 1 == metrics.PERIOD_KEYS._value.get()
    )
    assert metrics.PERIOD_KEYS_DESTROYED._value.get() == destroyed + 1
    assert await house.at(DAY_MS + 1) is not None  # a turn with nothing to do


async def test_its_bytes_are_nowhere_once_it_is_destroyed(house: House) -> None:
    await house.at(0)
    copy = house.settings.state_dir / "copy"
    copy.write_bytes(house.settings.raw_keys_path.read_bytes())
    kek = house.settings.raw_kek_file.read_bytes()
    await house.at(DAY_MS)
    assert house.settings.raw_kek_file.read_bytes() != kek, "so that no copy of it opens"
    assert not house.settings.keyring_path.exists(), "no other key has to be wrapped anew"
    assert not house.settings.kek_file.exists()


async def test_a_clock_that_is_ahead_of_all_others_destroys_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.at(0)
    asked = list[int]()

    async def hear(_: object, heard: object, clock: Clock, wait_s: float) -> None:
        del heard, wait_s
        asked.append(clock())

    class Behind:
        def judge(self) -> object:
            return type("Judged", (), {"now_ms": BEGIN_MS + DAY_MS - 1})

    monkeypatch.setattr(sealing_keys, "hear_clocks", hear)
    monkeypatch.setattr(house.keys, "_judged", Behind())
    house.clock.now_ms = BEGIN_MS + DAY_MS + HOUR_MS // 2
    await house.keys.turn()
    assert asked
    assert (await house.states())[name_of(period_at(BEGIN_MS, SIX_HOURS_S))] == "live"


async def test_another_promise_has_periods_of_another_length_at_once(house: House) -> None:
    before = await house.at(0)
    assert before.key_at(BEGIN_MS).period.length_s == SIX_HOURS_S  # type: ignore[union-attr]
    house.in_force.plan = replace(PLAN, raw=replace(PLAN.raw, bound_ms=4 * HOUR_MS))
    after = await house.at(1)
    found = after.key_at(BEGIN_MS + 1)
    assert found is not None and found.period.length_s == 3_600
    old = period_at(BEGIN_MS, SIX_HOURS_S)
    states = await house.states()
    assert states[name_of(old)] == "live", "what was sealed a moment ago has to be read"
    await house.at(due_ms(old, house.in_force.plan) - BEGIN_MS + HOUR_MS)
    assert (await house.states())[name_of(old)] == "destroyed"


async def test_an_office_that_was_restored_offers_no_key_that_it_has_not(house: House) -> None:
    first = (await house.at(0)).key_at(BEGIN_MS)
    for file in house.settings.state_dir.glob("raw-*"):
        file.unlink()
    second = (await house.at(1)).key_at(BEGIN_MS)
    assert first is not None and second is not None
    assert (first.period, first.public_key != second.public_key) == (second.period, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_keyring_that_cannot_be_used_ends_nothing_and_is_counted(house: House) -> None:
    house.settings.state_dir.chmod(0o500)
    try:
        assert not await house.keys.attempt()
    finally:
        house.settings.state_dir.chmod(0o700)
    assert metrics.ERASURE_FAILURES.labels(STEP)._value.get() >= 1


async def test_a_destruction_that_cannot_be_done_is_counted_and_tried_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.at(0)
    failed = metrics.ERASURE_FAILURES.labels(STEP)._value.get()

    def cannot(*_: object) -> None:
        raise OSError

    house.pass_to(BEGIN_MS + DAY_MS)
    with monkeypatch.context() as broken:
        broken.setattr(sqlite_file, "scrub", cannot)
        assert not await house.keys.attempt()
    assert metrics.ERASURE_FAILURES.labels(STEP)._value.get() > failed
    assert await house.keys.attempt()
    keks = await asyncio.to_thread(FileKek(house.settings.raw_kek_file).load)
    assert len(keks) == 1
    states = await house.states()
    assert states[name_of(period_at(BEGIN_MS, SIX_HOURS_S))] == "destroyed"


async def test_a_key_goes_on_time_although_none_can_be_offered(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.at(0)

    async def cannot(*_: object) -> None:
        raise OfficeError

    house.pass_to(BEGIN_MS + DAY_MS)
    monkeypatch.setattr(house.keys, "offer", cannot)
    assert not await house.keys.attempt()
    states = await house.states()
    assert states[name_of(period_at(BEGIN_MS, SIX_HOURS_S))] == "destroyed"


async def test_a_front_door_keeps_them_fresh_while_it_runs(house: House) -> None:
    async with offered_keys(house.broker) as keys:
        assert keys.key_at(BEGIN_MS) is None
        await house.at(0)
        await until(lambda: keys.key_at(BEGIN_MS) is not None)
        await house.at(13 * HOUR_MS)
        await until(lambda: keys.key_at(BEGIN_MS) is None)
        assert keys.key_at(BEGIN_MS + 13 * HOUR_MS) is not None


def test_a_row_that_cannot_be_read_gives_no_key(tmp_path: Path) -> None:
    del tmp_path
    from bus.failures import UnreadableRowError  # noqa: PLC0415

    keys = OfferedKeys()
    with pytest.raises(UnreadableRowError):
        keys.apply(b"21600.1", b'{"period":1}')
    good = b'{"period":2,"length_s":60,"public_key":"mR8qZ1v8hDqS9s6kYy5sV2bWq0b3k5xQ1uO7mJ4n2Gs="}'
    with pytest.raises(UnreadableRowError):
        keys.apply(b"60.3", good)
    assert keys.unreadable
    keys.apply(b"60.2", good)
    assert keys.key_at(120_000) == decode_sealing_key(good)
