"""From the Kafka client's records to ours."""

from collections.abc import Iterable
from typing import Any

from telemetry.arrived import Arrived


def arrived_from(topic: str, records: Iterable[Any]) -> list[Arrived]:
    """Our view of the client's records of one topic, in their order."""
    return [
        Arrived(topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)
        for r in records
    ]
