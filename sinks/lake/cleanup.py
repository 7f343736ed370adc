"""What a killed writer left half done: proved by its note, removed before anything is written.

Before a batch's parts get their names, ``_writing/<topic>-<partition>`` names them, durably, with
the marker they come after; it goes when their own marker is durable. So a part above its marker is
half-written if such a note names it and the marker is the one the note knew: its records were never
committed and come again from Kafka. Any other part above its marker shows that a marker is lost. It
may be the only copy, so nothing is deleted and the lake is not opened.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec import Struct

from sinks.lake.deletion.journal import broken_notes
from sinks.lake.durable import make_directory, sync_directory, sync_if_there, write_file
from sinks.lake.format import LakeDamagedError, LakeFormatError, stored_buckets
from sinks.lake.layout import WRITING, Part, entries, files, outputs, partitions, read_part
from sinks.lake.markers import DurableOffsets, damaged_markers, read_owner
from sinks.lake.parquet import connect, unreadable_parts
from sinks.lake.survey import said_place, survey
from sinks.port.results import Checked, Oddity, Strange


class _Note(Struct, forbid_unknown_fields=True):
    after: int
    """The last offset of the marker before; -1 if there was none."""
    parts: list[str]


def announce(
    root: Path, part: Part, after: int, finals: Sequence[Path], temporary: Path
) -> Path | None:
    """Note durably that these parts are about to appear; None if there are none."""
    if not finals:
        return None
    note = _note_path(root, part)
    make_directory(note.parent)
    made = temporary / f"{note.name}.writing"
    places = [str(final.relative_to(root)) for final in finals]
    write_file(made, msgspec.json.encode(_Note(after, places)))
    made.replace(note)
    sync_directory(note.parent)
    return note


@dataclass(slots=True)
class _Above:
    """The parts above their markers."""

    half_written: list[Path] = field(default_factory=list)
    unproven: list[Path] = field(default_factory=list)


def remove_half_written(root: Path) -> int:
    """Delete every part that is proved half-written; return how many. For the one writer only.

    LakeDamagedError, and nothing deleted, if a marker is lost, damaged or a stranger's.
    """
    problems = damaged_markers(root)
    if problems:
        msg = f"{problems[0].place} {_NO_MARKER}"
        raise LakeDamagedError(msg)
    above = _above(root)
    if above.unproven:
        msg = (
            f"{len(above.unproven)} parts of this lake lie above their marker, and nothing proves "
            f"that they are half-written (the first is {said_place(above.unproven[0], root)}). "
            f"{_REMEDY}"
        )
        raise LakeDamagedError(msg)
    for path in above.half_written:
        path.unlink(missing_ok=True)  # a sweep beside us may have been first
    for directory in {path.parent for path in above.half_written}:
        # Else a power cut could bring the part back below a marker that is past it by then.
        sync_if_there(directory)
    for note in _notes(root):
        note.unlink(missing_ok=True)
    sync_if_there(root / WRITING)
    return len(above.half_written)


_REMEDY = (
    "A marker must have been lost. Nothing was deleted: put `_offsets` back from a backup, or, if "
    "the topics still hold these records, move the parts away; `roadfade lake check` lists them"
)
_NO_MARKER = (
    "is damaged, or is no marker of this lake. Nothing was deleted: put `_offsets` back from a "
    "backup, or move away what is not the lake's; `roadfade lake check` lists what there is"
)


def check(root: Path, now_ms: int) -> Checked:
    """What the lake holds and what is wrong with it. Changes nothing; reads every part."""
    try:
        stored_buckets(root)
        refused = None
    except LakeFormatError as error:
        refused = str(error)
    parts = overdue = 0
    damaged: list[Path] = []
    with connect(spill=None) as engine:
        for place in partitions(root):
            found = files(place)
            parts += len(found)
            overdue += len(found) if place.expires_ms <= now_ms else 0
            damaged += unreadable_parts(engine, found)
    above = _above(root)
    strange = [*survey(root), *damaged_markers(root), *broken_notes(root), *foreign_notes(root)]
    strange += (
        Strange(Oddity.UNREADABLE, said_place(path, root), "its rows cannot be read")
        for path in damaged
        if path.exists()
    )
    unproven = tuple(said_place(path, root) for path in above.unproven)
    half_written = len(above.half_written)
    return Checked(
        tuple(outputs(root)), parts, overdue, half_written, unproven, tuple(strange), refused
    )


def _above(root: Path) -> _Above:
    durable = DurableOffsets(root)
    noted: dict[Path, set[str]] = {}
    above = _Above()
    for place in partitions(root):
        for path in files(place):
            part = read_part(path.name)
            if part is None or durable.covers(part):
                continue
            note = _note_path(root, part)
            if note not in noted:
                noted[note] = _places(note, durable.last(part))
            known = str(path.relative_to(root)) in noted[note]
            (above.half_written if known else above.unproven).append(path)
    return above


def _places(note: Path, after: int) -> set[str]:
    """The parts that the note proves half-written; none if another marker is there by now."""
    try:
        found = msgspec.json.decode(note.read_bytes(), type=_Note)
    except (OSError, msgspec.DecodeError):
        return set()
    return set(found.parts) if found.after == after else set()


def _notes(root: Path) -> list[Path]:
    return [path for path in entries(root / WRITING) if path.is_file() and read_owner(path.name)]


def foreign_notes(root: Path) -> list[Strange]:
    """What in ``_writing`` is no note of a batch."""
    return [
        Strange(Oddity.FOREIGN, said_place(path, root), "not a note of a batch being written")
        for path in entries(root / WRITING)  # once: a note may come between two looks
        if not (read_owner(path.name) and path.is_file())
        and os.path.lexists(path)  # else its batch ended a moment ago
    ]


def _note_path(root: Path, part: Part) -> Path:
    return root / WRITING / f"{part.topic}-{part.partition}"
