"""Publishing on every broker: durable on return, in the order of each key."""

import asyncio

import pytest

from bus.client.connection import Connection
from bus.failures import OversizedError, SendFailedError
from bus.partitions import partition_for
from bus.ports import BATCH_BYTES_MAX, Broker
from bus.publisher import Publisher
from bus.records import Outgoing
from bus.topics import TopicSpec
from tests.integration.bus_road import (
    OUT,
    clock,
    lying_in,
    make_road,
    make_topics,
    numbered,
    values,
)


async def test_what_was_published_is_there_when_it_returns(bus: Broker) -> None:
    await make_road(bus)
    async with Publisher(bus, clock=clock) as publisher:
        await publisher.publish(numbered(0, 3_000, OUT))
        assert len(await values(bus)) == 3_000


async def test_keys_go_to_their_partitions_and_keep_their_order(bus: Broker) -> None:
    await make_topics(bus, TopicSpec("keyed", 3, {}))
    outgoing = [Outgoing("keyed", None, b"k%d" % (n % 7), b"%d" % n) for n in range(700)]
    async with Publisher(bus, clock=clock) as publisher:
        await asyncio.gather(publisher.publish(outgoing[:350]), publisher.publish(outgoing[350:]))
    seen: dict[bytes, list[int]] = {}
    for record in await lying_in(bus, "keyed", 3):
        assert record.key is not None
        assert record.partition == partition_for(record.key, 3)
        seen.setdefault(record.key, []).append(int(record.value or b""))
    assert sum(map(len, seen.values())) == 700
    assert all(numbers == sorted(numbers) for numbers in seen.values())


async def test_headers_and_an_empty_value_arrive_as_they_were_given(bus: Broker) -> None:
    await make_topics(bus, TopicSpec("keyed", 1, {}))
    async with Publisher(bus, clock=clock) as publisher:
        await publisher.publish([Outgoing("keyed", 0, b"k", None, [("a", b"1"), ("a", b"")])])
    (record,) = await lying_in(bus, "keyed", 1)
    assert (record.key, record.value) == (b"k", None)
    assert list(record.headers) == [("a", b"1"), ("a", b"")]


async def test_an_oversized_record_is_loud_and_sends_nothing(bus: Broker) -> None:
    await make_road(bus)
    async with Publisher(bus, clock=clock) as publisher:
        big = Outgoing(OUT, 0, b"k", bytes(BATCH_BYTES_MAX))
        with pytest.raises(OversizedError):
            await publisher.publish([*numbered(0, 10, OUT), big])
        assert not await values(bus)
        await publisher.publish(numbered(0, 10, OUT))
    assert len(await values(bus)) == 10


async def test_what_cannot_be_published_fails_at_the_deadline(bus: Broker) -> None:
    async with Publisher(bus, clock=clock, deadline_ms=600) as publisher:
        with pytest.raises(SendFailedError):
            await publisher.publish([Outgoing("missing", 0, b"k", b"v")])
        with pytest.raises(SendFailedError):
            await publisher.publish([Outgoing("missing", None, b"k", b"v")])


async def test_a_broker_that_is_not_there_fails_at_the_deadline() -> None:
    async with Publisher(Connection("127.0.0.1:1"), clock=clock, deadline_ms=300) as publisher:
        with pytest.raises(SendFailedError):
            await publisher.publish([Outgoing("missing", 0, b"k", b"v")])
