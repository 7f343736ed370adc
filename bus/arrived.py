"""A record as it came from Kafka, without Kafka's client types."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct


class Arrived(Struct, frozen=True, gc=False):
    """One consumed record; ``topic`` is unprefixed, ``timestamp_ms`` the broker's (UTC)."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]

    def __repr__(self) -> str:
        return f"Arrived({self.topic}-{self.partition}:{self.offset})"


def arrived_from(topic: str, records: Iterable[Any]) -> list[Arrived]:
    """Our view of the client's records of one topic, in their order."""
    return [
        Arrived(topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)
        for r in records
    ]
