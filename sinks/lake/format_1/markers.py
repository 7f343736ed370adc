"""Markers of format 1: up to which offset a topic's partition was durable, and which ids it kept.

``_offsets/<topic>-<partition>/<last>`` appeared, whole, after the files of its batch. Its
name is the last offset; its content the ids that batch kept. The newest name is the
position; the contents together are the duplicate window.

A topic that is made anew begins at offset 0 again. So that no name ever stood for two things, the
lake's own offsets went on: they are Kafka's and ``base``. The newest marker says of which topic it
is; those of old, lists of ids, do not.
"""

import re
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from sinks.lake.checkpoints import At
from sinks.lake.layout import OFFSETS, Batch, entries, is_safe
from sinks.lake.survey import said_place
from sinks.port.duplicates import Seen
from sinks.port.results import Oddity, Place, Strange

_NAME: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class _Content(Struct, omit_defaults=True, forbid_unknown_fields=True):
    seen: list[Seen]
    topic_id: str | None = None
    base: int = 0
    """What the lake adds to an offset of the topic."""
    stored_before: int = 0
    """In the lake's offsets: below it, what has rows already is dropped by its id."""


_decoder = msgspec.msgpack.Decoder(list[Seen] | _Content)


class Marked(NamedTuple):
    """What the markers of one topic's partition say."""

    place: At
    seen: list[Seen]
    """The ids that they remember, oldest first."""


def marked(root: Path) -> list[Marked]:
    """What all markers of a lake say. Blocks; none of them may be damaged."""
    found = []
    for folder in entries(root / OFFSETS):
        owner, lasts = read_owner(folder.name), stored_lasts(folder)
        if owner is None or not lasts:
            continue
        contents = [_content(folder / str(last)) for last in lasts]
        newest = contents[-1]
        before = max(newest.stored_before - newest.base, 0)
        place = At(*owner, lasts[-1] + 1 - newest.base, newest.topic_id, before)
        found.append(Marked(place, [one for content in contents for one in content.seen]))
    return found


class DurableOffsets:
    """Up to which offset each topic-partition's rows are durable; each is read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lasts: dict[tuple[str, int], int] = {}

    def covers(self, batch: Batch) -> bool:
        """Whether the batch is durable."""
        return batch.last <= self.last(batch)

    def last(self, batch: Batch) -> int:
        """The last durable offset of the batch's topic-partition; -1 without a marker."""
        owner = (batch.topic, batch.partition)
        if owner not in self._lasts:
            lasts = stored_lasts(self._root / OFFSETS / f"{batch.topic}-{batch.partition}")
            self._lasts[owner] = lasts[-1] if lasts else -1
        return self._lasts[owner]


def stored_lasts(directory: Path) -> list[int]:
    """The last offsets of all markers in a topic-partition's directory, ascending."""
    return sorted(int(path.name) for path in directory.glob("*") if is_marker(path))


def marked_places(root: Path) -> dict[tuple[str, int], Place]:
    """The next offset to write of each topic-partition that has a marker, and of which topic.

    A sink may be at work: a marker that is gone meanwhile has a newer one.
    """
    found: dict[tuple[str, int], Place] = {}
    for folder in (root / OFFSETS).glob("*"):
        owner = read_owner(folder.name)
        place = None if owner is None else _place(folder)
        if owner is not None and place is not None:
            found[owner] = place
    return found


def marked_at_ms(root: Path) -> int | None:
    """The latest time of a file among the last markers of all topic-partitions; None without one.

    Older markers are not asked: if a clock was ahead while one was written, the next puts it right.
    What cannot be read has no time.
    """
    found: list[int] = []
    for folder in entries(root / OFFSETS):
        if lasts := [int(path.name) for path in entries(folder) if _NAME.fullmatch(path.name)]:
            with suppress(OSError):
                found.append((folder / str(max(lasts))).lstat().st_mtime_ns // 1_000_000)
    return max(found, default=None)


def _place(folder: Path) -> Place | None:
    while lasts := stored_lasts(folder):
        try:
            newest = _content(folder / str(lasts[-1]))
        except FileNotFoundError:
            continue
        except msgspec.DecodeError:
            # Nothing says of which topic it is; no sink opens such a lake.
            newest = _Content([])
        return Place(lasts[-1] + 1 - newest.base, newest.topic_id)
    return None


def _content(path: Path) -> _Content:
    found = _decoder.decode(path.read_bytes())
    return found if isinstance(found, _Content) else _Content(found)


def damaged_markers(root: Path) -> list[Strange]:
    """What in ``_offsets`` is no whole marker: each could hide up to where a topic was read."""
    found: list[Strange] = []
    for folder in sorted((root / OFFSETS).glob("*")):
        if read_owner(folder.name) is None or not folder.is_dir():
            why = "not a topic-partition's folder of markers"
            found.append(Strange(Oddity.FOREIGN, said_place(folder, root), why))
            continue
        for path in sorted(folder.glob("*")):
            if not is_marker(path):
                why = "not a marker"
                found.append(Strange(Oddity.FOREIGN, said_place(path, root), why))
            elif not _is_whole(path):
                why = "a marker that is empty or damaged"
                found.append(Strange(Oddity.UNREADABLE, said_place(path, root), why))
    return found


def read_owner(name: str) -> tuple[str, int] | None:
    """The topic and partition of a folder of markers; None if it is none of ours."""
    topic, _, number = name.rpartition("-")
    return (topic, int(number)) if is_safe(topic) and _NAME.fullmatch(number) else None


def _is_whole(path: Path) -> bool:
    try:
        _decoder.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError):
        return not path.exists()
    return True


def is_marker(path: Path) -> bool:
    """Whether it is named as a marker, and is a file."""
    return _NAME.fullmatch(path.name) is not None and path.is_file()
