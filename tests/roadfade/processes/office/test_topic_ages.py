"""Ages and lags as they are measured, and whose they stay when the broker is away."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from bus.memory.broker import FakeBroker
from bus.topics import TopicSpec
from policy.plan.plan import Plan
from roadfade import metrics
from roadfade.processes.office.topic_ages import measure_topics
from telemetry.topics import RAW
from tests.support.fast_time import fast_time
from tests.support.plans import PLAN, plan
from tests.support.small_house import NOW_MS, Clock

SERVICE = "purpose.service"
APPENDED = {"message.timestamp.type": "LogAppendTime"}


class Topics:
    def __init__(self) -> None:
        self.plan: Plan = plan(*PLAN.outputs[:2])
        self.partitions: Mapping[str, int] = {RAW: 2, SERVICE: 1}


@pytest.fixture
async def world() -> AsyncIterator[tuple[FakeBroker, Topics, Clock]]:
    clock = Clock()
    broker = FakeBroker(clock)
    await broker.admin().create([TopicSpec(RAW, 2, APPENDED), TopicSpec(SERVICE, 1, APPENDED)])
    broker.feed(RAW, 0, b"1", b"2")
    broker.feed(SERVICE, 0, b"1", b"2", b"3")
    with fast_time():
        yield broker, Topics(), clock


@asynccontextmanager
async def measuring(broker: FakeBroker, topics: Topics, clock: Clock) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    task = asyncio.create_task(measure_topics(broker, topics, clock, stopping))
    await asyncio.sleep(1)
    yield
    stopping.set()
    await task


def age_s(topic: str) -> float:
    return float(metrics.OLDEST_AGE.labels(f"topic {topic}")._value.get())


def copies() -> set[str]:
    return {sample.labels["copy"] for one in metrics.OLDEST_AGE.collect() for sample in one.samples}


World = tuple[FakeBroker, Topics, Clock]


async def test_the_age_and_the_lag_of_every_topic_that_is_there(world: World) -> None:
    broker, topics, clock = world
    clock.now_ms = NOW_MS + 5_000
    async with measuring(broker, topics, clock):
        assert (age_s(RAW), age_s(SERVICE)) == (5.0, 5.0)
        assert metrics.SINK_LAG.labels(SERVICE)._value.get() == 3
        assert metrics.INPUT_LAG.labels("0")._value.get() == 2
        # The other output's topic could not be made yet: it holds nothing.
        assert "topic purpose.research" not in copies()


async def test_an_emptied_topic_has_no_age(world: World) -> None:
    broker, topics, clock = world
    await broker.admin().empty([SERVICE])
    clock.now_ms = NOW_MS + 5_000
    async with measuring(broker, topics, clock):
        assert (age_s(RAW), age_s(SERVICE)) == (5.0, 0.0)


async def test_what_a_broker_that_is_away_does_not_tell_stays_as_it_was(world: World) -> None:
    broker, topics, clock = world
    clock.now_ms = NOW_MS + 5_000
    async with measuring(broker, topics, clock):
        broker.go_away()
        clock.now_ms = NOW_MS + 90_000
        await asyncio.sleep(20)
        assert age_s(RAW) == 5.0
        broker.come_back()
        await asyncio.sleep(20)
        assert age_s(RAW) == 90.0


async def test_a_topic_that_a_version_left_behind_is_no_copy_any_more(world: World) -> None:
    broker, topics, clock = world
    async with measuring(broker, topics, clock):
        assert f"topic {SERVICE}" in copies()
        topics.plan = plan(PLAN.outputs[1])
        await asyncio.sleep(20)
        assert f"topic {SERVICE}" not in copies()
        assert f"topic {RAW}" in copies()
