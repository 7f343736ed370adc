"""The ledger on disk: flow records by partition and first offset, in one SQLite file.

Which rows a record voids is said in ``telemetry.wire.flow``. Folding is idempotent: what lies on
``audit.flow`` before a record that was folded is not folded again, whoever still has it in hand.
Settled rows are summed, one for each stretch of offsets, so that the file does not grow for ever.
Blocking; call it in a thread. Several processes may share the file.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from telemetry.newer_files import columns_made, columns_of, newer
from telemetry.wire.flow import FlowRecord, Ledger, decode_flow, encode_flow

ROWS_PER_PARTITION_MAX = 5_000
"""More than any replay spans; older rows can no longer be voided and are summed."""
STRETCHES_PER_PARTITION_MAX = 1_000
"""Summed rows that stay apart, so that a gap or an overlap between them is seen; then the oldest
are summed over it."""

BUSY_S = 10.0
"""How long a call waits for another process before sqlite3.OperationalError."""
JOURNALS_KNOWN_MAX = 1_000
"""Far more than lie beside the ledger at once: one is removed as soon as it was taken in."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS flow (
    topic TEXT, partition INTEGER, first INTEGER, body BLOB,
    PRIMARY KEY (topic, partition, first)
);
CREATE TABLE IF NOT EXISTS expired (output TEXT PRIMARY KEY, readings INTEGER);
CREATE TABLE IF NOT EXISTS taken (journal TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS folded (
    topic TEXT, partition INTEGER, offset INTEGER, timestamp_ms INTEGER,
    PRIMARY KEY (topic, partition)
);
"""
CLOSED: Final = "@"
"""No topic's name has it: between a topic and its id, it names one that was deleted since."""
_DERIVED = {
    "topic_id": "coalesce(json_extract(CAST(body AS TEXT), '$.topic_id'), '')",
    "last": "json_extract(CAST(body AS TEXT), '$.last')",
    "generation": "coalesce(json_extract(CAST(body AS TEXT), '$.generation'), -1)",
}
"""Columns that follow from the row itself, so that a file of before has them too."""
_ADDED: Final = {
    name: f"ALTER TABLE flow ADD {name} AS ({made}) VIRTUAL" for name, made in _DERIVED.items()
}
"""What adds each of them."""


@cache
def known_columns() -> frozenset[str]:
    """What a ledger of today has; one with more is a newer program's."""
    with closing(sqlite3.connect(":memory:")) as made:
        return columns_made(made.execute, [*SCHEMA.split(";"), *_ADDED.values()])


class NewerLedgerError(sqlite3.DatabaseError):
    """The ledger is a newer program's; the message names it and the remedy.

    An error of the file, as SQLite's own: whoever waits for a ledger that cannot be used waits.
    """


NOT_COUNTED = "files not counted"
"""Stands in the place of an output, for files instead of readings; no output is named so."""
ON_ARRIVAL = "on arrival"
"""The same for readings that had ended before a sink could keep them."""


class Place(NamedTuple):
    """Where a flow record lies in its partition of ``audit.flow``; the broker's time, ms UTC."""

    offset: int
    timestamp_ms: int

    def before(self, folded: "Place") -> bool:
        """Whether it is not later than ``folded``.

        A topic made anew begins at 0 again; its records are younger, and so they are later.
        """
        return self.offset <= folded.offset and self.timestamp_ms <= folded.timestamp_ms


class Range(NamedTuple):
    """Offsets ``first`` to ``last`` of a raw partition."""

    topic: str
    partition: int
    first: int
    last: int


class LedgerFile:
    """One file; every call opens and closes it.

    It is made if there is none, and brought to today's form. With ``as_it_is`` neither is done,
    and only what reads may be called: sqlite3.Error if there is no ledger. NewerLedgerError, and
    nothing is changed, if a newer program made it.
    """

    def __init__(self, path: Path, *, as_it_is: bool = False) -> None:
        self._path = path
        if as_it_is:
            self._refuse_newer()
            return
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self._refuse_newer()
        with self._open() as db:
            db.executescript(SCHEMA)
            db.execute("BEGIN IMMEDIATE")
            found = {row[1] for row in db.execute("PRAGMA table_xinfo(flow)")}
            for name in _DERIVED.keys() - found:
                db.execute(_ADDED[name])
            db.execute(
                "CREATE INDEX IF NOT EXISTS flow_generation ON flow (topic, partition, generation)"
            )
            db.execute(
                "CREATE INDEX IF NOT EXISTS flow_topic_id ON flow (topic, partition, topic_id)"
            )
            db.execute("COMMIT")

    def _refuse_newer(self) -> None:
        if not self._path.exists():
            return  # whoever reads will be told
        with self._open() as db:
            why = newer(self._path, columns_of(db.execute), known_columns())
        if why is not None:
            raise NewerLedgerError(why)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        # A path may hold what means something in an address; opening makes no file.
        address = f"file:{quote(str(self._path))}?mode=rw"
        with closing(
            sqlite3.connect(address, timeout=BUSY_S, isolation_level=None, uri=True)
        ) as db:
            yield db

    def fold(self, records: Iterable[FlowRecord]) -> None:
        """Take records in topic order; durable on return, harmless when all are repeated."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            for record in records:
                self._take(db, record)
            db.execute("COMMIT")

    def fold_at(self, record: FlowRecord, place: Place) -> None:
        """Take the record at a place of the topic, unless a later one was taken; durable."""
        partition = (record.topic, record.partition)
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            query = "SELECT offset, timestamp_ms FROM folded WHERE topic = ? AND partition = ?"
            folded = db.execute(query, partition).fetchone()
            if folded is None or not place.before(Place(*folded)):
                self._take(db, record)
                db.execute("REPLACE INTO folded VALUES (?, ?, ?, ?)", (*partition, *place))
            db.execute("COMMIT")

    def _take(self, db: sqlite3.Connection, record: FlowRecord) -> None:
        """``FlowRecord.late`` and ``voids``, over an index."""
        partition = (_name(db, record), record.partition)
        late = db.execute(
            "SELECT 1 FROM flow WHERE topic = ? AND partition = ? AND generation > ? "
            "AND first <= ? AND last >= ?",
            (*partition, record.generation, record.last, record.first),
        ).fetchone()
        if late is not None:
            return
        db.execute(
            "DELETE FROM flow WHERE topic = ? AND partition = ? AND first >= ? AND generation <= ?",
            (*partition, record.first, record.generation),
        )
        _insert(db, partition[0], record)
        self._settle(db, *partition)

    def _settle(self, db: sqlite3.Connection, topic: str, partition: int) -> None:
        where = (topic, partition)
        query = "SELECT count(*) FROM flow WHERE topic = ? AND partition = ?"
        (rows,) = db.execute(query, where).fetchone()
        if rows <= 2 * ROWS_PER_PARTITION_MAX:
            return
        oldest = db.execute(
            "SELECT first, body FROM flow WHERE topic = ? AND partition = ? ORDER BY first LIMIT ?",
            (*where, rows - ROWS_PER_PARTITION_MAX),
        ).fetchall()
        newest = (*where, oldest[-1][0])
        db.execute("DELETE FROM flow WHERE topic = ? AND partition = ? AND first <= ?", newest)
        for stretch in _stretches(decode_flow(body) for _, body in oldest):
            _insert(db, topic, _sum(stretch))

    def ranges(self) -> list[Range]:
        """The offsets that the standing rows tell of, in order of topic, partition and offset.

        Those of topics that were deleted since are left out: nothing is left to compare them with.
        """
        # By what the column is made of: a file of an older form has it not.
        query = (
            f"SELECT topic, partition, first, {_DERIVED['last']} FROM flow "  # noqa: S608  # a constant
            "WHERE instr(topic, ?) = 0 ORDER BY topic, partition, first"
        )
        with self._open() as db:
            return [Range(*row) for row in db.execute(query, (CLOSED,))]

    def read(self) -> Ledger:
        """The sum of all rows that are not voided."""
        ledger = Ledger()
        with self._open() as db:
            for (body,) in db.execute("SELECT body FROM flow"):
                record = decode_flow(body)
                ledger.add(record.ledger, record.rejected)
        return ledger

    def add_expired(self, by_output: Mapping[str, int], journal: str = "") -> None:
        """Add readings that a sweep removed; those of a ``journal`` once, however often."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            # A process may have ended after this and before its journal was removed.
            if journal:
                new = "INSERT OR IGNORE INTO taken VALUES (?)"
                by_output = by_output if db.execute(new, (journal,)).rowcount else {}
                db.execute(
                    "DELETE FROM taken WHERE rowid <= (SELECT max(rowid) FROM taken) - ?",
                    (JOURNALS_KNOWN_MAX,),
                )
            for output, readings in by_output.items():
                db.execute(
                    "INSERT INTO expired VALUES (?, ?) ON CONFLICT (output) "
                    "DO UPDATE SET readings = readings + excluded.readings",
                    (output, readings),
                )
            db.execute("COMMIT")

    def expired(self) -> dict[str, int]:
        """Readings removed by sweeps so far, by output."""
        found = self._removed()
        found.pop(NOT_COUNTED, None)
        return found

    def files_not_counted(self) -> int:
        """Files that sweeps have removed so far and whose readings are in no count."""
        return self._removed().get(NOT_COUNTED, 0)

    def _removed(self) -> dict[str, int]:
        with self._open() as db:
            return dict(db.execute("SELECT output, readings FROM expired").fetchall())


def _name(db: sqlite3.Connection, record: FlowRecord) -> str:
    """Under which name a record's rows stand: its topic's, or that of one that was deleted since.

    The first record of a topic made anew gives those of the one before the name that they keep.
    """
    if not record.topic_id:
        return record.topic
    mine = f"{record.topic}{CLOSED}{record.topic_id}"
    query = "SELECT 1 FROM flow WHERE topic = ? AND partition = ? LIMIT 1"
    if db.execute(query, (mine, record.partition)).fetchone() is not None:
        return mine
    partition = (record.topic, record.partition)
    # All rows of a name that have an id have the same one: others were named anew here.
    before = db.execute(
        "SELECT topic_id FROM flow WHERE topic = ? AND partition = ? AND topic_id > '' LIMIT 1",
        partition,
    ).fetchone()
    if before not in (None, (record.topic_id,)):
        closed = f"{record.topic}{CLOSED}{before[0]}"
        db.execute(
            "UPDATE flow SET topic = ? WHERE topic = ? AND partition = ?", (closed, *partition)
        )
    return record.topic


def _insert(db: sqlite3.Connection, topic: str, record: FlowRecord) -> None:
    row = (topic, record.partition, record.first, encode_flow(record))
    db.execute("INSERT INTO flow (topic, partition, first, body) VALUES (?, ?, ?, ?)", row)


def _stretches(records: Iterable[FlowRecord]) -> list[list[FlowRecord]]:
    """Records of one partition, in the order of offsets; each follows the one before it."""
    found: list[list[FlowRecord]] = []
    for record in records:
        if found and found[-1][-1].last + 1 == record.first:
            found[-1].append(record)
        else:
            found.append([record])
    joined = len(found) - STRETCHES_PER_PARTITION_MAX
    if joined > 0:
        found[: joined + 1] = [[one for stretch in found[: joined + 1] for one in stretch]]
    return found


def _sum(records: Sequence[FlowRecord]) -> FlowRecord:
    ledger = Ledger()
    for record in records:
        ledger.add(record.ledger, record.rejected)
    return FlowRecord(
        records[0].topic,
        records[0].partition,
        records[0].first,
        max(record.last for record in records),
        ledger.outputs,
        ledger.rejected,
        max(record.generation for record in records),
        records[-1].topic_id,
    )
