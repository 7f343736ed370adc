"""From the Kafka client's records to ours, and what is handed over to be sent."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from telemetry.arrived import Arrived

APPEND_TIME = 1
"""Kafka's timestamp type if the broker dates a record; 0 if its producer does."""


def arrived_from(topic: str, records: Iterable[Any]) -> list[Arrived]:
    """Our view of the client's records of one topic, in their order."""
    return [
        Arrived(
            topic,
            r.partition,
            r.offset,
            r.timestamp,
            r.key,
            r.value,
            r.headers,
            r.timestamp_type == APPEND_TIME,
        )
        for r in records
    ]


class Outgoing(NamedTuple):
    """One record to send.

    ``topic`` is unprefixed. ``partition`` None is for the ``Publisher`` only, which then takes
    the partition from the key; processors always name one. ``value`` None deletes the key on
    a compacted topic.
    """

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]] = []  # noqa: RUF012  # shared by most records; never changed

    def __repr__(self) -> str:
        return f"Outgoing({self.topic}, …)"


class ReadyBatch(NamedTuple):
    """Records for one partition, as one of Kafka's record batches (version 2).

    ``topic`` is unprefixed; ``records`` says how many there are, at least one. ``data`` is the
    whole batch, compressed or not, but for what its sender writes into it: time, producer and
    checksum. Source: Kafka's protocol guide, "Record Batch".
    """

    topic: str
    partition: int
    records: int
    data: bytes

    def __repr__(self) -> str:
        return f"ReadyBatch({self.topic}, {self.records} records, …)"


Sendable = Outgoing | ReadyBatch


def bytes_of(sendable: Sendable) -> int:
    """What it takes of memory, about: the value of a record, or a whole batch."""
    if isinstance(sendable, ReadyBatch):
        return len(sendable.data)
    return len(sendable.value or b"")


def records_in(sendables: Iterable[Sendable]) -> int:
    """How many records these are."""
    return sum(one.records if isinstance(one, ReadyBatch) else 1 for one in sendables)
