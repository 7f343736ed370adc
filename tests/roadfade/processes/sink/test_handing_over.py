"""A sink killed while it closes what it gathered for a rebalance loses and doubles no row."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from bus.loops.gathering import SinkSettings
from bus.loops.sink_loop import SinkLoop
from bus.memory.broker import FakeBroker
from bus.memory.faults import Event
from bus.records import Outgoing
from bus.topics import TopicSpec
from sinks.lake.digest import Digest, lake_digest
from telemetry.arrived import Arrived
from tests.integration.bus_road import until
from tests.sinks.lakes import KillAt, Killed, kill, lake_at, open_lake
from tests.sinks.records import NOW_MS, A, record
from tests.support.fast_time import fast_time

GROUP = "keepers"
SETTINGS = SinkSettings(gather_ms=3_600_000, gather_records_max=4)
BEFORE, ALL = 2, 6
STEPS = 8


def outgoing(offset: int) -> Outgoing:
    one = record(offset)
    return Outgoing(A, 0, one.key or b"", one.value, list(one.headers))


async def broker_with(*between: Event) -> FakeBroker:
    """Two records, what happens between, and four more."""
    made = FakeBroker(lambda: NOW_MS)
    await made.admin().create([TopicSpec(A, 1, {})])
    made.feed(A, 0, *(outgoing(n) for n in range(BEFORE)), *between)
    made.feed(A, 0, *(outgoing(n) for n in range(BEFORE, ALL)))
    return made


async def keep(broker: FakeBroker, root: Path, hook: KillAt) -> list[int]:
    """Run a sink until all is committed; how many records each write had."""
    passive, hook.at = hook.at, -1
    lake = await asyncio.to_thread(open_lake, root, at=hook)
    hook.passed.clear()
    hook.at = passive
    wrote = list[int]()

    async def write(batch: Sequence[Arrived]) -> None:
        wrote.append(len(batch))
        await asyncio.to_thread(lake.write, batch, NOW_MS)

    async def skip(topic: str, partition: int, offset: int) -> None:
        await asyncio.to_thread(lake.pass_over, topic, partition, offset, NOW_MS)

    loop = SinkLoop(broker, [A], GROUP, lake.position, write, skip=skip, settings=SETTINGS)
    task = asyncio.create_task(loop.run())
    try:
        await until(lambda: broker.committed(GROUP).get((A, 0)) == ALL, task)
    except Killed:
        await asyncio.to_thread(kill, lake)
        raise
    await loop.stop()
    await task
    await asyncio.to_thread(lake.close)
    return wrote


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Digest:
    """What a sink keeps that nothing disturbs."""
    root = tmp_path_factory.mktemp("undisturbed")
    with lake_at(root) as lake:
        lake.write([record(n) for n in range(ALL)], NOW_MS)
    return lake_digest(root)


async def test_the_steps_of_closing_are_those_that_are_killed(
    tmp_path: Path, expected: Digest
) -> None:
    broker, hook = await broker_with(Event.REBALANCE), KillAt(-1)
    with fast_time():
        assert await keep(broker, tmp_path, hook) == [BEFORE, ALL - BEFORE]
    assert len(hook.passed) == 2 * STEPS
    assert await asyncio.to_thread(lake_digest, tmp_path) == expected


@pytest.mark.parametrize("at", range(STEPS))
async def test_a_kill_at_any_step_loses_and_doubles_nothing(
    tmp_path: Path, expected: Digest, at: int
) -> None:
    broker = await broker_with(Event.REBALANCE)
    with fast_time():
        with pytest.raises(Killed):
            await keep(broker, tmp_path, KillAt(at))
        assert broker.committed(GROUP) in ({}, {(A, 0): 0})
        broker.forget_member(GROUP, next(iter(broker._group(GROUP)._members), ""))
        await keep(broker, tmp_path, KillAt(-1))
    assert await asyncio.to_thread(lake_digest, tmp_path) == expected
