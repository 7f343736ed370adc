"""A database of the office's that lies beside its own: opened anew for each call, in plain SQLite.

In: a file, what it is called, what to do if it is damaged. Out: transactions on it, and failures of
the machine in the office's words. Several processes may share the file.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from office.store import sqlite_file
from office.store.file_faults import DAMAGED, in_words


class PrivateFile:
    """What a keyring, the memory of what was removed and the officers' file have in common."""

    CALLED: str
    """What it is to whoever reads a message: ``keyring``."""
    DAMAGED: str = DAMAGED
    """What to do if it is damaged."""

    def __init__(self, file: Path) -> None:
        self._file: Final = file

    @contextmanager
    def _begun(self, how: str) -> Iterator[sqlite3.Connection]:
        """A transaction, ``READING`` or ``WRITING``; OfficeError if the file refuses it."""
        with self._in_words(), sqlite_file.begun(self._file, how) as connection:
            yield connection

    def _in_words(self) -> AbstractContextManager[None]:
        return in_words(self.CALLED, self._file.parent, damaged=self.DAMAGED)
