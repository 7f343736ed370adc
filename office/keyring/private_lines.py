"""A small file of secrets, one a line, that only its owner reads; its old content is overwritten.

In: lines. Out: the same lines, or OfficeError if others may read the file. It is replaced whole,
and durably: a crash leaves the old lines or the new ones.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from office.errors import OfficeError

OTHERS: Final = 0o077
"""Permission bits of group and world."""


class PrivateLines:
    """``holds`` says in a refusal what the file has."""

    def __init__(self, file: Path, holds: str) -> None:
        self.file = file
        self._holds = holds
        self._next = file.with_name(file.name + ".next")

    def read(self) -> list[bytes]:
        """Every line; none if there is no file. OfficeError if others may read it."""
        try:
            descriptor = os.open(self.file, os.O_RDONLY)
        except FileNotFoundError:
            return []
        with os.fdopen(descriptor, "rb") as opened:
            if os.fstat(opened.fileno()).st_mode & OTHERS:
                msg = f"{self.file}: others may read {self._holds}; chmod 600 it"
                raise OfficeError(msg)
            return opened.read().split()

    def replace(self, lines: Sequence[bytes]) -> None:
        """Write these lines in the place of the old ones, creating the file; durable on return."""
        _destroy(self._next)
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._next, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as written:
            written.write(b"".join(line + b"\n" for line in lines))
            written.flush()
            os.fsync(written.fileno())
        previous = self.file.open("r+b") if self.file.exists() else None
        self._next.replace(self.file)
        _sync_folder(self.file.parent)
        if previous is not None:
            with previous:
                _overwrite(previous.fileno())


def _destroy(file: Path) -> None:
    """What a crash may have left: overwrite, then unlink."""
    if file.exists():
        with file.open("r+b") as opened:
            _overwrite(opened.fileno())
        file.unlink()


def _overwrite(descriptor: int) -> None:
    os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
    os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
