"""A whole copy of a lake beside its living sink: parts and positions of one moment.

In: a lake, an empty folder. Out: a lake there, with one whole checkpoint: every part that counts at
that moment, how far each topic is, which ids are remembered. No hard link: what a sweep or an
erasure unlinks has no other name. Whoever rewrites parts is kept away for some of them at a time,
so that an erasure waits for moments; the last look, with nothing left to copy, is what counts.
"""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from sinks.lake.checkpoints import LOOKS_MAX, Checkpoint, newest_number, put, read_all
from sinks.lake.durable import make_directory, sync_directory, write_file
from sinks.lake.format import FORMAT_VERSION, LakeFormatError, stored_format, write_format
from sinks.lake.layout import COPY_FILE, STAGED, STORE_FILE, TEMPORARY, checked_root
from sinks.lake.opening import chain
from sinks.lake.part_file import count_rows
from sinks.lake.progress import Progress
from sinks.lake.room import told_if_full
from sinks.lake.seal import is_altered
from sinks.lake.staged import read_staged
from sinks.lake.standing import CountedPart, MovingError, counted
from sinks.lake.steps import go_on
from sinks.lake.store_name import store_name
from sinks.lake.survey import said_place
from sinks.lake.workplace import ERASING, Workplace

HELD_BYTES_MAX: Final = 256 * 1024 * 1024
"""So much is copied while nobody may rewrite parts; then whoever waits has a turn."""
TURN_S: Final = 0.2
"""Longer than whoever waits looks away."""
WAIT_S: Final = 30.0
_CHUNK_BYTES: Final = 1 << 20

Tell = Callable[[int, int], None]
"""Told of bytes that are copied, and how many there are as far as is known."""


def _size_of(parts: Iterable[CountedPart]) -> int:
    """In bytes, of those that are still there: any may move or be swept at any time."""
    size = 0
    for part in parts:
        with suppress(FileNotFoundError):
            size += part.path.stat().st_size
    return size


class CopiedLake(NamedTuple):
    """What a copy holds."""

    parts: int
    rows: int
    checkpoint: int


class _Copied(NamedTuple):
    """A part's file as it was when it was copied."""

    inode: int
    size: int
    changed_ns: int
    rows: int


class _Moment(NamedTuple):
    """A lake at one moment."""

    checkpoints: list[Checkpoint]
    parts: list[CountedPart]


def copy_lake(root: Path, target: Path, window: int, now_ms: int, tell: Tell) -> CopiedLake:
    """Copy it, durably. Blocks.

    LakeFormatError if no sink would open it, or a part is damaged; StoreTakenError if others
    rewrite or move parts all the time; StoreFullError without room.
    """
    with told_if_full():
        return _Copy(checked_root(root), target).run(window, now_ms, tell)


class _Copy:
    """What of a lake is copied so far, by the place that a part has or is to have."""

    def __init__(self, root: Path, target: Path) -> None:
        self._root = root
        self._target = target
        self._copied: dict[Path, _Copied] = {}

    def run(self, window: int, now_ms: int, tell: Tell) -> CopiedLake:
        """Look, copy some, look again, until a look finds nothing that is not copied."""
        stored = stored_format(self._root)
        if stored.v < FORMAT_VERSION:
            msg = (
                f"this lake has format {stored.v}: have a sink open it once, which makes it format "
                f"{FORMAT_VERSION}, then copy it"
            )
            raise LakeFormatError(msg)
        for _ in range(self._looks_max()):
            with Workplace(self._root, ERASING, WAIT_S):
                moment = self._moment()
                if self._copy_some(moment, tell):
                    self._drop_others(moment)
                    break
            time.sleep(TURN_S)
        else:
            raise MovingError
        self._finish(moment.checkpoints, window, now_ms)
        rows = sum(one.rows for one in self._copied.values())
        write_format(self._target, stored_format(self._root))
        return CopiedLake(len(self._copied), rows, moment.checkpoints[-1].number)

    def _looks_max(self) -> int:
        """Enough for a lake of this size, and for some that show a lake that moves."""
        size = _size_of(counted(self._root))
        return LOOKS_MAX + 2 * size // HELD_BYTES_MAX

    def _moment(self) -> _Moment:
        for _ in range(LOOKS_MAX):
            checkpoints = chain(read_all(self._root))
            if not checkpoints:
                msg = "this lake has no checkpoint: no sink has written to it"
                raise LakeFormatError(msg)
            parts = counted(self._root)
            # Numbers only grow: it was the newest all along.
            if newest_number(self._root) == checkpoints[-1].number:
                return _Moment(checkpoints, parts)
        raise MovingError

    def _copy_some(self, moment: _Moment, tell: Tell) -> bool:
        """Whether all that counts is copied now; a part that moved or was swept: look again."""
        held = 0
        total = _size_of(moment.parts)
        for part in moment.parts:
            final = self._final(part.path)
            try:
                with part.path.open("rb") as source:
                    found = os.fstat(source.fileno())
                    facts = (found.st_ino, found.st_size, found.st_mtime_ns)
                    if final in self._copied and self._copied[final][:3] == facts:
                        continue
                    if held >= HELD_BYTES_MAX:
                        return False
                    held += found.st_size
                    self._copied[final] = _Copied(*facts, self._copy(source.fileno(), final))
            except FileNotFoundError:
                return False
            tell(sum(one.size for one in self._copied.values()), total)
        return True

    def _final(self, path: Path) -> Path:
        """The place, within the lake, that a part has or is to have."""
        if path.parent == self._root / STAGED:
            waiting = read_staged(self._root, path.name)
            if waiting is not None:
                path = waiting.final
        return path.relative_to(self._root)

    def _copy(self, source: int, final: Path) -> int:
        """Copy an open part to its place, durably; its rows. LakeFormatError if it is damaged."""
        path = self._target / final
        make_directory(path.parent)
        with path.open("wb") as written:
            place = 0
            while chunk := os.pread(source, _CHUNK_BYTES, place):
                written.write(chunk)
                place += len(chunk)
            written.flush()
            os.fsync(written.fileno())
        sync_directory(path.parent)
        rows = count_rows(path)
        if rows is None or is_altered(path):
            msg = (
                f"{said_place(self._root / final, self._root)} of this lake is damaged, and who "
                "could be erased from it would not be known: see `roadfade lake check`"
            )
            raise LakeFormatError(msg)
        return rows

    def _drop_others(self, moment: _Moment) -> None:
        """Remove copies of what does not count at that moment."""
        counts = {self._final(part.path) for part in moment.parts}
        for final in self._copied.keys() - counts:
            (self._target / final).unlink()
            del self._copied[final]

    def _finish(self, checkpoints: list[Checkpoint], window: int, now_ms: int) -> None:
        """Say what the copy holds, and how far it is, in one whole checkpoint."""
        newest = checkpoints[-1]
        seen = Progress(checkpoints, window).remembered(now_ms, {})
        temporary = self._target / TEMPORARY
        make_directory(temporary)
        whole = Checkpoint(newest.number, newest.places, seen, whole=True)
        put(self._target, whole, temporary, go_on)
        temporary.rmdir()
        write_file(self._target / STORE_FILE, store_name(self._root).encode())
        write_file(self._target / COPY_FILE, b"copied")
        sync_directory(self._target)
