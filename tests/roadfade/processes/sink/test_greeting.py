"""A store says that it is there before it keeps a row, again at each start, and each day."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from bus.failures import BrokerError
from bus.memory.broker import FakeBroker
from bus.publisher import Publisher
from bus.records import Outgoing
from roadfade import metrics
from roadfade.processes.sink import greeting
from roadfade.processes.sink.erasures import Erasures
from roadfade.processes.sink.greeting import UNANNOUNCED, Greeting
from roadfade.settings import Settings
from roadfade.stores import open_sink, store_of
from roadfade.unaccounted import ExpiredAccount
from telemetry.instants import DAY_MS, SECOND_MS
from telemetry.topics import AUDIT_ERASURES
from telemetry.wire.store_hello import StoreHello, take_hello
from tests.integration.bus_road import until
from tests.roadfade.processes.sink.test_sink import (
    committed,
    compiled,
    feed,
    keeping,
    paused,
    records_of,
    rows,
)
from tests.support.fast_time import fast_time
from tests.support.small_house import FIRST, NOW_MS, make_topics, settings_in, tell

WEEK_S = 7 * DAY_MS / SECOND_MS
"""After it ``audit.erasures`` forgets what was said."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def study(settings: Settings) -> list[Outgoing]:
    return records_of(compiled(settings, FIRST))


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[FakeBroker]:
    made = FakeBroker(lambda: NOW_MS)
    await make_topics(made, settings, FIRST)
    tell(made, [FIRST])
    metrics.PAUSED.clear()  # other tests of this process pause as well
    with fast_time():
        yield made


def has_kept(broker: FakeBroker, records: int) -> bool:
    return committed(broker) == records


def hellos(broker: FakeBroker) -> list[StoreHello]:
    found = [take_hello(one.value) for one in broker.records(AUDIT_ERASURES)]
    return [one for one in found if one is not None]


async def test_it_says_what_it_is_called_and_keeps_at_each_start_and_each_day(
    settings: Settings,
    broker: FakeBroker,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (settings.lake_dir / "purpose=Strange Name").mkdir(parents=True)
    (settings.lake_dir / "purpose=ended").mkdir()
    for start in (1, 2):
        feed(broker, study[start - 1 : start])
        async with keeping(settings, broker) as task:
            await until(partial(has_kept, broker, start), task)
            assert len(hellos(broker)) == start
    name = await asyncio.to_thread(store_of(settings).name)
    assert {one.store for one in hellos(broker)} == {name}
    assert all("study" in one.outputs for one in hellos(broker))
    assert greeting.SAID_AGAIN_S < WEEK_S / 2
    monkeypatch.setattr(greeting, "SAID_AGAIN_S", 10)  # else the test would take a day's turns
    async with keeping(settings, broker) as task:
        await until(lambda: len(hellos(broker)) == 5, task)


async def test_nothing_is_kept_before_the_broker_has_what_it_said(
    settings: Settings,
    broker: FakeBroker,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    say, away = Greeting._hello, True

    async def said(one: Greeting) -> None:
        if away:
            raise BrokerError
        await say(one)

    monkeypatch.setattr(Greeting, "_hello", said)
    feed(broker, study)
    async with keeping(settings, broker) as task:
        await until(lambda: paused() == {UNANNOUNCED}, task)
        await asyncio.sleep(600)
        assert (committed(broker), hellos(broker)) == (0, [])
        assert list(settings.lake_dir.rglob("part-*")) == []
        assert sum("that it is there" in one for one in caplog.messages) == 1
        away = False
        await until(lambda: committed(broker) == 3, task)
        assert len(hellos(broker)) == 1
        assert await rows(settings) == 6


async def test_a_store_made_anew_under_a_living_sink_says_so_and_has_carried_out_nothing(
    settings: Settings, broker: FakeBroker, tmp_path: Path
) -> None:
    account = ExpiredAccount(tmp_path / "ledger")
    async with Publisher(broker, clock=lambda: NOW_MS) as publisher, asyncio.TaskGroup() as group:
        erasures = Erasures(settings, broker, publisher, account, lambda: NOW_MS, group)
        known = []
        for opening in ("first", "again", "anew"):
            if opening == "anew":
                await asyncio.to_thread(settings.lake_dir.rename, tmp_path / "away")
            sink = await asyncio.to_thread(
                open_sink, settings, {"use.study": "study"}, lambda _: None
            )
            await erasures.attach(sink, ["study"])
            said = 2 if opening == "anew" else 1
            for _ in range(100):
                if len(hellos(broker)) < said:
                    await asyncio.sleep(1)
            known.append((erasures._carrying_out, erasures._holding))
            await asyncio.to_thread(sink.close)
        await erasures.end()
    assert known[0] == known[1]
    assert not {*known[1]} & {*known[2]}
    assert len({one.store for one in hellos(broker)}) == len(hellos(broker)) == 2
