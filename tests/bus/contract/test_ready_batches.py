"""Ready batches on every broker: what is in them arrives as records do, among records."""

from collections.abc import Sequence

import pytest

from bus.failures import OversizedError, SendFailedError
from bus.ports import BATCH_BYTES_MAX, Broker
from bus.records import Outgoing, ReadyBatch, Sendable
from bus.topics import TopicSpec
from tests.integration.bus_road import clock, lying_in, make_topics
from tests.support.ready_batches import (
    COMPRESSIONS,
    MAKERS,
    Compression,
    Make,
    Plain,
    ready_of_aiokafka,
)

EACH_MAKER = pytest.mark.parametrize("make", MAKERS)
# Records that are dated to the past are soon deleted.
NOW_MS = clock()
RECORDS = [
    Plain(b"k", b"v", (("a", b"1"), ("a", b""), ("日", b"\xff"))),
    Plain(b"", b"", ()),
    Plain(b"k", None, ()),
    Plain(None, b"v" * 100, ()),
]


async def sent(bus: Broker, sendables: Sequence[Sendable]) -> None:
    producer = bus.producer(clock=lambda: NOW_MS)
    try:
        await producer.send_all(sendables)
    finally:
        await producer.stop()


async def lying(bus: Broker, partitions: int = 1) -> list[Plain]:
    found = await lying_in(bus, "ready", partitions)
    return [Plain(one.key, one.value, tuple(one.headers)) for one in found]


@EACH_MAKER
@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_every_record_arrives_as_it_was_given(
    bus: Broker, make: Make, compression: Compression
) -> None:
    await make_topics(bus, TopicSpec("ready", 1, {}))
    await sent(bus, [make("ready", 0, RECORDS, compression)])
    assert await lying(bus) == RECORDS
    assert {one.timestamp for one in await lying_in(bus, "ready", 1)} == {NOW_MS}


@EACH_MAKER
async def test_batches_and_records_of_one_partition_keep_their_order(
    bus: Broker, make: Make
) -> None:
    await make_topics(bus, TopicSpec("ready", 2, {}))
    sendables: list[Sendable] = []
    for number in range(0, 60, 3):
        partition = number % 2
        sendables += [
            Outgoing("ready", partition, b"k", b"%d" % number),
            make(
                "ready", partition, [Plain(b"k", b"%d" % (number + one)) for one in (1, 2)], "zstd"
            ),
        ]
    await sent(bus, sendables)
    by_partition: dict[int, list[int]] = {}
    for record in await lying_in(bus, "ready", 2):
        by_partition.setdefault(record.partition, []).append(int(record.value or b""))
    assert sum(map(len, by_partition.values())) == 60
    assert all(numbers == sorted(numbers) for numbers in by_partition.values())


@EACH_MAKER
async def test_the_same_batch_can_be_sent_again(bus: Broker, make: Make) -> None:
    await make_topics(bus, TopicSpec("ready", 1, {}))
    batch = make("ready", 0, RECORDS, "zstd")
    await sent(bus, [batch])
    await sent(bus, [batch, batch])
    assert await lying(bus) == RECORDS * 3


@EACH_MAKER
async def test_what_is_no_batch_or_too_large_is_loud_and_sends_nothing(
    bus: Broker, make: Make
) -> None:
    await make_topics(bus, TopicSpec("ready", 1, {}))
    good = make("ready", 0, RECORDS, None)
    for wrong, error in (
        (good._replace(records=3), ValueError),
        (good._replace(data=good.data[:-1]), ValueError),
        (ReadyBatch("ready", 0, 1, bytes(BATCH_BYTES_MAX + 1)), OversizedError),
    ):
        with pytest.raises(error):
            await sent(bus, [good, Outgoing("ready", 0, b"k", b"v"), wrong])
    assert await lying(bus) == []


async def test_a_topic_that_is_not_there_fails_at_the_deadline(bus: Broker) -> None:
    producer = bus.producer(clock=clock, deadline_ms=600)
    batch = ready_of_aiokafka("missing", 0, RECORDS, None)
    with pytest.raises(SendFailedError):
        await producer.send_all([batch])
    await producer.stop()
