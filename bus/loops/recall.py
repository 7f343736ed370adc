"""What a group notes beside its offsets of what a handler remembers, and what of it is lost. Pure.

A handler may go by records that were before those in hand (see ``recollecting``); whoever takes a
partition over reads them again. The note is a part of a commit's metadata, behind what
``attempts`` notes there: ``append=1790000000000`` is the latest append time of what is before the
offset, ``lost_to`` the append time up to which records may have been lost, ``recalls`` how often
they were read again without coming to an end, ``over`` the last record that was passed over because
processes ended at it. Fields that are not known are left unread.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from bus.loops.attempts import NOTE_LENGTH_MAX, NOTE_VERSION
from bus.ports import Committed, Fetched, TopicPartition
from bus.records import APPEND_TIME

RECALLS_MAX: Final = 20
"""After so many in vain nothing is read again: what was before counts as lost.

Few in a row prove nothing: a supervisor, a rolling restart or a probe that is too strict ends a
process as it reads as well as a record does, and what counts as lost is withheld for good.
"""
_FIELD: Final = re.compile(r"(?:^|;)(append|lost_to|recalls|over)=([0-9]{1,19})(?=;|$)")


class Place(NamedTuple):
    """What is known of the records before an offset; times are append times."""

    offset: int | None
    """The next record to handle; None if the group never committed."""
    append_ms: int | None = None
    """The latest of those before; None if it was not noted."""
    lost_to_ms: int = 0
    """Records up to this time may have been lost; 0: none were."""
    recalls: int = 0
    over: int = -1

    def encode(self) -> str:
        """The part of a commit's metadata."""
        fields = {
            "append": self.append_ms or 0,
            "lost_to": self.lost_to_ms,
            "recalls": self.recalls,
            "over": self.over + 1,
        }
        return ";".join(f"{name}={number}" for name, number in fields.items() if number)


def read_place(found: Committed | None) -> Place:
    """The place of a commit; what is not noted is unknown."""
    if found is None:
        return Place(None)
    noted = {m[1]: int(m[2]) for m in _FIELD.finditer(found.metadata[:NOTE_LENGTH_MAX])}
    return Place(
        found.offset,
        noted.get("append"),
        noted.get("lost_to", 0),
        noted.get("recalls", 0),
        noted.get("over", 0) - 1,
    )


class Places:
    """The places of one member's partitions."""

    def __init__(self) -> None:
        self._of: dict[TopicPartition, Place] = {}
        self._before: dict[TopicPartition, Place] = {}
        """As they were when the group was shared out anew: true still if nobody went on."""

    def learn(self, partition: TopicPartition, found: Committed | None) -> bool:
        """Take up a partition; whether the group is at the very place where we left it."""
        place, before = read_place(found), self._before.pop(partition, None)
        ours = before is not None and found is not None and before.offset == found.offset
        self._of[partition] = before if before is not None and ours else place
        return ours

    def forget(self) -> None:
        """Another member may go on."""
        self._before = {**self._before, **self._of}
        self._of = {}

    def drop(self, partitions: Iterable[TopicPartition]) -> None:
        """These went to others."""
        for partition in partitions:
            self._before.pop(partition, None)

    def of(self, partition: TopicPartition) -> Place:
        """The place of a partition that was learned."""
        return self._of[partition]

    def behind(self, partition: TopicPartition, offset: int) -> bool:
        """Whether an offset lies before the place, as far as that is known."""
        place = self._of.get(partition)
        return place is not None and place.offset is not None and offset < place.offset

    def passed(self, fetched: Fetched) -> None:
        """These are done with."""
        for partition, records in fetched.items():
            place = self._of.get(partition, Place(None))
            dated = [r.timestamp for r in records if r.timestamp_type == APPEND_TIME]
            append_ms = max([place.append_ms or 0, *dated])
            self._of[partition] = place._replace(
                offset=records[-1].offset + 1, append_ms=append_ms or None
            )

    def passed_over(self, portion: Fetched) -> None:
        """Processes ended at these: they are not to be read again."""
        self.passed(portion)
        for partition, records in portion.items():
            self._of[partition] = self._of[partition]._replace(over=records[-1].offset)

    def moved(self, partition: TopicPartition, offset: int) -> None:
        """The group goes on at an offset without a record."""
        self._of[partition] = self._of.get(partition, Place(None))._replace(offset=offset)

    def anew(self, partitions: Collection[TopicPartition]) -> None:
        """Other logs stand in the place of these."""
        self._before.clear()
        self._of = {partition: Place(0) for partition in partitions}

    def recalling(self, partition: TopicPartition, recalls: int) -> None:
        """What was before is being read again for this time; 0: it was, or need not be."""
        if partition in self._of:
            self._of[partition] = self._of[partition]._replace(recalls=recalls)

    def give_up(self) -> Mapping[TopicPartition, int]:
        """The offsets of those that were being read again, which is taken back."""
        begun = {}
        for partition, place in self._of.items():
            if place.recalls and place.offset is not None:
                self._of[partition] = place._replace(recalls=place.recalls - 1)
                begun[partition] = place.offset
        return begun

    def lost(self, partition: TopicPartition, until_ms: int) -> None:
        """Records up to this append time may have been lost."""
        place = self._of.get(partition)
        if place is not None:
            self._of[partition] = place._replace(lost_to_ms=max(place.lost_to_ms, until_ms))

    def noted(
        self, offsets: Mapping[TopicPartition, Committed]
    ) -> Mapping[TopicPartition, Committed]:
        """The same commits with what is to be noted of the places."""
        return {at: self._with_note(at, to) for at, to in offsets.items()}

    def _with_note(self, partition: TopicPartition, to: Committed) -> Committed:
        mine = self._of.get(partition, Place(None)).encode()
        return to._replace(metadata=f"{to.metadata or NOTE_VERSION};{mine}") if mine else to
