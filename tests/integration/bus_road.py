"""What the bus's tests on the real broker share: topics, a copying handler, and reading back."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from bus.admin import TopicAdmin
from bus.batch_loop import BatchLoop
from bus.connection import Connection
from bus.observer import BatchDone, LoopObserver
from bus.outgoing import Outgoing
from bus.positions import Positions
from bus.producer import AckedProducer
from bus.publisher import Publisher
from bus.topics import TopicSpec
from telemetry.arrived import Arrived

IN, OUT, GROUP = "in", "out", "copiers"
DEADLINE_S = 60.0


def clock() -> int:
    return int(time.time() * 1000)


class Noted(LoopObserver):
    """Remembers what a loop told."""

    def __init__(self) -> None:
        self.batches: list[BatchDone] = []
        self.expired: Counter[int] = Counter()
        self.again: Counter[int] = Counter()
        self.retries: list[str] = []
        self.missed: list[str] = []
        self.pauses: list[str] = []

    def batch_done(self, done: BatchDone) -> None:
        self.batches.append(done)

    def expired_unread(self, topic: str, partition: int, records: int) -> None:
        self.expired[partition] += records

    def rewound(self, topic: str, partition: int, records: int) -> None:
        self.again[partition] += records

    def retrying(self, reason: str, wait_ms: int) -> None:
        self.retries.append(reason)

    def commit_missed(self, reason: str) -> None:
        self.missed.append(reason)

    def paused(self, reason: str) -> None:
        self.pauses.append(reason)

    @property
    def records(self) -> int:
        return sum(done.records for done in self.batches)


async def make_topics(connection: Connection, *specs: TopicSpec) -> None:
    async with TopicAdmin(connection) as admin:
        await admin.create(specs)


async def make_road(connection: Connection, partitions: int = 2) -> None:
    appended = {"message.timestamp.type": "LogAppendTime"}
    await make_topics(
        connection, TopicSpec(IN, partitions, appended), TopicSpec(OUT, partitions, appended)
    )


def numbered(start: int, stop: int, topic: str = IN) -> list[Outgoing]:
    return [Outgoing(topic, None, b"key-%d" % n, b"%d" % n) for n in range(start, stop)]


async def publish(connection: Connection, outgoing: Sequence[Outgoing]) -> None:
    async with Publisher(connection, clock=clock) as publisher:
        await publisher.publish(outgoing)


async def copy(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
    return [Outgoing(OUT, partition, r.key, r.value) for r in records]


async def values(connection: Connection, topic: str = OUT, partitions: int = 2) -> Counter[bytes]:
    """How often each value lies in a topic, read to its present end."""
    consumer = AIOKafkaConsumer(**connection.client_options(), auto_offset_reset="earliest")
    await consumer.start()
    try:
        parts = [TopicPartition(connection.topic(topic), n) for n in range(partitions)]
        consumer.assign(parts)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(parts)
        found: Counter[bytes] = Counter()
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found.update(r.value for r in records)
        return found
    finally:
        await consumer.stop()


async def committed(connection: Connection, group: str = GROUP) -> dict[tuple[str, int], int]:
    async with Positions(connection) as positions:
        return await positions.committed(group)


async def until(true: Callable[[], bool], *watched: asyncio.Task[None]) -> None:
    """Wait for something to be so; a watched task that ends first ends the wait with its error."""
    async with asyncio.timeout(DEADLINE_S):
        while not true():
            for task in watched:
                if task.done():
                    task.result()
                    message = "the loop ended early"
                    raise AssertionError(message)
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(*loops: BatchLoop) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run loops as tasks and stop them politely at the end."""
    tasks = [asyncio.create_task(one.run()) for one in loops]
    try:
        yield tasks
    finally:
        await asyncio.gather(*(one.stop() for one in loops))
        await asyncio.gather(*tasks, return_exceptions=True)


def copier(
    connection: Connection,
    noted: Noted,
    *,
    handle: Callable[..., object] = copy,
    producer: AckedProducer | None = None,
    **options: object,
) -> BatchLoop:
    producer = producer or AckedProducer(connection, clock=clock)
    return BatchLoop(
        connection, IN, GROUP, handle, producer, observer=noted, **options,  # type: ignore[arg-type]
    )  # fmt: skip
