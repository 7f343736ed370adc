"""What one envelope becomes under a policy: how many records, readings and bytes, on average.

In: the purpose topics of one run, and its raw topic. Out: averages, to plan brokers and sinks with.
"""

from typing import NamedTuple

from bench.stage import Raw
from bench.topic_records import records_of
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
    topics = [name for name in topic_configs(plan) if name.startswith("purpose.")]
    records = readings = sent_bytes = 0
    async for record in records_of(run, topics):
        headers = dict(record.headers)
        records += 1
        readings += int(headers[READINGS])
        sent_bytes += len(record.key) + len(record.value)
        sent_bytes += sum(len(name) + len(text) for name, text in headers.items())
    return Yield(
        raw.sent_bytes / raw.records,
        records / raw.records,
        readings / raw.records,
        sent_bytes / raw.records,
    )
