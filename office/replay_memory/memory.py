"""The memory on disk: what ended, was withheld or removed, until nothing can bring it back.

In: items, before workers and stores learn of them. Out: what is ``known``, for whoever restores an
older office or lake. Each week has a random key; when it is so old that nothing of before may be
restored or read again, the key and all that stands under it are deleted and scrubbed. The file is
never put back from a backup: a backup's is merged into it. Calls block for milliseconds.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Self, assert_never

from office.errors import NotNowError
from office.replay_memory import tables
from office.replay_memory.hashing import WeekKey, new_key
from office.replay_memory.items import (
    COMMAND,
    PERSON,
    RESTRICTION,
    Commanded,
    Ended,
    Item,
    Published,
    Withheld,
)
from office.replay_memory.known import Known, StoreOf
from office.store import sqlite_file
from office.store.newer import refuse_newer
from office.store.private_file import PrivateFile
from telemetry.instants import DAY_MS

WEEK_MS: Final = 7 * DAY_MS
FILE: Final = "suppressions.sqlite"
"""Its name in the state folder, beside the office's database."""
_DAMAGED: Final = (
    "its file is damaged or no database: move it away, and never put a backup's copy in its place, "
    "which does not know what was removed later; a new one begins by itself, and backups of before "
    "then need --memory-lost"
)
_PUT_ENDED: Final = """
INSERT INTO ended (week, hash, to_ms, at_ms) VALUES (?, ?, ?, ?)
ON CONFLICT (week, hash) DO UPDATE SET
 to_ms = CASE WHEN to_ms IS NULL OR excluded.to_ms IS NULL THEN NULL
              ELSE min(to_ms, excluded.to_ms) END,
 at_ms = max(at_ms, excluded.at_ms)
"""
_PUT_WITHHELD: Final = """
INSERT INTO withheld (week, hash, person, reason, purpose, recipient, from_ms, to_ms, at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (week, hash) DO UPDATE SET
 to_ms = excluded.to_ms, at_ms = max(at_ms, excluded.at_ms)
"""
_AMEND_WITHHELD: Final = "UPDATE withheld SET to_ms = ?, at_ms = ? WHERE week = ? AND hash = ?"
_PUT_COMMANDED: Final = (
    "INSERT INTO commanded (week, hash, sealed, at_ms) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (week, hash) DO NOTHING"
)
_PUT_PUBLISHED: Final = (
    "INSERT INTO published (name, value) VALUES (?, ?)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_SAY: Final = "INSERT OR REPLACE INTO said (name, value) VALUES (?, ?)"


class ReplayMemory(PrivateFile):
    """One file; several processes may share it. Every call opens and closes it."""

    CALLED = "memory of what was removed"
    DAMAGED = _DAMAGED

    def __init__(self, file: Path) -> None:
        super().__init__(file)

    @classmethod
    def made(cls, file: Path, now_ms: int, *, own: bool = True) -> Self:
        """The memory in this file; a new one knows of everything from now on.

        A backup's copy that was put there does, too, if the office goes on with it as its ``own``:
        what came between is known to nobody.
        OfficeError, here and in every call, if the file cannot be read or written, and here if a
        newer program made it.
        """
        memory = cls(file)
        try:
            # Who makes it waits for its turn; who only writes must not.
            if not file.is_file() or not file.stat().st_size:
                with memory._in_words():
                    sqlite_file.create_private(file)
        except OSError as error:
            msg = (
                f"the memory of what was removed in {file.parent} cannot be made: {error.strerror}"
            )
            raise NotNowError(msg) from None
        with memory._begun(sqlite_file.WRITING) as connection:
            refuse_newer(file, connection.execute, tables.known_columns())
            for table in tables.TABLES:
                connection.execute(table)
            begun = "INSERT OR IGNORE INTO said (name, value) VALUES (?, ?)"
            connection.execute(begun, (tables.SINCE, now_ms))
            if own and Known(connection).copied_ms is not None:
                _begin_anew(connection, now_ms)
        return memory

    @property
    def file(self) -> Path:
        """Where it is."""
        return self._file

    def remember(self, items: Collection[Item], now_ms: int) -> None:
        """Keep these; durable on return. What is known already keeps the week that it has.

        Nothing is dated before what was remembered before it, whatever the clock says.
        """
        if not items:
            return
        with self._begun(sqlite_file.WRITING) as connection:
            known = Known(connection)
            week = _week_of(connection, known, now_ms)
            at_ms = max(now_ms, _said(connection, tables.LAST, now_ms))
            connection.execute(_SAY, (tables.LAST, at_ms))
            for item in items:
                _put(connection, known, week, item, at_ms)

    def remember_stores(self, stores: Mapping[StoreOf, int | None]) -> None:
        """Keep who has rows of which output, with since when; None: retired, that is forgotten.

        Those that are not named stay as they are.
        """
        with self._begun(sqlite_file.WRITING) as connection:
            for (store, output), since_ms in stores.items():
                name = f"{tables.STORE}{store} {output}"
                if since_ms is None:
                    connection.execute("DELETE FROM said WHERE name = ?", (name,))
                else:
                    connection.execute(_SAY, (name, since_ms))

    def moment(self, now_ms: int) -> int:
        """An instant for a backup, ``now_ms`` or later: what is remembered is before it, or after.

        That holds if the clock was or is set back, too.
        """
        with self._begun(sqlite_file.WRITING) as connection:
            at_ms = max(now_ms, _said(connection, tables.LAST, now_ms - 1) + 1)
            connection.execute(_SAY, (tables.LAST, at_ms))
        return at_ms

    @contextmanager
    def known(self) -> Iterator[Known]:
        """All that is remembered now."""
        with self._begun(sqlite_file.READING) as connection:
            yield Known(connection)

    def has_dead(self, now_ms: int, replay_ms: int) -> bool:
        """Whether ``forget`` would destroy a key."""
        with self._begun(sqlite_file.READING) as connection:
            return bool(_dead(connection, now_ms, replay_ms))

    def forget(self, now_ms: int, replay_ms: int) -> int:
        """Destroy the keys of weeks from which nothing may come back any more; how many.

        Their rows go with them, and their bytes are in no file when this returns; a scrub that was
        cut short is made up for by the next call that destroys one.
        """
        with self._begun(sqlite_file.WRITING) as connection:
            dead = _dead(connection, now_ms, replay_ms)
            for id_, week in dead:
                for table in tables.OF_WEEKS:
                    connection.execute(f"DELETE FROM {table} WHERE week = ?", (id_,))  # noqa: S608  # constants
                connection.execute("DELETE FROM weeks WHERE id = ?", (id_,))
                since_ms = max(_said(connection, tables.SINCE, 0), (week + 1) * WEEK_MS)
                connection.execute(_SAY, (tables.SINCE, since_ms))
        if dead:
            self.scrub()
        return len(dead)

    def scrub(self) -> None:
        """Leave no deleted byte in the files."""
        with self._in_words(), sqlite_file.connected(self._file) as connection:
            sqlite_file.scrub(connection.execute)

    def copy_whole(self, file: Path) -> None:
        """Write a copy, for moments: it does not know that it is one."""
        with self._in_words(), sqlite_file.connected(self._file) as connection:
            connection.execute("VACUUM INTO ?", (str(file),))
        file.chmod(0o600)

    def copy_to(self, file: Path, now_ms: int) -> None:
        """Write a copy that knows it is one: what came later is missing there."""
        self.copy_whole(file)
        with closing(sqlite3.connect(file)) as copy, copy:
            copy.execute(_SAY, (tables.COPIED, now_ms))

    def merge(self, other: Path, now_ms: int, replay_ms: int) -> None:
        """Know what a backup's copy knows, too; dead weeks stay dead. May be repeated."""
        with self._in_words(), sqlite_file.connected(self._file) as connection:
            connection.execute("ATTACH ? AS other", (f"{other.absolute().as_uri()}?mode=ro",))
            connection.execute(sqlite_file.WRITING)
            _merge(connection, now_ms, replay_ms)
            connection.commit()

    def begin_anew(self, now_ms: int) -> None:
        """Say of a copy that it goes on from now; what came meanwhile is known to nobody."""
        with self._begun(sqlite_file.WRITING) as connection:
            _begin_anew(connection, now_ms)


def _begin_anew(connection: sqlite3.Connection, now_ms: int) -> None:
    connection.execute(_SAY, (tables.SINCE, now_ms))
    connection.execute("DELETE FROM said WHERE name = ?", (tables.COPIED,))


def _week_of(connection: sqlite3.Connection, known: Known, now_ms: int) -> WeekKey:
    """The key of the week that an instant lies in; made if there is none."""
    week = now_ms // WEEK_MS
    for key in known.weeks:
        if key.week == week:
            return key
    made = new_key(week)
    connection.execute("INSERT INTO weeks (id, week, key) VALUES (?, ?, ?)", made)
    return made


def _put(
    connection: sqlite3.Connection, known: Known, week: WeekKey, item: Item, now_ms: int
) -> None:
    match item:
        case Ended():
            found = known.ended(item.kind, item.id)
            # Who came back may be forgotten again, and then that is what counts.
            if found is None or item.kind == PERSON or not found.covers(item.to_ms):
                hashed = week.hashed(item.kind, item.id)
                connection.execute(_PUT_ENDED, (week.id, hashed, item.to_ms, now_ms))
        case Withheld(row):
            before = known.withheld(row.restriction)
            if before is None or before.to_ms != row.to_ms:
                facts = (row.reason, row.purpose, row.recipient, row.from_ms, row.to_ms, now_ms)
                for key in known.weeks:  # an objection that was lifted is so in older weeks, too
                    older = (key.id, key.hashed(RESTRICTION, row.restriction))
                    connection.execute(_AMEND_WITHHELD, (row.to_ms, now_ms, *older))
                hashed = week.hashed(RESTRICTION, row.restriction)
                person = week.hashed(PERSON, row.subject)
                connection.execute(_PUT_WITHHELD, (week.id, hashed, person, *facts))
        case Commanded():
            if not known.commanded(item.command):
                hashed = week.hashed(COMMAND, item.command)
                sealed = week.sealed(_with_output(item))
                connection.execute(_PUT_COMMANDED, (week.id, hashed, sealed, now_ms))
        case Published():
            connection.execute(_PUT_PUBLISHED, item)
        case _:
            assert_never(item)


def _with_output(item: Commanded) -> bytes:
    return item.output.encode() + b"\n" + item.value


def _dead(connection: sqlite3.Connection, now_ms: int, replay_ms: int) -> list[tuple[str, int]]:
    query = "SELECT id, week FROM weeks WHERE (week + 1) * ? + ? <= ?"
    return connection.execute(query, (WEEK_MS, replay_ms, now_ms)).fetchall()


def _said(connection: sqlite3.Connection, name: str, otherwise: int, of: str = "main") -> int:
    query = f"SELECT value FROM {of}.said WHERE name = ?"  # noqa: S608  # constants
    row = connection.execute(query, (name,)).fetchone()
    return otherwise if row is None else int(row[0])


def _merge(connection: sqlite3.Connection, now_ms: int, replay_ms: int) -> None:
    living = "SELECT id FROM other.weeks WHERE (week + 1) * ? + ? > ?"
    bounds = (WEEK_MS, replay_ms, now_ms)
    connection.execute(
        f"INSERT OR IGNORE INTO main.weeks SELECT * FROM other.weeks WHERE id IN ({living})",  # noqa: S608  # constants
        bounds,
    )
    for table, put in (
        ("ended", _PUT_ENDED.replace("INTO ended", "INTO main.ended")),
        ("withheld", "INSERT OR IGNORE INTO main.withheld VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        ("commanded", "INSERT OR IGNORE INTO main.commanded VALUES (?, ?, ?, ?)"),
    ):
        rows = connection.execute(f"SELECT * FROM other.{table} WHERE week IN ({living})", bounds)  # noqa: S608  # constants
        connection.executemany(put, rows.fetchall())
    connection.execute("INSERT OR IGNORE INTO main.published SELECT * FROM other.published")
    connection.execute(
        "INSERT OR IGNORE INTO main.said SELECT * FROM other.said WHERE name GLOB ?",
        (f"{tables.STORE}*",),
    )
    since_ms = _said(connection, tables.SINCE, now_ms)
    if _said(connection, tables.COPIED, 0, "other") >= since_ms:
        earlier_ms = min(since_ms, _said(connection, tables.SINCE, now_ms, "other"))
        connection.execute(_SAY, (tables.SINCE, earlier_ms))
