"""The officers' file: evidence of consents, in a database of its own that no worker or sink opens.

In: rows of consents that are about to leave the register. Out: rows that name nobody, until their
date. Two files do not commit together, so a row is put here first, with the consent's id; when that
has left the register the id goes. Until then the row counts for nothing. Calls block for
milliseconds, a scrub for as long as it takes to write the file anew.
"""

import secrets
import sqlite3
from collections.abc import Callable, Collection, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from office.consent_evidence import tables
from office.consent_evidence.rows import EvidenceRow, Leaving
from office.errors import NotNowError, OfficeError
from office.store import sqlite_file
from office.store.newer import refuse_newer
from office.store.private_file import PrivateFile

FILE: Final = "consent_evidence.sqlite"
"""Its name in the state folder, beside the office's database."""
ROWS_MAX: Final = 1_000_000
_FACTS: Final = ", ".join(EvidenceRow._fields)
_PUT: Final = f"INSERT INTO evidence (consent, {_FACTS}) VALUES (?, {', '.join('?' * 9)})"  # noqa: S608  # constants
_LIVING: Final = f"SELECT {_FACTS} FROM evidence WHERE consent IS NULL AND ends_ms > ?"  # noqa: S608  # as above


class Moment(StrEnum):
    """A point between two changes of what is on the disk."""

    STAGED = "staged"
    """Rows are here, and their consents are still in the register."""
    SETTLED = "settled"
    """Nothing here leads to the register any more, but for bytes that were deleted."""
    EXPIRED = "expired"
    """Rows whose date has come are gone, but for their bytes."""
    SCRUBBED = "scrubbed"


Hook = Callable[[Moment], None]


def go_on(_moment: Moment) -> None:
    """Do nothing: how every process but a test's runs."""


class OfficersFile(PrivateFile):
    """One file; several processes may share it. Every call opens and closes it."""

    CALLED = "evidence of consents"

    def __init__(self, file: Path, rows_max: int = ROWS_MAX, at: Hook = go_on) -> None:
        super().__init__(file)
        self._rows_max = rows_max
        self._at = at

    @classmethod
    def made(cls, file: Path, rows_max: int = ROWS_MAX, at: Hook = go_on) -> Self:
        """The file, made if it is not there."""
        evidence = cls(file, rows_max, at)
        evidence.make()
        return evidence

    def make(self) -> None:
        """Make the file, or what lacks in it, since whoever made it was killed.

        OfficeError, here and in every call, if it cannot be read or written; NewerFileError if a
        newer program made it.
        """
        try:
            with self._in_words():
                sqlite_file.create_private(self._file)
        except OSError as error:
            folder = self._file.parent
            msg = f"the evidence of consents in {folder} cannot be made: {error.strerror}"
            raise NotNowError(msg) from None
        with self._begun(sqlite_file.WRITING) as connection:
            refuse_newer(self._file, connection.execute, tables.known_columns())
            for table in tables.TABLES:
                connection.execute(table)

    def found(self) -> bool:
        """Whether anything was ever put into it; then it is whole."""
        if not self._file.is_file():
            return False
        self.make()
        return True

    def stage(self, leaving: Sequence[Leaving], without: Collection[str] = ()) -> None:
        """Put rows here whose consents leave next; durable on return. May be repeated.

        What was put here before of the same consents is replaced; of those ``without`` evidence it
        goes. OfficeError, and nothing is put, if there would be too many rows.
        """
        before = {one.consent for one in leaving}.union(without)
        with self._begun(sqlite_file.WRITING) as connection:
            some = [(consent,) for consent in sorted(before)]
            gone = connection.executemany("DELETE FROM evidence WHERE consent = ?", some).rowcount
            if gone:
                _note_unscrubbed(connection)
            count = int(_one(connection, "SELECT count(*) FROM evidence"))
            if leaving and count + len(leaving) > self._rows_max:
                msg = (
                    f"the evidence of consents holds {count:,} rows, no more are taken in, and the "
                    "consents stay: raise consent_evidence_rows_max"
                )
                raise OfficeError(msg)
            connection.executemany(_PUT, [(one.consent, *one.row) for one in leaving])
        self._at(Moment.STAGED)

    def staged(self) -> list[str]:
        """The consents whose rows were put here, and which may have left by now."""
        with self._begun(sqlite_file.READING) as connection:
            query = "SELECT consent FROM evidence WHERE consent IS NOT NULL ORDER BY consent"
            return [consent for (consent,) in connection.execute(query)]

    def settle(self, gone: Collection[str]) -> int:
        """Let go of consents that have left the register; how many. ``scrub_if_needed`` ends it."""
        with self._begun(sqlite_file.WRITING) as connection:
            query = "UPDATE evidence SET consent = NULL WHERE consent = ?"
            settled = connection.executemany(query, [(one,) for one in sorted(gone)]).rowcount
            if settled:
                _note_unscrubbed(connection)
        self._at(Moment.SETTLED)
        return settled

    def over(self, now_ms: int) -> int:
        """How many rows ``expire`` would delete."""
        with self._begun(sqlite_file.READING) as connection:
            query = "SELECT count(*) FROM evidence WHERE ends_ms <= ?"
            return int(_one(connection, query, now_ms))

    def expire(self, now_ms: int) -> int:
        """Delete rows whose date has come; how many. ``scrub_if_needed`` ends it."""
        with self._begun(sqlite_file.WRITING) as connection:
            query = "DELETE FROM evidence WHERE ends_ms <= ?"
            gone = connection.execute(query, (now_ms,)).rowcount
            if gone:
                _note_unscrubbed(connection)
        self._at(Moment.EXPIRED)
        return gone

    def scrub_if_needed(self) -> None:
        """Leave no deleted byte in the file, whoever died after deleting it."""
        with self._begun(sqlite_file.READING) as connection:
            marks = connection.execute("SELECT mark FROM unscrubbed").fetchall()
        if not marks:
            return
        with self._in_words(), sqlite_file.connected(self._file) as connection:
            sqlite_file.scrub(connection.execute)
        self._at(Moment.SCRUBBED)
        with self._begun(sqlite_file.WRITING) as connection:
            # What was deleted meanwhile has a mark of its own.
            connection.executemany("DELETE FROM unscrubbed WHERE mark = ?", marks)

    def rows(self, now_ms: int, number: str | None = None) -> list[EvidenceRow]:
        """Every row that counts and whose date has not come, or the one of this number."""
        with self._begun(sqlite_file.READING) as connection:
            query = f"{_LIVING} AND (? IS NULL OR number = ?) ORDER BY number"
            found = connection.execute(query, (now_ms, number, number))
            return [EvidenceRow(*row) for row in found]

    def count(self) -> int:
        """How many rows there are, with those that count for nothing yet."""
        with self._begun(sqlite_file.READING) as connection:
            return int(_one(connection, "SELECT count(*) FROM evidence"))


def _note_unscrubbed(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO unscrubbed (mark) VALUES (?)", (secrets.token_hex(8),))


def _one(connection: sqlite3.Connection, query: str, *values: int) -> int:
    (found,) = connection.execute(query, values).fetchone()
    return int(found)
