"""A process's folder of temporary files, which dies with the process.

``_tmp/<name>/`` holds parts being written and the engine's spill; ``_tmp/<name>.lock`` is
locked while its owner lives. The kernel frees the lock of a killed process, so any
process can recognise a dead owner's folder and remove it: a stuck or dead writer must not
keep data alive.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Self

from sinks.lake.durable import make_directory, sync_directory
from sinks.lake.layout import TEMPORARY
from sinks.port.sink import StoreTakenError

SINK: Final = "sink"
"""The workplace of a lake's one writer."""
ERASING: Final = "erase"
"""The workplace of whoever rewrites stored parts: one at a time."""
_POLL_S: Final = 0.05
_LOCK: Final = ".lock"


class WorkplaceTakenError(StoreTakenError):
    """Another live process does this work on this lake; two at once would double rows."""


class Workplace:
    """The only holder of one named folder. Opening empties what a dead owner left.

    Blocks up to ``wait_s`` (a sweep may hold the lock for a moment), then raises
    ``WorkplaceTakenError``.
    """

    def __init__(self, root: Path, name: str, wait_s: float = 2.0) -> None:
        make_directory(root / TEMPORARY)
        self.path = root / TEMPORARY / name
        self._lock_path = root / TEMPORARY / f"{name}{_LOCK}"
        self._lock: int | None = _acquire(self._lock_path, name, wait_s)
        # On a full disk the folder cannot be made: the name must be free for the next try.
        with self.kept_if_done():
            if self.path.exists():
                shutil.rmtree(self.path)
            self.path.mkdir()
            sync_directory(self.path.parent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # A failure leaves what a kill would leave: one way to clean up, not two.
        self.close() if kind is None else self.abandon()

    @contextmanager
    def kept_if_done(self) -> Iterator[None]:
        """Keep the folder after the block, unless the block fails."""
        with ExitStack() as undo:
            undo.callback(self.abandon)
            yield
            undo.pop_all()

    def close(self) -> None:
        """Remove the folder and give up the name; safe to call twice."""
        if self._lock is None:
            return
        shutil.rmtree(self.path)
        self._lock_path.unlink()
        os.close(self._lock)
        self._lock = None

    def abandon(self) -> None:
        """Give up the name and leave every file, as a killed process does."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def clear_dead(root: Path) -> int:
    """Remove the folders of dead owners; return how many. Never waits, and nothing stops it.

    One that cannot be removed now is tried again by the next caller.
    """
    cleared = 0
    try:
        locks = sorted(path for path in (root / TEMPORARY).glob(f"*{_LOCK}") if path.is_file())
    except OSError:
        return 0
    for lock_path in locks:
        try:
            cleared += _clear(lock_path)
        except OSError:
            continue
    return cleared


def _clear(lock_path: Path) -> bool:
    """Whether there was a dead owner's folder, which is gone now."""
    handle = _try(lock_path)
    if handle is None:
        return False
    try:
        folder = lock_path.with_suffix("")
        found = folder.exists()
        if found:
            shutil.rmtree(folder)
        lock_path.unlink()
    finally:
        os.close(handle)
    return found


def _acquire(path: Path, name: str, wait_s: float) -> int:
    deadline = time.monotonic() + wait_s
    while True:
        handle = _try(path, os.O_CREAT)
        if handle is not None:
            return handle
        if time.monotonic() >= deadline:
            msg = f"a live process holds this lake's {name!r} work: stop it first"
            raise WorkplaceTakenError(msg)
        time.sleep(_POLL_S)


def _try(path: Path, create: int = 0) -> int | None:
    """The locked file's handle, or None if another holds it or just removed it."""
    try:
        handle = os.open(path, os.O_RDWR | create, 0o600)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Between opening and locking, the last owner may have removed the name: then this
        # lock guards nothing.
        if os.fstat(handle).st_ino == path.stat().st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None
