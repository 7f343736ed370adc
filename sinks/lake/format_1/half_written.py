"""What a killed writer of format 1 left half done: proved by its note, removed before migration.

Before a batch's parts got their names, ``_writing/<topic>-<partition>`` named them, durably, with
the marker they come after. So a part above its marker is half-written if such a note names it and
the marker is the one the note knew: its records were never committed and come again from Kafka. Any
other part above its marker shows that a marker is lost: it may be the only copy.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec import Struct

from sinks.lake.format_1.markers import DurableOffsets, read_owner
from sinks.lake.layout import WRITING, Batch, entries, files, partitions, read_part
from sinks.lake.survey import said_place
from sinks.port.results import Oddity, Strange


class _Note(Struct, forbid_unknown_fields=True):
    after: int
    """The last offset of the marker before; -1 if there was none."""
    parts: list[str]


@dataclass(slots=True)
class Above:
    """The parts above their markers."""

    half_written: list[Path] = field(default_factory=list)
    unproven: list[Path] = field(default_factory=list)


def above_markers(root: Path) -> Above:
    """What lies above its marker. Changes nothing."""
    durable = DurableOffsets(root)
    noted: dict[Path, set[str]] = {}
    above = Above()
    for path, batch in _batches(root):
        if durable.covers(batch):
            continue
        note = root / WRITING / f"{batch.topic}-{batch.partition}"
        if note not in noted:
            noted[note] = _places(note, durable.last(batch))
        known = str(path.relative_to(root)) in noted[note]
        (above.half_written if known else above.unproven).append(path)
    return above


def foreign_notes(root: Path) -> list[Strange]:
    """What in ``_writing`` is no note of a batch."""
    return [
        Strange(Oddity.FOREIGN, said_place(path, root), "not a note of a batch being written")
        for path in entries(root / WRITING)  # once: a note may come between two looks
        if not (read_owner(path.name) and path.is_file())
        and os.path.lexists(path)  # else its batch ended a moment ago
    ]


def _batches(root: Path) -> Iterator[tuple[Path, Batch]]:
    for place in partitions(root):
        for path in files(place):
            part = read_part(path.name)
            if part is not None and part.batch is not None:
                yield path, part.batch


def _places(note: Path, after: int) -> set[str]:
    """The parts that the note proves half-written; none if another marker is there by now."""
    try:
        found = msgspec.json.decode(note.read_bytes(), type=_Note)
    except (OSError, msgspec.DecodeError):
        return set()
    return set(found.parts) if found.after == after else set()
