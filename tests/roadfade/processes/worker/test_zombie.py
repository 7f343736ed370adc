"""A worker that its group left behind writes what it had in hand, and the ledger stays exact."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest

from bus.loops.batch_loop import BatchLoop, BatchSettings
from bus.loops.handling import Handle
from bus.memory.broker import FakeBroker
from bus.ports import ReaderSettings
from bus.records import Sendable
from bus.topics import TopicSpec
from office.keyring.memory import MemoryKeyring
from roadfade.processes.worker.batch_handler import BatchHandler
from telemetry.arrived import Arrived
from telemetry.topics import AUDIT_FLOW, RAW, WORKER_GROUP
from telemetry.wire.flow import FlowRecord, decode_flow, fold
from tests.integration.bus_road import running, until
from tests.roadfade.processes.worker.test_batch_handler import handler
from tests.support.fast_time import fast_time
from tests.support.plans import SPEED
from tests.support.worlds import NOW_MS, column, envelope

READINGS = 2
ENVELOPE = envelope({SPEED: column("km/h", [1.0, 2.0])})


@pytest.fixture(autouse=True)
async def _fast() -> AsyncIterator[None]:
    with fast_time():
        yield


class Frozen:
    """A handler that stands still with its first batch in hand."""

    def __init__(self, inner: BatchHandler) -> None:
        self._inner = inner
        self.reached, self.thawed = asyncio.Event(), asyncio.Event()

    async def handle(self, partition: int, records: Sequence[Arrived]) -> list[Sendable]:
        """As the handler, once thawed."""
        made = await self._inner.handle(partition, records)
        self.reached.set()
        await self.thawed.wait()
        return made


def loop_of(
    broker: FakeBroker, member: str, records_max: int, handle: Handle, observer: BatchHandler
) -> BatchLoop:
    return BatchLoop(
        broker,
        RAW,
        WORKER_GROUP,
        lambda partition, records: flow_only(handle, partition, records),
        broker.producer(clock=lambda: 0),
        member=member,
        observer=observer,
        recollection=observer._remembered,
        settings=BatchSettings(ReaderSettings(records_max=records_max)),
    )


async def flow_only(handle: Handle, partition: int, records: Sequence[Arrived]) -> list[Sendable]:
    return [made for made in await handle(partition, records) if made.topic == AUDIT_FLOW]


def rows(broker: FakeBroker) -> list[FlowRecord]:
    return [decode_flow(record.value or b"") for record in broker.records(AUDIT_FLOW)]


@pytest.mark.parametrize("records_max", [1, 5, 30], ids=str)
@pytest.mark.parametrize("seen", [1, 19], ids=str)
async def test_a_zombies_rows_void_nothing_of_its_successor(records_max: int, seen: int) -> None:
    broker = FakeBroker(lambda: NOW_MS)
    await broker.admin().create([TopicSpec(RAW, 1, {}), TopicSpec(AUDIT_FLOW, 1, {})])
    broker.feed(RAW, 0, *[ENVELOPE] * 12)
    frozen = Frozen(handler(MemoryKeyring()))
    async with AsyncExitStack() as living:
        zombie = loop_of(broker, "worker-0", 7, frozen.handle, frozen._inner)
        tasks = await living.enter_async_context(running(zombie))
        await frozen.reached.wait()
        broker.forget_member(WORKER_GROUP, "worker-0")
        other = handler(MemoryKeyring())
        successor = loop_of(broker, "worker-1", records_max, other.handle, other)
        tasks += await living.enter_async_context(running(successor))
        broker.feed(RAW, 0, *[ENVELOPE] * (seen - 1))
        await until(lambda: broker.committed(WORKER_GROUP) == {(RAW, 0): 11 + seen}, *tasks)
        frozen.thawed.set()
        broker.feed(RAW, 0, *[ENVELOPE] * 9)
        await until(lambda: broker.committed(WORKER_GROUP) == {(RAW, 0): 20 + seen}, *tasks)
    written = rows(broker)
    assert len({row.generation for row in written}) > 1
    entered = fold(written).outputs["service"].entered
    assert entered == (20 + seen) * READINGS
