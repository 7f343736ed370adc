"""What the control topics hold if they lost nothing: the registry's rows by partition.

Kept while the outbox drains, so that a heartbeat can say what it vouches for without reading
the whole registry each time.
"""

from collections.abc import Callable, Iterable, Mapping

from office.ports import ControlRecord
from telemetry.wire.topic_contents import Contents, RunningContents

PartitionOf = Callable[[bytes, int], int]
"""The partition of a key among so many."""


class PublishedRows:
    """The rows published up to ``high_water``, an outbox sequence."""

    def __init__(
        self, partitions: Mapping[str, int], partition_of: PartitionOf, high_water: int
    ) -> None:
        self.high_water = high_water
        self.partitions = partitions
        self._partition_of = partition_of
        self._rows = {
            (topic, number): RunningContents()
            for topic, count in partitions.items()
            for number in range(count)
        }

    def take(self, records: Iterable[ControlRecord]) -> None:
        """Take records in the order in which they are published."""
        for record in records:
            count = self.partitions.get(record.topic)
            if count is not None:
                partition = self._partition_of(record.key, count)
                self._rows[record.topic, partition].take(record.key, record.value)

    def contents(self) -> dict[tuple[str, int], Contents]:
        """What each partition holds."""
        return {at: rows.contents for at, rows in self._rows.items()}

    def strangers(self, lying: Mapping[tuple[str, int], RunningContents]) -> list[ControlRecord]:
        """A tombstone for every row that lies in a partition and is not one of these.

        It goes to that very partition: whoever wrote the row need not have placed its key as we
        do, and the key need not be a text.
        """
        return [
            ControlRecord(topic, number, key, None)
            for (topic, number), rows in lying.items()
            for key in rows.keys - self._rows[topic, number].keys
        ]

    def all_lie_in(self, lying: Mapping[tuple[str, int], RunningContents]) -> bool:
        """Whether each of these rows lies in its partition, whatever else does."""
        return all(lying[at].has_all(rows) for at, rows in self._rows.items())
