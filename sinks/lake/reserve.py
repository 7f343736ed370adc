"""Room on the store's disk that is kept for erasures: a file of zeros that is given up for them.

In: a lake's root, a size. Out: a file ``_reserve`` that takes so much room, or none. Expiry needs
no room: it unlinks. An erasure rewrites a part before the old one goes, so on a full disk it would
wait for somebody to free space. Nothing of anybody is in the file. Everything blocks; the one
process that erases from a lake keeps it.
"""

import os
import stat
from pathlib import Path
from typing import Final

from sinks.lake.durable import sync_directory
from sinks.lake.layout import RESERVE_FILE
from sinks.lake.room import is_for_want_of_room

FREE_TIMES: Final = 2
"""It is made if so many times its size is free: else it would take the last room from the sink."""


class Reserve:
    """The file; ``size`` in bytes, 0: there is to be none."""

    def __init__(self, root: Path, size: int) -> None:
        self._root = root
        self._path = root / RESERVE_FILE
        self._new = root / f"{RESERVE_FILE}.new"
        self._size = size

    def is_there(self) -> bool:
        """Whether the room is kept."""
        return self._size > 0 and self._length() == self._size

    def is_beside(self, folder: Path) -> bool:
        """Whether it takes the room of a folder's disk; False if one of them is not there."""
        try:
            return self._path.lstat().st_dev == folder.stat().st_dev
        except FileNotFoundError:
            return False

    def release(self) -> bool:
        """Give the room up; False if there was none."""
        if not self._length():
            return False
        self._path.unlink()
        sync_directory(self._root)
        return True

    def keep(self) -> bool:
        """Have it there, if there is room for it; whether it is. OSError for any other reason."""
        if self.is_there():
            return True
        if not self._root.is_dir():
            return False
        self._new.unlink(missing_ok=True)  # what a dead process left half made
        self._path.unlink(missing_ok=True)  # of another size
        if self._size == 0 or self._free() < FREE_TIMES * self._size:
            return False
        try:
            self._make()
        except OSError as error:
            self._new.unlink(missing_ok=True)
            if is_for_want_of_room(error):
                return False
            raise
        return True

    def _make(self) -> None:
        handle = os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.posix_fallocate(handle, 0, self._size)
            os.fsync(handle)
        finally:
            os.close(handle)
        self._new.replace(self._path)
        sync_directory(self._root)

    def _length(self) -> int:
        """Of the file, if it is one; 0: there is none."""
        try:
            found = self._path.lstat()
        except FileNotFoundError:
            return 0
        return found.st_size if stat.S_ISREG(found.st_mode) else 0

    def _free(self) -> int:
        found = os.statvfs(self._root)
        return found.f_bavail * found.f_frsize
