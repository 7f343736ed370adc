"""Handing out the rows of an output that are meant: to the person whom they are about.

In: a lake, an output, and which of its rows. Out: the rows, as all parts that count hold them at
one moment, in an order that equal lakes share. Nothing is changed.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import duckdb

from sinks.lake.deletion.meant import MEANT, asked, buckets_of
from sinks.lake.parquet import connect, source
from sinks.lake.seal import is_altered
from sinks.lake.standing import CountedPart, looked_at
from sinks.port.selection import FoundRow, Selection

MEMORY_MB: Final = 1024
"""The rows are kept in memory, some hundred bytes each; what needs more is asked by interval."""
_FETCH_ROWS: Final = 10_000
_COLUMNS: Final = (
    "record, signal, epoch_ms(t) AS t_ms, number, text, unit, epoch_ms(expires_at) AS expires_ms,"
    " policy_version, lane, consent, pseudonym"
)
_ORDER: Final = "t_ms, record, signal, number, text, unit, pseudonym"


def rows_of(root: Path, output: str, selection: Selection, now_ms: int) -> Iterator[FoundRow]:
    """The rows that are meant and have not expired, by time, record and signal.

    Parts that are altered or cannot be read are left out. MovingError if parts were moved at every
    look; MemoryError if the rows need more than ``MEMORY_MB``.
    """
    buckets = buckets_of(root, selection.pseudonyms)

    def find(parts: Sequence[CountedPart]) -> None:
        # Begun anew if a part went meanwhile.
        engine.execute("CREATE OR REPLACE TEMP TABLE found AS SELECT * FROM nothing")
        for part in parts:
            ours = part.place.output == output and part.place.expires_ms > now_ms
            if ours and _may_hold(part.path, buckets) and not is_altered(part.path):
                _add(engine, part.path, selection)

    with connect(spill=None, memory_mb=MEMORY_MB) as engine:
        engine.execute(
            f"CREATE TEMP VIEW nothing AS SELECT {_COLUMNS} FROM {source([])}"  # noqa: S608  # constants
        )
        looked_at(root, find)
        try:
            found = engine.execute(f"SELECT * FROM found ORDER BY {_ORDER}")  # noqa: S608  # constants
            while rows := found.fetchmany(_FETCH_ROWS):
                yield from (FoundRow(*row) for row in rows)
        except duckdb.OutOfMemoryException:
            raise MemoryError from None


def _may_hold(path: Path, buckets: frozenset[str] | None) -> bool:
    """Whether it is of one of the buckets; a part that waits for its place is looked into."""
    folder = path.parent.name
    return buckets is None or folder in buckets or not folder.startswith("bucket=")


def _add(engine: duckdb.DuckDBPyConnection, path: Path, selection: Selection) -> None:
    query = f"INSERT INTO found SELECT {_COLUMNS} FROM {source([path])} WHERE {MEANT}"  # noqa: S608  # a quoted path
    try:
        engine.execute(query, asked(selection, path))
    except duckdb.OutOfMemoryException:
        raise MemoryError from None
    except duckdb.Error:
        if not path.exists():
            raise
        return
