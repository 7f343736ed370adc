"""What one envelope becomes under a policy: how many records, readings and bytes, on average.

In: the purpose topics of one run, and its raw topic. Out: averages, to plan brokers and sinks with.
"""

from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.job import PARTITIONS
from bench.stage import Raw
from bus.client.connection import Connection
from policy.artefacts.topics import topic_configs
from policy.plan.plan import Plan
from telemetry.wire.record import READINGS


class Yield(NamedTuple):
    """Per envelope, all outputs together; bytes without Kafka's own, and uncompressed."""

    raw_bytes: float
    records: float
    readings: float
    bytes: float


async def count(run: Connection, raw: Raw, plan: Plan) -> Yield:
    """Count everything that a run wrote on purpose topics."""
    names = [run.topic(name) for name in topic_configs(plan) if name.startswith("purpose.")]
    places = [TopicPartition(topic, n) for topic in names for n in range(PARTITIONS)]
    consumer: Any = AIOKafkaConsumer(bootstrap_servers=run.bootstrap_servers)
    records = readings = sent_bytes = 0
    await consumer.start()
    try:
        left = sum((await consumer.end_offsets(places)).values())
        consumer.assign(places)
        await consumer.seek_to_beginning()
        while left:
            for fetched in (await consumer.getmany(timeout_ms=1_000)).values():
                left -= len(fetched)
                for record in fetched:
                    headers = dict(record.headers)
                    records += 1
                    readings += int(headers[READINGS])
                    sent_bytes += len(record.key) + len(record.value)
                    sent_bytes += sum(len(name) + len(text) for name, text in headers.items())
    finally:
        await consumer.stop()
    return Yield(
        raw.sent_bytes / raw.records,
        records / raw.records,
        readings / raw.records,
        sent_bytes / raw.records,
    )
