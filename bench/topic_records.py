"""Reading topics of a run whole, from their beginning to the end of now."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.job import PARTITIONS
from bus.client.connection import Connection


async def records_of(run: Connection, topics: Sequence[str]) -> AsyncIterator[Any]:
    """Every record of these topics, as the client has it; in order within a partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=run.bootstrap_servers)
    places = [TopicPartition(run.topic(topic), n) for topic in topics for n in range(PARTITIONS)]
    await consumer.start()
    try:
        left = sum((await consumer.end_offsets(places)).values())
        consumer.assign(places)
        await consumer.seek_to_beginning()
        while left:
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                left -= len(records)
                for record in records:
                    yield record
    finally:
        await consumer.stop()
