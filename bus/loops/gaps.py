"""What becomes of offsets that do not come: expired unread, set aside, or read before.

In: what was fetched, and what is done. Out: reports to the observer, and where a group may go on
though no record follows.
"""

from collections.abc import Iterable

from bus.failures import TopicRewoundError
from bus.loops.offset_watch import OffsetWatch
from bus.loops.set_aside import SetAsides
from bus.observer import LoopObserver
from bus.ports import Fetched, SetAside, TopicPartition


class Gaps:
    """The offsets of one member's partitions."""

    def __init__(self, observer: LoopObserver) -> None:
        self._observer = observer
        self._watch = OffsetWatch()
        self._aside = SetAsides()

    def forget(self) -> None:
        """Forget all: another member may go on, or other topics stand in their place."""
        self._watch.forget()
        self._aside.forget()

    def knows(self, partition: TopicPartition) -> bool:
        """Whether the next offset due was set, if only as unknown (None)."""
        return self._watch.knows(*partition)

    def expect(self, partition: TopicPartition, offset: int | None) -> None:
        """Set the next offset due; None if there is none yet."""
        self._watch.expect(*partition, offset)

    def fetched(self, fetched: Fetched, set_aside: Iterable[SetAside]) -> None:
        """These came, and the client set those aside: new ones are reported."""
        for partition, first, last in self._aside.remember(set_aside):
            self._observer.quarantined(*partition, last - first + 1)
        self._aside.fetched(fetched)

    def ends(self, assigned: set[TopicPartition]) -> dict[TopicPartition, int]:
        """As ``SetAsides.ends``: where to go on past what lies aside."""
        return self._aside.ends(assigned)

    def passed(self, partition: TopicPartition) -> None:
        """The group is past what lies aside there; what expired before it is reported."""
        for first, last in self._aside.passed(partition):
            expired = self._watch.seen(*partition, first, last)
            if expired > 0:
                self._observer.expired_unread(*partition, expired)

    def passed_over(self, portion: Fetched) -> None:
        """The group is past these, and nothing was made of them."""
        self.committed(portion)
        for partition, records in portion.items():
            self._watch.seen(*partition, records[0].offset, records[-1].offset)

    def committed(self, fetched: Fetched) -> None:
        """The group is past these."""
        self._aside.done(fetched)

    def check_forward(self, fetched: Fetched) -> None:
        """TopicRewoundError, and a report to the observer, if offsets came that were read before.

        Not after a step back, whose records were never counted by ``count``.
        """
        for (topic, number), records in fetched.items():
            first = records[0].offset
            due = self._watch.back(topic, number, first)
            if due is not None:
                self._observer.rewound(topic, number, due - first)
                raise TopicRewoundError(topic, number, due, first)

    def count(self, fetched: Fetched) -> None:
        """Report skipped or repeated offsets to the observer, once a batch is durable."""
        for partition, records in fetched.items():
            first, last = records[0].offset, records[-1].offset
            ahead = self._watch.seen(*partition, first, last)
            skipped = max(ahead, 0) + last - first + 1 - len(records)
            skipped -= self._aside.take_up_to(partition, last)
            if skipped > 0:
                self._observer.expired_unread(*partition, skipped)
            if ahead < 0:
                self._observer.rewound(*partition, -ahead)
