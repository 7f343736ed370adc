"""What a loop reports about itself: the entry points turn it into metrics."""

from collections.abc import Collection
from typing import NamedTuple


class BatchDone(NamedTuple):
    """One batch that is durable downstream and whose offsets were handed in.

    ``lag`` is the number of unread records after it in the partitions it came from.
    """

    records: int
    outgoing: int
    took_ms: int
    lag: int


class LoopObserver:
    """Every method does nothing; override what is wanted, quick and without raising."""

    def fetched(self, generation: int) -> None:
        """A batch came, in this generation of the group (see ``GroupMember``)."""

    def batch_done(self, done: BatchDone) -> None:
        """A batch is durable and its offsets were handed in."""

    def expired_unread(self, topic: str, partition: int, records: int) -> None:
        """Offsets were skipped: the broker deleted so many records before they were read."""

    def quarantined(self, topic: str, partition: int, records: int) -> None:
        """Offsets were skipped: what they hold cannot be unpacked within the bound."""

    def passed_over(self, topic: str, partition: int, offset: int) -> None:
        """A record was skipped: processes died each time they had it in hand (see ``attempts``)."""

    def rewound(self, topic: str, partition: int, records: int) -> None:
        """Offsets went back by this many: they were read before, or the topic lost its end."""

    def remade(self, topic: str, why: str) -> None:
        """Another topic of this name is read from its beginning: the one before was deleted."""

    def recalled(self, topic: str, partition: int, records: int) -> None:
        """So many were read again for what the handler remembers of them; nothing was sent."""

    def unknown_before(self, topic: str, partition: int) -> None:
        """What was before the record in hand is lost, or may be: the handler goes on without."""

    def retrying(self, reason: str, wait_ms: int) -> None:
        """A batch could not be made durable; it is read again after ``wait_ms``."""

    def acknowledged(self) -> None:
        """All of the batch that was handled so far is durable; none of it is committed yet."""

    def decided_anew(self, records: int) -> None:
        """The last records that were handled are handled again at once: nothing of them was sent.

        They are all that was handled since the batch began, or since ``acknowledged``.
        """

    def commit_missed(self, reason: str) -> None:
        """Offsets were not taken: the group moved on. The batch is read, and sent, again."""

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        """These (topic, number) came to this member; none, once: it joined, others have all."""

    def revoked(self, partitions: Collection[tuple[str, int]]) -> None:
        """These went to others, or are being shared out anew."""

    def paused(self, reason: str) -> None:
        """Consumption waits; nothing is committed past what was decided. Told for each reason."""

    def resumed(self) -> None:
        """Consumption goes on."""
