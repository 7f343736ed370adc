"""What is wrong with the database's file, in words: a full disk, a damaged file, no turn.

In: errors of SQLite, alone or wrapped by a toolkit. Out: OfficeError with the remedy; it is a
NotNowError if room or a turn is all that is missing. Errors of what was written, as a row that
exists twice, are ours and pass unchanged.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from office.errors import NotNowError, OfficeError

_FULL: Final = "its disk is full or fails: free space there, and try again"
DAMAGED: Final = "its file is damaged or no database: put a copy from before in its place"
_REFUSED: Final = "this user may not write there: give the right, or name another state folder"
WORDS: Final[Mapping[int, str]] = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _FULL,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_CANTOPEN: _REFUSED,
    sqlite3.SQLITE_PERM: _REFUSED,
    sqlite3.SQLITE_READONLY: _REFUSED,
    sqlite3.SQLITE_BUSY: "another process keeps it for too long: try again",
}
"""By SQLite's primary result code (https://sqlite.org/rescode.html)."""
PASSING: Final = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY})
PRIMARY: Final = 0xFF


@contextmanager
def in_words(
    what: str,
    folder: Path,
    wrapped: tuple[type[Exception], ...] = (),
    damaged: str = DAMAGED,
) -> Iterator[None]:
    """Say what is wrong with the file of the office or the keyring in a folder.

    ``wrapped`` are a toolkit's errors that hold SQLite's as ``orig``; ``damaged`` is the word for a
    file that no copy may take the place of.
    """
    known: tuple[type[Exception], ...] = (sqlite3.Error, *wrapped)
    try:
        yield
    except known as error:
        code = getattr(getattr(error, "orig", error), "sqlite_errorcode", None)
        if code is None or (code := code & PRIMARY) not in WORDS:
            raise
        words = damaged if WORDS[code] == DAMAGED else WORDS[code]
        msg = f"the {what} in {folder} cannot be used: {words}"
        # The driver's own words can quote what was written.
        raise (NotNowError if code in PASSING else OfficeError)(msg) from None
