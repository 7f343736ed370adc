"""Offsets that fetches set aside, until the group has gone past them. Pure.

A batch that unpacks to too much, or not at all, is set aside by the client. Its offsets are passed
together with the next batch; at the end of a partition, where no record may ever follow, as soon as
nothing that was fetched before them is in hand.
"""

from collections.abc import Iterable
from typing import Final

from bus.ports import Fetched, SetAside, TopicPartition

RANGES_MAX: Final = 1_000
"""Ranges remembered in each partition until the next commit; what is beyond is not counted."""


class SetAsides:
    """What lies aside in one member's partitions, and what is in hand there."""

    def __init__(self) -> None:
        self._ranges: dict[TopicPartition, dict[int, int]] = {}
        self._fetched_to: dict[TopicPartition, int] = {}
        self._done_to: dict[TopicPartition, int] = {}

    def forget(self) -> None:
        """Forget all: another member may go on."""
        self._ranges.clear()
        self._fetched_to.clear()
        self._done_to.clear()

    def remember(self, ranges: Iterable[SetAside]) -> list[SetAside]:
        """Remember these; those that were not known yet."""
        new = []
        for one in ranges:
            known = self._ranges.setdefault(one.partition, {})
            if one.first not in known and len(known) < RANGES_MAX:
                known[one.first] = one.last
                new.append(one)
        return new

    def fetched(self, fetched: Fetched) -> None:
        """These came; they are in hand until they are done."""
        for partition, records in fetched.items():
            came_to = self._fetched_to.get(partition, -1)
            self._fetched_to[partition] = max(came_to, records[-1].offset)

    def done(self, fetched: Fetched) -> None:
        """These are committed."""
        self._done_to.update({at: records[-1].offset for at, records in fetched.items()})

    def ends(self, assigned: set[TopicPartition]) -> dict[TopicPartition, int]:
        """By partition, the offset after what lies aside, if nothing before it is in hand."""
        return {
            partition: max(self._ranges[partition].values()) + 1
            for partition in self._ranges.keys() & assigned
            if self._ranges[partition]
            and self._fetched_to.get(partition, -1) <= self._done_to.get(partition, -1)
        }

    def passed(self, partition: TopicPartition) -> list[tuple[int, int]]:
        """The group is past all of them: (first, last), in order, and forget them."""
        ranges = sorted(self._ranges.pop(partition).items())
        self._done_to[partition] = ranges[-1][1]
        return ranges

    def take_up_to(self, partition: TopicPartition, last: int) -> int:
        """Forget those up to ``last``; how many offsets they were."""
        known = self._ranges.get(partition, {})
        passed = {first: end for first, end in known.items() if first <= last}
        for first in passed:
            del known[first]
        return sum(end - first + 1 for first, end in passed.items())
