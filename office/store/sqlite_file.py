"""SQLite as the office needs it: several processes, durable commits, no residue.

All SQLite-only SQL of the office is here and in ``recorded``. In: an engine. Out: the
engine under our rules. Errors of the driver must not carry parameters (they would be
identifiers), so engines are made with ``hide_parameters``.
"""

import fcntl
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, event

from office.errors import OfficeError

BUSY_MS = 5_000
"""How long a transaction waits for another process before it fails."""

# temp_store: VACUUM would spill rows into the system's temporary folder otherwise.
_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=ON",
    "foreign_keys=ON",
    "temp_store=MEMORY",
)

_BEGIN: Final = "office_begin"
READING: Final[Mapping[str, str]] = {_BEGIN: "BEGIN"}
"""Execution options of a transaction that sees one state and never waits for a writer."""
WRITING: Final[Mapping[str, str]] = {_BEGIN: "BEGIN IMMEDIATE"}
"""Execution options of the one writing transaction at a time of all processes.

Taken at the start: a transaction that read first and then wants to write can fail at once.
"""
BARE: Final[Mapping[str, str]] = {_BEGIN: ""}
"""Execution options of a connection for ``scrub``, which no transaction may enclose."""


def address(file: Path, driver: str = "sqlite") -> URL:
    """The file as the toolkit names it; a path may hold what means something in a text."""
    return URL.create(driver, database=str(file))


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


def prepare(engine: Engine) -> None:
    """Set the pragmas on each new connection; begin as the execution options say."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        # The driver would begin by itself, late and without the write lock.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={BUSY_MS}", *_PRAGMAS):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        if begin := connection.get_execution_options()[_BEGIN]:
            connection.exec_driver_sql(begin)


def scrub(connection: Connection) -> None:
    """Leave no deleted byte in the database's files. On a BARE connection; may be repeated.

    secure_delete alone is not enough: rows that moved when pages split leave copies in
    free space (docs/decisions/005-office-database.md). VACUUM writes the live rows anew,
    and the truncated log holds no older page. OfficeError if others never let go.
    """
    connection.exec_driver_sql("VACUUM")
    busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    if not busy:
        return
    msg = (
        "the rows are deleted, but their bytes remain in the write-ahead log: another process "
        "keeps reading the database; stop it and delete again"
    )
    raise OfficeError(msg)
