"""A whole copy of a store beside its living sink: rows, positions and ids of one moment.

In: a store, a folder to be made. Out: files there, as ``copied`` says, by PostgreSQL's binary COPY,
which nothing gathers in memory. The moment is one snapshot. Each partition is read in a transaction
of its own that shares it, so that a sweep or an erasure waits for one partition and not for all.
What is swapped or dropped meanwhile cannot be read as of that moment any more, and would look
empty: then a new moment is taken, and what has not changed since it was copied is not copied again.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import psycopg
from psycopg import IsolationLevel, errors, sql

from sinks.port.sink import StoreFullError, StoreTakenError
from sinks.postgres.connection import Connection, Database, first, named, told
from sinks.postgres.copied import (
    DESCRIPTION,
    SEEN,
    CopiedOutput,
    CopiedPart,
    CopiedPlace,
    CopiedStore,
    OfVersion,
    content_of,
    listed,
)
from sinks.postgres.counts import Part, Place, parts, size_of
from sinks.postgres.migrations import VERSION, require_known, stored_name
from sinks.postgres.names import leaf_table
from sinks.postgres.steps import Hook, Step, go_on
from sinks.postgres.tables import COLUMNS

LOOKS_MAX: Final = 8
"""So many moments are taken; only what changed since the one before is copied anew."""
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
_NAMES: Final = [name for name, _ in COLUMNS]
# By the snapshot, as any table is read: not by what a name stands for now.
_TABLES_THEN: Final = (
    "SELECT c.relname, c.oid FROM pg_class c"
    " WHERE c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(%s)"
)
_TABLES_NOW: Final = (
    "SELECT name, to_regclass(quote_ident(name))::oid FROM unnest(%s::text[]) AS name"
)
_NOTES: Final = "SELECT output, expires_ms, oldest_ms, oldest_is_known FROM _parts"

Tell = Callable[[int, int], None]
"""Told of bytes that are copied, and how many there are as far as is known."""


class CopiedPostgres(NamedTuple):
    """What a copy holds."""

    parts: int
    rows: int
    version: int


class _Asked(NamedTuple):
    """A partition at one moment: its tables, and counts. Rows only come while neither changes."""

    part: Part
    tables: dict[str, int]
    """Itself and its buckets, each by name, as what PostgreSQL has it."""
    oldest: tuple[int, bool]

    def is_as(self, other: "_Asked | None") -> bool:
        """Whether it holds the same rows. What takes rows out swaps a table; else counts grow."""
        return (
            other is not None
            and self.tables == other.tables
            and self.part.rows == other.part.rows
            and self.part.buckets == other.part.buckets
        )


class _Moment(NamedTuple):
    """A store at one moment, but for its rows."""

    snapshot: str
    asked: list[_Asked]
    outputs: list[CopiedOutput]
    places: list[CopiedPlace]
    size: int


def copy_postgres(
    database: Database, target: Path, now_ms: int, tell: Tell, at: Hook = go_on
) -> CopiedPostgres:
    """Copy what has not ended at ``now_ms``, durably, into a folder that is not there yet. Blocks.

    StoreTakenError if others rewrite it all the time; StoreFullError without room; OSError if
    PostgreSQL cannot be reached, or has no store of this program's version.
    """
    with (
        _told_if_full(),
        told(),
        database.connect("backup") as holder,
        database.connect("backup") as worker,
    ):
        for connection in (holder, worker):
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
        require_known(holder)
        # It says nothing for as long as the others copy.
        holder.execute("SELECT set_config('idle_in_transaction_session_timeout', '0', false)")
        target.mkdir(mode=0o700)
        return _Copy(holder, worker, target, at).run(now_ms, tell)


class _Copy:
    """What of a store is copied so far."""

    def __init__(self, holder: Connection, worker: Connection, target: Path, at: Hook) -> None:
        self._holder = holder
        self._worker = worker
        self._target = target
        self._at = at
        self._copied: dict[Place, tuple[_Asked, CopiedPart]] = {}

    def run(self, now_ms: int, tell: Tell) -> CopiedPostgres:
        """Take a moment, copy it, and take another while it could not be copied whole."""
        for _ in range(LOOKS_MAX):
            with self._holder.transaction():
                moment = _moment(self._holder, now_ms)
                if self._copy_all(moment, tell):
                    return self._finish(moment, now_ms)
        msg = (
            "rows of this store are being erased or restated all the time, so that no moment could "
            "be copied: try again later, and run no `restate` beside it"
        )
        raise StoreTakenError(msg)

    def _copy_all(self, moment: _Moment, tell: Tell) -> bool:
        """Whether all that there was at that moment is copied; False: it is there no more."""
        done = 0
        for asked in moment.asked:
            place = asked.part.place
            before = self._copied.get(place)
            if before is None or not asked.is_as(before[0]):
                copied = self._copy_part(moment, asked)
                if copied is None:
                    return False
                self._copied[place] = (asked, copied)
            done += (self._target / self._copied[place][1].path).stat().st_size
            tell(min(done, moment.size), moment.size)
            self._at(Step.TAKEN)
        return True

    def _copy_part(self, moment: _Moment, asked: _Asked) -> CopiedPart | None:
        part = asked.part
        try:
            with self._worker.transaction():
                self._worker.execute(
                    sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(moment.snapshot))
                )
                copied = _described(asked, [])
                statement = sql.SQL("SELECT {} FROM {}").format(
                    listed(_NAMES), named(part.place.table)
                )
                _write(self._worker, statement, self._target / copied.path)
                # Held to the end of the transaction by now: what it is, it stays.
                now = self._worker.execute(_TABLES_NOW, (list(asked.tables),)).fetchall()
                if dict(now) != asked.tables:
                    return None
                return _described(asked, content_of(self._worker, part.place.table, _NAMES))
        except errors.UndefinedTable:
            return None  # dropped since

    def _finish(self, moment: _Moment, now_ms: int) -> CopiedPostgres:
        """Copy the ids, remove what does not count at that moment, and say what there is."""
        for place in self._copied.keys() - {asked.part.place for asked in moment.asked}:
            (self._target / self._copied.pop(place)[1].path).unlink()
        statement = sql.SQL(
            "SELECT spot, digest, expires_ms FROM _seen WHERE expires_ms > {} ORDER BY spot, number"
        ).format(sql.Literal(now_ms))
        _write(self._holder, statement, self._target / SEEN)
        found = [
            _described(asked, self._copied[asked.part.place][1].content) for asked in moment.asked
        ]
        whole = CopiedStore(
            version=VERSION,
            name=stored_name(self._holder) or "",
            columns=_NAMES,
            outputs=moment.outputs,
            parts=found,
            places=moment.places,
        )
        with _durable(self._target / DESCRIPTION) as written:
            written(msgspec.json.encode(whole))
        return CopiedPostgres(len(found), sum(part.rows for part in found), VERSION)


def _moment(holder: Connection, now_ms: int) -> _Moment:
    (snapshot,) = first(holder.execute("SELECT pg_export_snapshot()"))
    notes = {(out, end): (oldest, known) for out, end, oldest, known in holder.execute(_NOTES)}
    asked = []
    for part in parts(holder):
        if part.place.expires_ms > now_ms:
            leaves = [leaf_table(*part.place, bucket) for bucket in range(part.buckets)]
            tables: dict[str, int] = dict(
                holder.execute(_TABLES_THEN, ([part.place.table, *leaves],)).fetchall()
            )
            asked.append(_Asked(part, tables, notes[part.place]))
    outputs = holder.execute("SELECT output, had_rows FROM _outputs ORDER BY number").fetchall()
    places = holder.execute(
        "SELECT spot, topic, partition_number, next_offset, topic_id, stored_before"
        " FROM _positions ORDER BY spot"
    ).fetchall()
    return _Moment(
        snapshot,
        asked,
        [CopiedOutput(*one) for one in outputs],
        [CopiedPlace(*one) for one in places],
        size_of(holder),
    )


def _described(asked: _Asked, content: list[OfVersion]) -> CopiedPart:
    part = asked.part
    return CopiedPart(part.output, part.place.expires_ms, part.buckets, *asked.oldest, content)


def _write(connection: Connection, rows: sql.Composable, path: Path) -> None:
    """The rows of a statement as a file, durably; one of before is replaced."""
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT BINARY)").format(rows)
    with (
        _durable(path) as written,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for block in copy:
            written(block)


@contextmanager
def _durable(path: Path) -> Iterator[Callable[[bytes | bytearray | memoryview], object]]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("wb") as stream:
        yield stream.write
        stream.flush()
        os.fsync(stream.fileno())


@contextmanager
def _told_if_full() -> Iterator[None]:
    try:
        yield
    except psycopg.Error:
        raise
    except OSError as error:
        if error.errno in _NO_ROOM:
            msg = "there is no room for a copy of the rows: free space there, or name another place"
            raise StoreFullError(msg) from None
        raise
