"""The sink's process from broker to lake and the sweep that runs once, on a broker in memory."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bus.memory.broker import FakeBroker
from bus.memory.faults import Event, Fault
from bus.records import Outgoing
from policy.plan.plan import Plan
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.in_force.broker import limits_of
from roadfade.in_force.plans import Plans
from roadfade.in_force.source import PolicySource
from roadfade.processes.sink import SinkKeeper
from roadfade.processes.sweep import once
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from roadfade.stores import query
from telemetry.instants import DAY_MS
from telemetry.publication import Publication
from telemetry.topics import SINK_GROUP
from tests.integration.bus_road import until
from tests.support.documents import bent
from tests.support.fast_time import fast_time
from tests.support.plans import SPEED
from tests.support.small_house import (
    BROKEN,
    FIRST,
    NOW_MS,
    SURVEY,
    make_topics,
    settings_in,
    tell,
    version,
)
from tests.support.worlds import World, column, envelope

STUDY, SURVEYED = "purpose.study", "purpose.survey"
SECOND = version(2, NOW_MS - 1, SURVEY)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[FakeBroker]:
    made = FakeBroker(lambda: NOW_MS)
    await make_topics(made, settings, FIRST)
    tell(made, [FIRST])
    with fast_time():
        yield made


def compiled(settings: Settings, one: Publication) -> Plan:
    return Plans(limits_of(settings, 1_000, 1_000), settings.state_dir).plan(one)


@pytest.fixture
def study(settings: Settings) -> list[Outgoing]:
    """What a worker makes of three envelopes of two speeds, under the first version."""
    return records_of(compiled(settings, FIRST))


@pytest.fixture
def surveyed(settings: Settings) -> list[Outgoing]:
    """The same under the second version, for another purpose."""
    return records_of(compiled(settings, SECOND))


def records_of(plan: Plan) -> list[Outgoing]:
    world = World(plan)
    world.register()
    world.link()
    made = []
    for number in range(3):
        speeds = column("km/h", [40.0 + number, 50.0], step_ms=20_000)
        fields = {"id": f"01K0000000000000000000{number:04d}"}
        value = envelope({SPEED: speeds}, NOW_MS - 60_000, **fields)
        made += [
            Outgoing(one.topic, one.partition, one.key, one.value, one.headers)
            for one in world.feed(value, NOW_MS, NOW_MS)
        ]
    return made


@asynccontextmanager
async def keeping(settings: Settings, broker: FakeBroker) -> AsyncIterator[asyncio.Task[None]]:
    async with PolicySource.open(settings, broker) as source:
        await source.checked()
    keeper = SinkKeeper(settings, broker, source, "sink-0")
    task = asyncio.create_task(keeper.run())
    try:
        yield task
    finally:
        keeper.stop()
        await asyncio.gather(task, return_exceptions=True)


def committed(broker: FakeBroker, topic: str = STUDY) -> int:
    return broker.committed(SINK_GROUP).get((topic, 0), 0)


def missed() -> float:
    """How many commits were missed, whatever the reason."""
    samples = (sample for one in metrics.COMMITS_MISSED.collect() for sample in one.samples)
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))


async def rows(settings: Settings, output: str = "study") -> int:
    """How many live rows an output has."""
    counted = "SELECT count(*) FROM readings"
    found = await asyncio.to_thread(query, settings, output, counted, NOW_MS)
    return int(found.rows[0][0])


def feed(broker: FakeBroker, records: Sequence[Outgoing | Event], topic: str = STUDY) -> None:
    broker.feed(topic, 0, *records)


async def test_what_is_committed_is_in_the_lake(
    settings: Settings, broker: FakeBroker, study: list[Outgoing]
) -> None:
    feed(broker, study)
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 3, task)
        assert await rows(settings) == 6


@pytest.mark.parametrize("fault", [Fault.COMMIT_LOST, Fault.COMMIT_REFUSED])
async def test_a_commit_that_fails_keeps_nothing_twice(
    settings: Settings, broker: FakeBroker, study: list[Outgoing], fault: Fault
) -> None:
    feed(broker, study[:2])
    broker.fail_next(fault)
    before = missed()
    async with keeping(settings, broker) as task:
        await until(lambda: missed() > before, task)
    async with keeping(settings, broker) as task:
        feed(broker, study[2:])
        await until(lambda: committed(broker) == 3, task)
    assert await rows(settings) == 6


async def test_a_worker_that_sent_twice_is_kept_once(
    settings: Settings, broker: FakeBroker, study: list[Outgoing]
) -> None:
    feed(broker, [*study, *study])
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 6, task)
    assert await rows(settings) == 6


async def test_a_topic_made_anew_while_it_runs_stops_it_for_good(
    settings: Settings, broker: FakeBroker, study: list[Outgoing]
) -> None:
    feed(broker, study)
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 3, task)
        broker.remake(STUDY)
        await asyncio.sleep(10)
        feed(broker, [*study, *study])
        with pytest.raises(NotReady, match="read to 3, the topic went on at 0"):
            await task
    # By now the topic is longer than what was read of it.
    async with keeping(settings, broker) as task:
        with pytest.raises(NotReady, match="recreated or truncated"):
            await task


async def test_an_outage_ends_nothing_and_loses_nothing(
    settings: Settings, broker: FakeBroker, study: list[Outgoing]
) -> None:
    feed(broker, [*study[:2], Event.AWAY, *study[2:]])
    async with keeping(settings, broker) as task:
        await until(lambda: not broker.answers(), task)
        await asyncio.sleep(60)
        broker.come_back()
        await until(lambda: committed(broker) == 3, task)
    assert await rows(settings) == 6


async def test_a_version_with_other_topics_opens_the_lake_for_them(
    settings: Settings, broker: FakeBroker, study: list[Outgoing], surveyed: list[Outgoing]
) -> None:
    feed(broker, study)
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 3, task)
        tell(broker, [SECOND])
        # Its topics are not there yet: it waits for the office to make them.
        await asyncio.sleep(10)
        await make_topics(broker, settings, FIRST, SECOND)
        feed(broker, surveyed, SURVEYED)
        await until(lambda: committed(broker, SURVEYED) == 3, task)
    assert await rows(settings, "survey") == 6


async def test_a_version_not_valid_here_stores_as_before_and_is_logged_once(
    settings: Settings,
    broker: FakeBroker,
    study: list[Outgoing],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with keeping(settings, broker) as task:
        await asyncio.sleep(1)
        with caplog.at_level(logging.WARNING):
            tell(broker, [version(2, NOW_MS - 1, BROKEN)])
            await asyncio.sleep(10)
        feed(broker, study)
        await until(lambda: committed(broker) == 3, task)
    said = [one for one in caplog.messages if one.startswith("records are stored as before")]
    assert len(said) == 1


async def test_a_topic_that_ends_before_what_the_lake_has_read_stops_the_sink(
    settings: Settings, broker: FakeBroker, study: list[Outgoing]
) -> None:
    feed(broker, study)
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 3, task)
    broker.remake(STUDY)
    feed(broker, study[:1])
    async with keeping(settings, broker) as task:
        with pytest.raises(NotReady, match="recreated or truncated"):
            await task


async def kept(settings: Settings, broker: FakeBroker, records: Sequence[Outgoing]) -> None:
    """A lake that holds these records."""
    feed(broker, records)
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == len(records), task)


SHORTER = version(
    2, NOW_MS - 1, bent("purposes/study.yaml", "P0\n    do: {Vehicle.Speed: [thin 10 s, bucket 10 km/h]}\n    keep: {at_most: 12 months", "P0\n    do: {Vehicle.Speed: [thin 10 s, bucket 10 km/h]}\n    keep: {at_most: 40 days"),
)  # fmt: skip


def days_on(days: int) -> WallClock:
    return lambda: NOW_MS + days * DAY_MS


async def test_a_sweep_without_a_broker_expires_and_leaves_every_end_as_it_is(
    settings: Settings, broker: FakeBroker, study: list[Outgoing]
) -> None:
    await kept(settings, broker, study)
    tell(broker, [SHORTER])
    broker.go_away()
    swept, restated, *_ = await asyncio.to_thread(once, settings, broker, days_on(50))
    assert (swept.rows, restated) == (0, None)
    swept, restated, *_ = await asyncio.to_thread(once, settings, broker, days_on(800))
    assert (swept.rows, restated) == (6, None)


async def test_a_sweep_gives_rows_the_end_of_the_version_in_force(
    settings: Settings, broker: FakeBroker, study: list[Outgoing]
) -> None:
    await kept(settings, broker, study)
    tell(broker, [SHORTER])
    _, restated, *_ = await asyncio.to_thread(once, settings, broker, days_on(0))
    assert restated is not None
    assert restated.moved == {"study": 6}
    swept, *_ = await asyncio.to_thread(once, settings, broker, days_on(50))
    assert swept.rows == 6


async def test_a_sweep_of_no_lake_removes_nothing(settings: Settings, broker: FakeBroker) -> None:
    swept, restated, *_ = await asyncio.to_thread(once, settings, broker, days_on(0))
    assert swept.rows == 0
    assert restated is not None
    assert restated.moved == {}
