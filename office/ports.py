"""What the office asks of others: a way to publish control records, and nothing else."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from telemetry.wire.topic_contents import RunningContents


class ControlRecord(NamedTuple):
    """One record for a control topic. ``partition`` None: chosen by the key, as always."""

    topic: str
    partition: int | None
    key: bytes
    value: bytes | None
    """None deletes the row."""

    def __repr__(self) -> str:
        return f"ControlRecord({self.topic})"


ReadTopics = Callable[[], Awaitable[Mapping[tuple[str, int], RunningContents]]]
"""What lies in every partition of the control topics now, but for heartbeats."""

PublishRecords = Callable[[Sequence[ControlRecord]], Awaitable[None]]
"""Send in the given order; durable on return.

When it raises, nothing of the batch may arrive later: throw the producer away, because
the same rows and newer ones are sent again by the next call.
"""
