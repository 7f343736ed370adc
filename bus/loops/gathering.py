"""What a sink has gathered and not written yet: how much, since when, and how much it may be."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bus.pacing import monotonic_ms
from bus.ports import ConsumedRecord, ReaderSettings, TopicPartition


@dataclass(frozen=True, slots=True)
class SinkSettings:
    """The loop's own limits; times in milliseconds."""

    reader: ReaderSettings = field(default_factory=lambda: ReaderSettings(records_max=2_000))
    gather_ms: int = 1_000
    """How long to wait for more before a write: small files cost more than a second."""
    gather_records_max: int = 10_000
    gather_bytes_max: int = 32 * 1024 * 1024
    verify_every_ms: int = 10_000
    """How often topics are verified while nothing is written; before a write they always are."""
    give_up_ms: int = 10 * 60 * 1000
    """A broker or a store that accepts nothing for this long ends the loop with GaveUpError."""


class Gathering:
    """Records of several partitions, in order of offset within each."""

    def __init__(self) -> None:
        self.records: dict[TopicPartition, list[ConsumedRecord]] = {}
        self.count = 0
        self.size_bytes = 0
        """Bytes of their values."""
        self._since_ms = 0

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.records)

    def is_due(self, settings: SinkSettings) -> bool:
        """Whether it is to be written, for its age, its number or its bytes."""
        return (
            monotonic_ms() - self._since_ms >= settings.gather_ms
            or self.count >= settings.gather_records_max
            or self.size_bytes >= settings.gather_bytes_max
        )

    def add(self, partition: TopicPartition, records: Sequence[ConsumedRecord]) -> None:
        """Gather these, too."""
        if not self.records:
            self._since_ms = monotonic_ms()
        self.records.setdefault(partition, []).extend(records)
        self.count += len(records)
        self.size_bytes += sum(len(record.value or b"") for record in records)

    def take(self) -> dict[TopicPartition, list[ConsumedRecord]]:
        """All of it; nothing is gathered then."""
        taken, self.records = self.records, {}
        self.count = self.size_bytes = 0
        return taken
