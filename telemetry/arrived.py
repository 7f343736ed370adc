"""A record as it came from a topic, without any client's types."""

from collections.abc import Sequence

from msgspec import Struct


class Arrived(Struct, frozen=True, gc=False):
    """One consumed record; ``topic`` is unprefixed, ``timestamp_ms`` in UTC.

    ``broker_dated``: the time is the broker's, as its topic is to be set; else a producer's word.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    broker_dated: bool = True

    def __repr__(self) -> str:
        return f"Arrived({self.topic}-{self.partition}:{self.offset})"
