"""A reader of a whole topic goes on from a place, and from the beginning if that is not there."""

from collections.abc import Mapping

import pytest
from aiokafka import AIOKafkaProducer

from bus.client.connection import Connection
from bus.ports import Broker
from bus.records import Outgoing
from bus.topics import TopicSpec
from tests.integration.bus_road import make_topics, publish

STOP_MS = 10_000


async def read(
    bus: Broker, count: int, since: Mapping[int, int] | None = None, *, committed: bool = False
) -> list[bytes | None]:
    """So many values, in order."""
    reader = bus.reader("raw", 1, since=since, committed=committed)
    found: list[bytes | None] = []
    await reader.start()
    try:
        while len(found) < count:
            fetched = await reader.fetch()
            found += [one.value for records in fetched.values() for one in records]
    finally:
        await reader.stop(STOP_MS)
    return found


@pytest.mark.parametrize(
    ("since", "first"), [(None, 0), ({0: 0}, 0), ({0: 3}, 3), ({0: 99}, 0), ({1: 3}, 0)]
)
async def test_it_begins_at_the_offset_or_where_the_topic_does(
    bus: Broker, since: Mapping[int, int] | None, first: int
) -> None:
    await make_topics(bus, TopicSpec("raw", 1, {}))
    values = [str(number).encode() for number in range(5)]
    await publish(bus, [Outgoing("raw", 0, b"k", value) for value in values])
    assert await read(bus, 5 - first, since) == values[first:]


@pytest.mark.broker
async def test_what_was_not_committed_is_not_read_if_that_was_asked(connection: Connection) -> None:
    await make_topics(connection, TopicSpec("raw", 1, {}))
    topic = connection.topic("raw")
    producer = AIOKafkaProducer(
        **connection.client_options(), transactional_id=topic, enable_idempotence=True
    )
    await producer.start()
    try:
        for value, holds in ((b"aborted", False), (b"committed", True)):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, value, b"k", partition=0)
            await (producer.commit_transaction() if holds else producer.abort_transaction())
    finally:
        await producer.stop()
    assert await read(connection, 1, committed=True) == [b"committed"]
    assert await read(connection, 2) == [b"aborted", b"committed"]
