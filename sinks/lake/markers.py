"""Markers: up to which offset a topic-partition's rows are durable, and which ids it kept.

``_offsets/<topic>-<partition>/<last>`` appears, whole, after the files of its batch. Its
name is the last offset; its content the ids that batch kept. The newest name is the
position; the contents together are the duplicate window, so a restart knows it exactly,
without reading Kafka or the lake again, and a swept or erased record does not come back.
Every ``MARKER_FILES_MAX`` markers are merged into one.

A topic that is made anew begins at offset 0 again. So that no name of the lake ever stands for two
things, the lake's own offsets go on: they are Kafka's and ``base``, which grows whenever another
topic is adopted. The newest marker says of which topic it is; those of old, lists of ids, do not.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from sinks.lake.durable import make_directory, sync_directory, write_file
from sinks.lake.layout import OFFSETS, Part, entries, is_safe, marker_directory
from sinks.lake.steps import Hook, Step
from sinks.lake.survey import said_place
from sinks.port.duplicates import Seen, Window
from sinks.port.results import Oddity, Place, Strange

MARKER_FILES_MAX: Final = 64

_NAME: Final = re.compile(r"0|[1-9][0-9]{0,18}")


class _Content(Struct, omit_defaults=True, forbid_unknown_fields=True):
    seen: list[Seen]
    topic_id: str | None = None
    base: int = 0
    """What the lake adds to an offset of the topic."""
    stored_before: int = 0
    """In the lake's offsets: below it, what has rows already is dropped by its id."""


_decoder = msgspec.msgpack.Decoder(list[Seen] | _Content)


class Markers:
    """One topic-partition's markers, read when opened. Blocks; one thread at a time."""

    def __init__(self, root: Path, topic: str, partition: int, window: int) -> None:
        self._directory = marker_directory(root, topic, partition)
        self._name = f"{topic}-{partition}.marker"
        self.window = Window(window)
        self._lasts = stored_lasts(self._directory)
        found = _Content([])
        for last in self._lasts:
            found = _content(self._directory / str(last))
            self.window.remember(found.seen)
        self.topic_id = found.topic_id
        self.base = found.base
        """What the lake adds to an offset of the topic; ``last`` and part names are its own."""
        self.stored_before = found.stored_before - found.base
        """Below this offset of the topic, what has rows already is dropped by its id."""

    @property
    def position(self) -> int | None:
        """The offset of the next record to write, as the topic has it; None before the first."""
        return self._lasts[-1] + 1 - self.base if self._lasts else None

    @property
    def last(self) -> int:
        """The last offset that is durable, as the lake has it; -1 before the first."""
        return self._lasts[-1] if self._lasts else -1

    def bind(self, topic_id: str, temporary: Path, at: Hook) -> None:
        """Say of which topic this is; durable on return if there is a position."""
        if self.topic_id == topic_id:
            return
        self.topic_id = topic_id
        self._rewrite(temporary, at)

    def adopt(self, topic_id: str, end: int, temporary: Path, at: Hook) -> None:
        """Go on from the beginning of another topic; durable on return.

        Below its offset ``end``, what has rows already is to be dropped by its id.
        """
        self.topic_id, self.base, self.stored_before = topic_id, max(self.last, 0) + 1, end
        self._lasts = self._lasts or [0]
        self._rewrite(temporary, at)

    def _rewrite(self, temporary: Path, at: Hook) -> None:
        if self._lasts:
            self._put(self._lasts[-1], self.window.entries(), temporary, at)
            self._drop(self._lasts[:-1], at)

    def advance(
        self, last: int, seen: Sequence[Seen], now_ms: int, temporary: Path, at: Hook
    ) -> None:
        """Record durably that everything up to ``last`` is durable.

        The caller's files must be durable under their names. ``temporary`` is a folder of
        the same file system. If markers are merged, ids of expired records are left out.
        """
        self.window.remember(seen)
        merge = len(self._lasts) >= MARKER_FILES_MAX
        if merge:
            self.window.forget(now_ms)
        self._put(last, self.window.entries() if merge else seen, temporary, at)
        if merge:
            self._drop(self._lasts[:-1], at)

    def forget(self, now_ms: int, temporary: Path, at: Hook) -> None:
        """Remove the ids of expired records from the disk; the position stays."""
        if self.window.forget(now_ms):
            self._rewrite(temporary, at)

    def _put(self, last: int, seen: Sequence[Seen], temporary: Path, at: Hook) -> None:
        make_directory(self._directory)
        part = temporary / self._name
        until = self.stored_before + self.base if self.stored_before > 0 else 0
        content = _Content(list(seen), self.topic_id, self.base, until)
        write_file(part, msgspec.msgpack.encode(content))
        at(Step.MARKER_WRITTEN)
        part.replace(self._directory / str(last))
        at(Step.MARKER_RENAMED)
        sync_directory(self._directory)
        if last not in self._lasts:
            self._lasts.append(last)
        at(Step.MARKER_DURABLE)

    def _drop(self, lasts: Sequence[int], at: Hook) -> None:
        for last in lasts:
            (self._directory / str(last)).unlink()
            at(Step.OLD_MARKER_REMOVED)
        sync_directory(self._directory)
        self._lasts = self._lasts[-1:]


class DurableOffsets:
    """Up to which offset each topic-partition's rows are durable; each is read once.

    A part above it may be removed by the next writer, and its records come again.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lasts: dict[tuple[str, int], int] = {}

    def covers(self, part: Part) -> bool:
        """Whether the batch of this part is durable."""
        return part.last <= self.last(part)

    def last(self, part: Part) -> int:
        """The last durable offset of the part's topic-partition; -1 without a marker."""
        owner = (part.topic, part.partition)
        if owner not in self._lasts:
            lasts = stored_lasts(self._root / OFFSETS / f"{part.topic}-{part.partition}")
            self._lasts[owner] = lasts[-1] if lasts else -1
        return self._lasts[owner]


def stored_lasts(directory: Path) -> list[int]:
    """The last offsets of all markers in a topic-partition's directory, ascending."""
    return sorted(int(path.name) for path in directory.glob("*") if is_marker(path))


def stored_places(root: Path) -> dict[tuple[str, int], Place]:
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


def written_ms(root: Path) -> int | None:
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
