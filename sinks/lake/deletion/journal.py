"""Replacing one part by several, so that a kill leaves either the one or the others.

The note ``_restating/<name>`` is durable before any of the others appears; the old part's
unlink is the moment at which they count. A note still there then lists what to undo.
"""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from sinks.lake.durable import make_directory, move, sync_directory, sync_if_there, write_file
from sinks.lake.layout import RESTATING
from sinks.lake.steps import Hook, Step

NAME_BYTES: Final = 8


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


def half_done(root: Path) -> set[Path]:
    """Parts that do not count yet: the part they are to replace is still there."""
    return {
        root / part for note in _notes(root) if (root / note.source).exists() for part in note.parts
    }


def _notes(root: Path) -> list[_Note]:
    found = []
    for path in sorted((root / RESTATING).glob("*")):
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=_Note))
        except FileNotFoundError:  # finished meanwhile
            continue
    return found


def settle(root: Path) -> int:
    """Undo or finish what a killed process left half done; the number. One process at a time."""
    folder = root / RESTATING
    notes = sorted(folder.iterdir()) if folder.exists() else []
    for path in notes:
        note = msgspec.json.decode(path.read_bytes(), type=_Note)
        if (root / note.source).exists():
            for part in note.parts:
                (root / part).unlink(missing_ok=True)
                sync_if_there((root / part).parent)
        # Else a power cut could bring the source back beside its parts.
        sync_if_there((root / note.source).parent)
        path.unlink()
    if notes:
        sync_directory(folder)
    return len(notes)


def _write(root: Path, note: Path, content: _Note, temporary: Path) -> None:
    make_directory(root / RESTATING)
    made = temporary / f"{note.name}.note"
    write_file(made, msgspec.json.encode(content))
    made.replace(note)
    sync_directory(note.parent)


def _place(root: Path, path: Path) -> str:
    return str(path.relative_to(root))
