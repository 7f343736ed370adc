"""SQLite as the office needs it: several processes, durable commits, no residue.

In: a database file. Out: connections under our rules. The office's own file is opened through its
toolkit, as ``sqlite_engine`` says; a keyring, which a worker opens too, without.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from office.errors import OfficeError

BUSY_MS = 5_000
"""How long a transaction waits for another process before it fails."""
READING: Final = "BEGIN"
"""Begins a transaction that sees one state and never waits for a writer."""
WRITING: Final = "BEGIN IMMEDIATE"
"""Begins the one writing transaction at a time of all processes.

Taken at the start: a transaction that read first and then wants to write can fail at once.
"""

# temp_store: VACUUM would spill rows into the system's temporary folder otherwise.
_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=ON",
    "foreign_keys=ON",
    "temp_store=MEMORY",
)


def create_private(file: Path) -> None:
    """Create the file, readable and writable by its owner only, unless it exists. Blocks.

    One process at a time puts a new file into WAL mode: SQLite does not wait there, whatever
    the timeout, and the second of two would fail.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    turn = os.open(file.with_name(file.name + ".opening"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        with closing(sqlite3.connect(file, timeout=BUSY_MS / 1000)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    finally:
        os.close(turn)


def set_up(connection: Any) -> None:
    """Put a new connection, of any driver, under our rules; it then begins nothing by itself."""
    # The driver would begin by itself, late and without the write lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_MS}", *_PRAGMAS):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def connected(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection for one thread, outside any transaction; a file that is gone is an error.

    Made anew, it would be an empty one, open to whoever the umask lets in.
    """
    address = f"{file.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        set_up(connection)
        yield connection


@contextmanager
def begun(file: Path, how: str) -> Iterator[sqlite3.Connection]:
    """A transaction on a connection of its own: durable when left, taken back if anything raises.

    ``how`` is READING or WRITING.
    """
    with connected(file) as connection:
        connection.execute(how)
        try:
            yield connection
        except BaseException:
            connection.rollback()
            raise
        connection.commit()


def scrub(execute: Callable[[str], Any]) -> None:
    """Leave no deleted byte in the database's files. Outside any transaction; may be repeated.

    secure_delete alone is not enough: rows that moved when pages split leave copies in
    free space (docs/decisions/005-office-database.md). VACUUM writes the live rows anew,
    and the truncated log holds no older page. OfficeError if others never let go.
    """
    execute("VACUUM")
    busy, *_ = execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if not busy:
        return
    msg = (
        "the rows are deleted, but their bytes remain in the write-ahead log: another process "
        "keeps reading the database; stop it and delete again"
    )
    raise OfficeError(msg)
