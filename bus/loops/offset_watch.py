"""Whether the offsets that arrive are the ones that were due. Pure.

The raw topic is neither compacted nor transactional, so a gap means that the broker deleted
records before they were read.
"""


class OffsetWatch:
    """The next offset due, by partition."""

    def __init__(self) -> None:
        self._due: dict[tuple[str, int], int | None] = {}

    def knows(self, topic: str, partition: int) -> bool:
        """Whether the next offset due was set, if only as unknown (None)."""
        return (topic, partition) in self._due

    def expect(self, topic: str, partition: int, offset: int | None) -> None:
        """Set the next offset due: the committed one; None if there is none yet."""
        self._due[topic, partition] = offset

    def back(self, topic: str, partition: int, first: int) -> int | None:
        """The offset that was due if ``first`` lies before it; None if nothing went back."""
        due = self._due.get((topic, partition))
        return due if due is not None and first < due else None

    def forget(self) -> None:
        """Forget a partition: after a rebalance another member may have read on."""
        self._due.clear()

    def seen(self, topic: str, partition: int, first: int, last: int) -> int:
        """Offsets missing before ``first`` (negative: so many came again)."""
        due = self._due.get((topic, partition))
        self._due[topic, partition] = last + 1
        return 0 if due is None else first - due
