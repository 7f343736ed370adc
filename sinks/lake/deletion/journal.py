"""Replacing one part by several, so that a kill leaves either the one or the others.

The note ``_restating/<name>`` is durable before any of the others appears; the old part's
unlink is the moment at which they count. What a note still there is about is read from names
alone: it bears the name of its source, and so does each part that is to replace it. So a note that
is empty or damaged stops no reader. Nothing is undone on its word, though: it and the parts that it
is about stay as they are, and ``broken_notes`` tells it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from sinks.lake.durable import make_directory, move, sync_directory, sync_if_there, write_file
from sinks.lake.layout import RESTATING, entries, files, partitions, read_part
from sinks.lake.steps import Hook, Step
from sinks.lake.survey import said_place
from sinks.port.results import Oddity, Strange

NAME_BYTES: Final = 8
_NAME: Final = re.compile(r"[0-9a-f]{16}")


class _Note(Struct, forbid_unknown_fields=True):
    source: str
    parts: list[str]


def name_of(root: Path, source: Path) -> str:
    """A name that no other part of this lake has: 16 hexadecimal digits."""
    place = str(source.relative_to(root)).encode()
    return blake2b(place, digest_size=NAME_BYTES).hexdigest()


def replace(
    root: Path, source: Path, written: Sequence[tuple[Path, Path]], temporary: Path, at: Hook
) -> None:
    """Replace a source by parts, written durably as (temporary, final). Blocks.

    Durable on return. Until the unlink the new parts do not count (``half_done``). A source
    that a sweep took meanwhile is gone all the same.
    """
    note = root / RESTATING / name_of(root, source)
    finals = [final for _, final in written]
    _write(root, note, _Note(_place(root, source), [_place(root, f) for f in finals]), temporary)
    at(Step.NOTE_DURABLE)
    for made, final in written:
        move(made, final)
        at(Step.PART_RENAMED)
    for final in finals:
        sync_if_there(final.parent)
    source.unlink(missing_ok=True)
    sync_if_there(source.parent)
    at(Step.REPLACED)
    note.unlink()
    sync_directory(note.parent)


@dataclass(slots=True)
class _Unfinished:
    """What a note is about, as the lake shows it."""

    sources: list[Path] = field(default_factory=list)
    """The part to be replaced; none if it is gone."""
    parts: list[Path] = field(default_factory=list)

    @property
    def all(self) -> set[Path]:
        """The one and the others."""
        return {*self.sources, *self.parts}


def half_done(root: Path) -> set[Path]:
    """Parts that do not count yet: the part they are to replace is still there."""
    found = _unfinished(root, _noted(root)).values()
    return {part for one in found if one.sources for part in one.parts}


def _noted(root: Path) -> set[str]:
    found = (path for path in entries(root / RESTATING) if path.is_file())
    return {path.name for path in found if _NAME.fullmatch(path.name)}


def _unfinished(root: Path, names: set[str]) -> dict[str, _Unfinished]:
    found = {name: _Unfinished() for name in names}
    if not names:
        return found
    for place in partitions(root):
        for path in files(place):
            part = read_part(path.name)
            if part is not None and part.restated in found:
                found[part.restated].parts.append(path)
            own = name_of(root, path)
            if own in found:
                found[own].sources.append(path)
    return found


def settle(root: Path) -> _Unfinished:
    """Undo or finish what a killed process left half done. One process at a time.

    The answer are parts that stay as they are, since the note about them is broken.
    """
    folder = root / RESTATING
    undecided, settled = _Unfinished(), False
    for name, found in sorted(_unfinished(root, _noted(root)).items()):
        note = _read(root, folder / name)
        if note is None:
            if found.sources:
                undecided.sources += found.sources
                undecided.parts += found.parts
            continue
        if found.sources:
            for part in found.parts:
                part.unlink(missing_ok=True)
                sync_if_there(part.parent)
        else:
            # Else a power cut could bring the source back beside its parts.
            sync_if_there((root / note.source).parent)
        (folder / name).unlink(missing_ok=True)
        settled = True
    if settled:
        sync_directory(folder)
    return undecided


def broken_notes(root: Path) -> list[Strange]:
    """What in ``_restating`` is no whole note, each with what to do about it."""
    found = []
    for path in entries(root / RESTATING):
        if _NAME.fullmatch(path.name) is None or not path.is_file():
            if path.is_symlink() or path.exists():  # else its restatement ended a moment ago
                why = "not a note of a restatement"
                found.append(Strange(Oddity.FOREIGN, said_place(path, root), why))
        elif _read(root, path) is None and path.exists():
            found.append(Strange(Oddity.UNREADABLE, said_place(path, root), _BROKEN))
    return found


_BROKEN: Final = (
    "a note of a restatement that is empty or damaged: nothing was undone on its word, and the "
    "part that it is about keeps its expiry date. Stop the sweep and put it back from a backup; "
    "or, if the part it is about is still there, move away the copies, whose names hold -r and "
    "the note's name, and then the note; if neither that part nor a copy is there any "
    "more, only the note"
)


def _read(root: Path, note: Path) -> _Note | None:
    """None if the note is not whole, or its content is about another part than its name."""
    try:
        found = msgspec.json.decode(note.read_bytes(), type=_Note)
        return found if name_of(root, root / found.source) == note.name else None
    except (OSError, ValueError):
        return None


def _write(root: Path, note: Path, content: _Note, temporary: Path) -> None:
    make_directory(root / RESTATING)
    made = temporary / f"{note.name}.note"
    write_file(made, msgspec.json.encode(content))
    made.replace(note)
    sync_directory(note.parent)


def _place(root: Path, path: Path) -> str:
    return str(path.relative_to(root))
