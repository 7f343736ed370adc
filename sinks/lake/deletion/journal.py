"""Replacing one part by several, so that a kill leaves either the one or the others.

The note ``_restating/<name>`` is durable before any of the others appears; the old part's
unlink is the moment at which they count. What a note still there is about is read from names
alone: it bears the name of its source, and so does each part that is to replace it. So a note that
is empty, damaged or a stranger's stops nothing, and can undo nothing but copies.
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
from sinks.lake.layout import RESTATING, files, partitions, read_part
from sinks.lake.steps import Hook, Step

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


def half_done(root: Path) -> set[Path]:
    """Parts that do not count yet: the part they are to replace is still there."""
    found = _unfinished(root, _noted(root)).values()
    return {part for one in found if one.sources for part in one.parts}


def _noted(root: Path) -> set[str]:
    try:
        names = [path.name for path in (root / RESTATING).iterdir() if path.is_file()]
    except OSError:
        return set()
    return {name for name in names if _NAME.fullmatch(name)}


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


def settle(root: Path) -> int:
    """Undo or finish what a killed process left half done; the number. One process at a time."""
    folder = root / RESTATING
    unfinished = _unfinished(root, _noted(root))
    for name, found in sorted(unfinished.items()):
        if found.sources:
            for part in found.parts:
                part.unlink(missing_ok=True)
                sync_if_there(part.parent)
        else:
            # Else a power cut could bring the source back beside its parts.
            _sync_source(root, folder / name)
        (folder / name).unlink(missing_ok=True)
    if unfinished:
        sync_directory(folder)
    return len(unfinished)


def _sync_source(root: Path, note: Path) -> None:
    try:
        place = msgspec.json.decode(note.read_bytes(), type=_Note).source
    except (OSError, msgspec.DecodeError):
        return
    source = (root / place).resolve()
    if source.is_relative_to(root.resolve()):
        sync_if_there(source.parent)


def _write(root: Path, note: Path, content: _Note, temporary: Path) -> None:
    make_directory(root / RESTATING)
    made = temporary / f"{note.name}.note"
    write_file(made, msgspec.json.encode(content))
    made.replace(note)
    sync_directory(note.parent)


def _place(root: Path, path: Path) -> str:
    return str(path.relative_to(root))
