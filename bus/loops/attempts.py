"""What a group notes beside its offsets: which records were begun, and how often in vain. Pure.

A process that dies leaves its note; the one after it counts on from there. What killed
``ATTEMPTS_MAX`` processes in a row is suspect. Suspects go partition by partition, so that a later
death names its partition; then in ``PARTS`` parts, so that it names its part; and so on down to
one record. A record that was in hand alone for as many deaths is passed over. One death proves
nothing: a process may be killed at any moment.

The note is the metadata of a commit, ``v1;attempts=2;from=100;to=150``: offsets ``from`` up to
``to`` (exclusive) were begun so often. ``suspect_to=190;part=10`` says that up to offset 190 no
more than ten offsets go at a time, and none of another partition with them. Fields that are not
known are left unread, and so is a note of another version.
"""

import re
from collections.abc import Mapping
from math import ceil
from typing import Final, NamedTuple

from bus.ports import Committed, Fetched, TopicPartition

ATTEMPTS_MAX: Final = 2
PARTS: Final = 50
"""A cut costs ``ATTEMPTS_MAX`` deaths, and each part a batch: of 10,000 suspects in one partition,
about what a sink gathers at most, the culprit is found within ten deaths and 150 batches."""
NOTE_VERSION: Final = "v1"
NOTE_LENGTH_MAX: Final = 1_000
"""Kafka's ``offset.metadata.max.bytes`` is 4096 unless configured."""
_FIELD: Final = re.compile(r"([a-z_]{1,30})=([0-9]{1,19})")


class Note(NamedTuple):
    """``attempts`` at ``first`` up to ``end``; ``part`` offsets at a time up to ``suspect_end``."""

    attempts: int
    first: int
    end: int
    suspect_end: int = 0
    part: int = 1

    def encode(self) -> str:
        """The metadata of a commit."""
        parts = f";suspect_to={self.suspect_end};part={self.part}" if self.suspect_end else ""
        return f"{NOTE_VERSION};attempts={self.attempts};from={self.first};to={self.end}{parts}"

    def narrowed(self) -> "Note":
        """The note to begin with after so many deaths: at first of the partition, then in parts."""
        offsets = self.end - self.first
        part = ceil(offsets / PARTS) if self.suspect_end else offsets
        return self._replace(attempts=0, suspect_end=self.end, part=max(1, part))

    @property
    def alone(self) -> bool:
        """Whether it tells of one record that was in hand by itself, to find a culprit."""
        return self.first < self.suspect_end and self.end == self.first + 1


def read_note(text: str) -> Note | None:
    """The note in a commit's metadata; None if it is none of ours, or of another version."""
    version, *rest = text[:NOTE_LENGTH_MAX].split(";")
    fields = {found[1]: int(found[2]) for one in rest if (found := _FIELD.fullmatch(one))}
    if version != NOTE_VERSION or not {"attempts", "from", "to"} <= fields.keys():
        return None
    part = max(1, fields.get("part", 1))
    return Note(fields["attempts"], fields["from"], fields["to"], fields.get("suspect_to", 0), part)


