"""How far a topic may be cut, who holds that back, and what it costs others. Pure.

In: where partitions begin and end, who reads them and how far. Out: an offset for each partition.
Deleting before an offset takes everybody's records, so nothing is cut past what each registered
reader has for good; a reader that is not ours loses what it has not read, and is told of first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from bus.ports import Reader
from telemetry.topics import GROUPS, RAW, SINK_GROUP, WORKER_GROUP

STORE: Final = "the sink's store"
"""What the store itself has: it wins over what its group has committed."""

Numbered = Mapping[int, int]
"""Offsets by partition."""


@dataclass(frozen=True, slots=True)
class Places:
    """How far a topic goes, and how far each has read it.

    A partition that a reader does not name is one of which it needs all.
    """

    begins: Numbered
    ends: Numbered
    ours: Mapping[str, Numbered]
    """By registered reader: the next record that it needs."""
    others: Mapping[str, Numbered] = field(default_factory=dict)
    """The same of readers that are in no register."""

    @property
    def records(self) -> int:
        """About how many lie there."""
        return sum(end - self.begins[number] for number, end in self.ends.items())

    def unread_by_ours(self, upto: Numbered) -> dict[str, int]:
        """Records before ``upto`` that a registered reader has not for good yet, by reader."""
        found = {reader: self._unread(of, upto) for reader, of in self.ours.items()}
        return {reader: count for reader, count in found.items() if count}

    def lost_by_others(self, upto: Numbered) -> dict[str, int]:
        """Records before ``upto`` that each of the others has not read; it may be none."""
        return {reader: self._unread(of, upto) for reader, of in self.others.items()}

    def cut(self, upto: Numbered) -> dict[int, int]:
        """Before which offset each partition may be deleted, at most up to ``upto``."""
        return {
            number: min([offset, *(self._place(of, number) for of in self.ours.values())])
            for number, offset in upto.items()
        }

    def _unread(self, of: Numbered, upto: Numbered) -> int:
        return sum(max(0, offset - self._place(of, number)) for number, offset in upto.items())

    def _place(self, of: Numbered, number: int) -> int:
        return max(of.get(number, 0), self.begins[number])


def places(
    topic: str, begins: Numbered, ends: Numbered, readers: Iterable[Reader], stored: Numbered
) -> Places:
    """What is known of a topic; ``stored``: what its sink's store has, by partition.

    A registered reader that never committed needs all of it. A store begins where its group is, so
    a partition that it does not name is the group's.
    """
    here = [(reader, _of(topic, reader)) for reader in readers]
    group = reader_of(topic)
    mine = next((of for one, of in here if one.ours and one.group == group), {})
    ours = {group: mine, STORE: {**mine, **stored}} if stored else {group: mine}
    others = {one.group: of for one, of in here if not (one.ours and one.group in GROUPS)}
    return Places(begins, ends, ours, others)


def reader_of(topic: str) -> str:
    """The group that has to read a topic of readings."""
    return WORKER_GROUP if topic == RAW else SINK_GROUP


def _of(topic: str, reader: Reader) -> dict[int, int]:
    return {number: offset for (name, number), offset in reader.committed.items() if name == topic}
