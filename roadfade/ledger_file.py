"""The ledger on disk: flow records by partition and first offset, in one SQLite file.

Folding is idempotent: a record replaces all of its partition from its first offset on.
Settled rows are summed into one per partition so that the file does not grow for ever.
Blocking; call it in a thread. Several processes may share the file.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from telemetry.flow import FlowRecord, Ledger, decode_flow, encode_flow

ROWS_PER_PARTITION_MAX = 5_000
"""More than any replay spans; older rows can no longer be voided and are summed."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS flow (
    topic TEXT, partition INTEGER, first INTEGER, body BLOB,
    PRIMARY KEY (topic, partition, first)
);
CREATE TABLE IF NOT EXISTS expired (output TEXT PRIMARY KEY, readings INTEGER);
"""


class LedgerFile:
    """One file; every call opens and closes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with self._open() as db:
            db.executescript(SCHEMA)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as db:
            yield db

    def fold(self, records: Iterable[FlowRecord]) -> None:
        """Take records in topic order; durable on return, harmless when repeated."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            for record in records:
                place = (record.topic, record.partition, record.first)
                db.execute(
                    "DELETE FROM flow WHERE topic = ? AND partition = ? AND first >= ?", place
                )
                db.execute("INSERT INTO flow VALUES (?, ?, ?, ?)", (*place, encode_flow(record)))
                self._settle(db, record.topic, record.partition)
            db.execute("COMMIT")

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
        ledger = Ledger()
        for _, body in oldest:
            record = decode_flow(body)
            ledger.add(record.ledger, record.rejected)
        first, last = oldest[0][0], oldest[-1][0]
        settled = FlowRecord(topic, partition, first, last, ledger.outputs, ledger.rejected)
        db.execute(
            "DELETE FROM flow WHERE topic = ? AND partition = ? AND first <= ?", (*where, last)
        )
        db.execute("INSERT INTO flow VALUES (?, ?, ?, ?)", (*where, first, encode_flow(settled)))

    def read(self) -> Ledger:
        """The sum of all rows that are not voided."""
        ledger = Ledger()
        with self._open() as db:
            for (body,) in db.execute("SELECT body FROM flow"):
                record = decode_flow(body)
                ledger.add(record.ledger, record.rejected)
        return ledger

    def add_expired(self, by_output: Mapping[str, int]) -> None:
        """Add readings that a sweep removed."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            for output, readings in by_output.items():
                db.execute(
                    "INSERT INTO expired VALUES (?, ?) ON CONFLICT (output) "
                    "DO UPDATE SET readings = readings + excluded.readings",
                    (output, readings),
                )
            db.execute("COMMIT")

    def expired(self) -> dict[str, int]:
        """Readings removed by sweeps so far, by output."""
        with self._open() as db:
            return dict(db.execute("SELECT output, readings FROM expired").fetchall())


class ExpiredAccount:
    """Removed readings on their way into a ledger that may be damaged, or on a full disk.

    Nothing is opened before there is something to account; what the ledger cannot take waits here
    and goes in with the next call that succeeds. Blocking; one thread at a time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting = Counter[str]()

    @property
    def waiting(self) -> int:
        """How many removed readings the ledger has not taken yet."""
        return self._waiting.total()

    def add(self, by_output: Mapping[str, int]) -> str | None:
        """Account removed readings; why the ledger could not take them, None if it did."""
        self._waiting.update(by_output)
        if not self._waiting.total():
            return None
        try:
            LedgerFile(self._path).add_expired(self._waiting)
        except (OSError, sqlite3.Error) as error:
            return error.strerror or str(error) if isinstance(error, OSError) else str(error)
        self._waiting.clear()
        return None