class Attempts:
    """The notes of one member's partitions. A partition that is not watched costs nothing."""

    def __init__(self) -> None:
        self._watched: dict[TopicPartition, Note | None] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._ours: set[TopicPartition] = set()
        """Those whose note this process wrote: to try again within it is no other attempt."""

    def learn(self, partition: TopicPartition, found: Committed | None) -> None:
        """Take up a partition with what the group noted there; its first batch is watched."""
        note = None if found is None else read_note(found.metadata)
        if note is not None and not note.alone and note.attempts >= ATTEMPTS_MAX:
            note = note.narrowed()
        self._watched[partition] = note
        self._ours.discard(partition)
        if found is not None:
            self._committed[partition] = found.offset

    def forget(self) -> None:
        """Forget all: another member may have gone on."""
        self._watched.clear()
        self._committed.clear()
        self._ours.clear()

    def suspects(self, fetched: Fetched) -> bool:
        """Whether some of these go part by part."""
        return any(
            note is not None and records[0].offset < note.suspect_end
            for partition, records in fetched.items()
            for note in [self._watched.get(partition)]
        )

    def portion(self, fetched: Fetched) -> Fetched:
        """What of a fetch to handle now: all of it, or the next part if one of it is suspect."""
        if self._watched:
            for partition, records in sorted(fetched.items()):
                note, first = self._watched.get(partition), records[0].offset
                if note is not None and first < note.suspect_end:
                    part = 1 if self._killed_alone(partition, first) else note.part
                    end = min(first + part, note.suspect_end)
                    return {partition: [record for record in records if record.offset < end]}
        return fetched

    def culprit(self, portion: Fetched) -> bool:
        """Whether this one record was in hand at too many deaths."""
        if len(portion) != 1 or not self._watched:
            return False
        ((partition, records),) = portion.items()
        return self._killed_alone(partition, records[0].offset)

    def _killed_alone(self, partition: TopicPartition, offset: int) -> bool:
        note = self._watched.get(partition)
        return (
            note is not None
            and partition not in self._ours
            and note.alone
            and note.attempts >= ATTEMPTS_MAX
            and note.first == offset
        )

    def to_begin(self, portion: Fetched) -> Mapping[TopicPartition, Note]:
        """What to note before this is handled; nothing for partitions that are not watched."""
        notes = {}
        for partition in portion.keys() & self._watched.keys():
            records, before = portion[partition], self._watched[partition]
            note = Note(1, records[0].offset, records[-1].offset + 1)
            if before is not None and before.first == note.first:
                other = partition not in self._ours
                note = note._replace(attempts=before.attempts + other)
            if before is not None and before.suspect_end > note.first:
                note = note._replace(suspect_end=before.suspect_end, part=before.part)
            if note != before or partition not in self._ours:
                notes[partition] = note
        return notes

    def to_take_back(self) -> Mapping[TopicPartition, Note]:
        """What to note if this process lives, and gives up what it began: that was no death."""
        notes = {}
        for partition in self._ours:
            note = self._watched.get(partition)
            if note is not None and note.attempts:
                notes[partition] = note._replace(attempts=note.attempts - 1)
        return notes

    def commits(self, notes: Mapping[TopicPartition, Note]) -> Mapping[TopicPartition, Committed]:
        """The commit that carries these; it moves no offset, so that no gap is forgotten."""
        return {
            partition: Committed(self._committed.get(partition, note.first), note.encode())
            for partition, note in notes.items()
        }

    def noted(self, notes: Mapping[TopicPartition, Note]) -> None:
        """Remember notes that are committed now."""
        self._watched.update(notes)
        self._ours.update(notes)

    def move(self, partition: TopicPartition, offset: int) -> Committed:
        """What to commit to go on at an offset without a record; what is noted behind it stays."""
        note = self._watched.get(partition)
        left = note is not None and offset < max(note.end, note.suspect_end)
        return Committed(offset, note.encode() if note is not None and left else "")

    def moved(self, partition: TopicPartition, to: Committed) -> None:
        """The commit of ``move`` is done."""
        self._committed[partition] = to.offset
        if not to.metadata and partition in self._watched:
            self._watched[partition] = None

    def behind(self, partition: TopicPartition, offset: int) -> bool:
        """Whether the group's position, as learned, lies before this."""
        return self._committed.get(partition, -1) < offset

    def to_finish(self, portion: Fetched) -> Mapping[TopicPartition, Committed]:
        """What to commit after it; the rest of what is suspect stays so, all else is clean."""
        return {
            partition: Committed(records[-1].offset + 1, "" if rest is None else rest.encode())
            for partition, records in portion.items()
            for rest in [self._rest(partition, records[-1].offset + 1)]
        }

    def finished(self, portion: Fetched) -> None:
        """The portion is through, or passed over."""
        for partition in portion.keys() & self._watched.keys():
            records = portion[partition]
            rest = self._rest(partition, records[-1].offset + 1)
            self._ours.discard(partition)
            self._committed[partition] = records[-1].offset + 1
            if rest is None:
                del self._watched[partition]
            else:
                self._watched[partition] = rest

    def _rest(self, partition: TopicPartition, next_offset: int) -> Note | None:
        note = self._watched.get(partition)
        if note is None or next_offset >= note.suspect_end:
            return None
        return Note(0, next_offset, next_offset + 1, note.suspect_end, note.part)
