"""What the bus's tests share, on Kafka and in memory: topics, a copying handler, reading back."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from bus.client.connection import Connection
from bus.loops.batch_loop import BatchLoop
from bus.memory.broker import FakeBroker
from bus.observer import BatchDone, LoopObserver
from bus.ports import Broker, ConsumedRecord, Producer
from bus.publisher import Publisher
from bus.records import Outgoing, Sendable
from bus.topics import TopicSpec
from telemetry.arrived import Arrived

IN, OUT, GROUP = "in", "out", "copiers"
DEADLINE_S = 180.0


def clock() -> int:
    return int(time.time() * 1000)


class Noted(LoopObserver):
    """Records what a loop reports."""

    def __init__(self) -> None:
        self.batches: list[BatchDone] = []
        self.expired: Counter[int] = Counter()
        self.again: Counter[int] = Counter()
        self.anew: list[str] = []
        self.retries: list[str] = []
        self.decided_again: list[int] = []
        self.missed: list[str] = []
        self.pauses: list[str] = []

    def batch_done(self, done: BatchDone) -> None:
        self.batches.append(done)

    def expired_unread(self, topic: str, partition: int, records: int) -> None:
        self.expired[partition] += records

    def rewound(self, topic: str, partition: int, records: int) -> None:
        self.again[partition] += records

    def remade(self, topic: str, why: str) -> None:
        self.anew.append(topic)

    def decided_anew(self, records: int) -> None:
        self.decided_again.append(records)

    def retrying(self, reason: str, wait_ms: int) -> None:
        self.retries.append(reason)

    def commit_missed(self, reason: str) -> None:
        self.missed.append(reason)

    def paused(self, reason: str) -> None:
        self.pauses.append(reason)

    @property
    def records(self) -> int:
        return sum(done.records for done in self.batches)


async def make_topics(connection: Broker, *specs: TopicSpec) -> None:
    async with connection.admin() as admin:
        await admin.create(specs)


async def make_road(connection: Broker, partitions: int = 2) -> None:
    appended = {"message.timestamp.type": "LogAppendTime"}
    await make_topics(
        connection, TopicSpec(IN, partitions, appended), TopicSpec(OUT, partitions, appended)
    )


async def make_anew(connection: Broker, *names: str) -> None:
    """Delete topics and make them again, empty, with the settings that were set on them."""
    async with connection.admin() as admin, asyncio.timeout(DEADLINE_S):
        found = [one for one in (await admin.describe(names)).values() if one is not None]
        await admin.delete(names)
        while True:
            if not any((await admin.describe(names)).values()):
                break
            await asyncio.sleep(0.05)
        await admin.create(
            [
                TopicSpec(
                    one.name, one.partitions, {name: one.config[name] for name in one.overrides}
                )
                for one in found
            ]
        )


def numbered(start: int, stop: int, topic: str = IN) -> list[Outgoing]:
    return [Outgoing(topic, None, b"key-%d" % n, b"%d" % n) for n in range(start, stop)]


async def publish(connection: Broker, outgoing: Sequence[Outgoing]) -> None:
    async with Publisher(connection, clock=clock) as publisher:
        await publisher.publish(outgoing)


async def copy(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
    return [Outgoing(OUT, partition, r.key, r.value) for r in records]


class Through:
    """A producer around another; override what is to go otherwise."""

    def __init__(self, connection: Broker) -> None:
        self._inner = connection.producer(clock=clock)

    async def send_all(self, outgoing: Sequence[Sendable]) -> None:
        await self._inner.send_all(outgoing)

    async def settled(self) -> None:
        await self._inner.settled()

    async def partitions(self, topic: str) -> int:
        return await self._inner.partitions(topic)

    async def stop(self) -> None:
        await self._inner.stop()


async def lying_in(connection: Broker, topic: str, partitions: int) -> list[ConsumedRecord]:
    """What lies in a topic, read to its present end."""
    reader = connection.reader(topic, partitions)
    found: list[ConsumedRecord] = []
    try:
        await reader.start()
        while not await reader.caught_up():
            for records in (await reader.fetch()).values():
                found += records
    finally:
        await reader.stop(int(DEADLINE_S * 1000))
    return found


async def values(connection: Broker, topic: str = OUT, partitions: int = 2) -> Counter[bytes]:
    """How often each value lies in a topic, read to its present end."""
    return Counter(record.value or b"" for record in await lying_in(connection, topic, partitions))


async def delete_before(connection: Broker, topic: str, partition: int, offset: int) -> None:
    """Delete the oldest records of a partition, as a retention pass would."""
    if isinstance(connection, FakeBroker):
        connection.delete_before(topic, partition, offset)
        return
    assert isinstance(connection, Connection)
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    part = TopicPartition(connection.topic(topic), partition)
    await admin.delete_records({part: RecordsToDelete(before_offset=offset)})
    await admin.close()


async def committed(connection: Broker, group: str = GROUP) -> dict[tuple[str, int], int]:
    async with connection.positions() as positions:
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
    connection: Broker,
    noted: Noted,
    *,
    handle: Callable[..., object] = copy,
    producer: Producer | None = None,
    **options: object,
) -> BatchLoop:
    producer = producer or connection.producer(clock=clock)
    return BatchLoop(
        connection, IN, GROUP, handle, producer, observer=noted, **options,  # type: ignore[arg-type]
    )  # fmt: skip
