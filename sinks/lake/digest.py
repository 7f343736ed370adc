"""Whether two lakes hold the same rows: a digest, and how many rows one lost or doubled.

Everything of a row counts, and nothing else: not the files, buckets or offsets it lies in,
which differ between runs that are equal. Equal rows may lawfully occur twice (a floor makes
two readings alike), so rows are compared as often as they occur.
"""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import duckdb
import msgspec

from sinks.lake.columns import COLUMNS
from sinks.lake.layout import checked_root
from sinks.lake.parquet import connect, quoted, source
from sinks.lake.standing import CountedPart, looked_at

_FETCH_ROWS: Final = 10_000
_KEY: Final = f"output, {', '.join(COLUMNS)}"


class Digest(NamedTuple):
    """SHA-256 over the sorted rows of all outputs, and the number of those rows."""

    sha256: str
    rows: int


class RowDifference(NamedTuple):
    """Rows that a lake lacks or has too often, compared with the lake it should equal."""

    lost: int
    doubled: int
    alien: int
    """Rows of which the expected lake has none at all."""

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.lost or self.doubled or self.alien)


def lake_digest(root: Path) -> Digest:
    """The digest of everything that counts, expired or not. Blocks; sorts in memory."""
    return looked_at(checked_root(root), _digest)


def _digest(parts: Sequence[CountedPart]) -> Digest:
    digest = sha256()
    count = 0
    with connect(spill=None, memory_mb=1024) as engine:
        _load(engine, "lake", parts)
        cursor = engine.execute(f"SELECT {_KEY} FROM lake ORDER BY ALL")  # noqa: S608  # constants
        while rows := cursor.fetchmany(_FETCH_ROWS):
            count += len(rows)
            for row in rows:
                digest.update(msgspec.json.encode(row) + b"\n")
    return Digest(digest.hexdigest(), count)


def compare(expected: Path, actual: Path) -> RowDifference:
    """How ``actual`` differs from ``expected``; neither is changed. Blocks."""
    return looked_at(
        checked_root(expected),
        lambda had: looked_at(checked_root(actual), lambda has: _compare(had, has)),
    )


def _compare(expected: Sequence[CountedPart], actual: Sequence[CountedPart]) -> RowDifference:
    with connect(spill=None, memory_mb=1024) as engine:
        _load(engine, "expected", expected)
        _load(engine, "actual", actual)
        # A union of signed counts, not a join: rows hold NULLs.
        found = engine.execute(
            f"""
            WITH counted AS (
              SELECT {_KEY}, sum(had) AS had, sum(has) AS has
              FROM (SELECT *, 1 AS had, 0 AS has FROM expected
                    UNION ALL SELECT *, 0, 1 FROM actual)
              GROUP BY {_KEY})
            SELECT coalesce(sum(greatest(had - has, 0)), 0)::BIGINT,
                   coalesce(sum(greatest(has - had, 0)) FILTER (had > 0), 0)::BIGINT,
                   coalesce(sum(has) FILTER (had = 0), 0)::BIGINT
            FROM counted
            """  # noqa: S608  # constants
        ).fetchone()
    return RowDifference(0, 0, 0) if found is None else RowDifference(*found)


def _load(engine: duckdb.DuckDBPyConnection, table: str, parts: Sequence[CountedPart]) -> None:
    by_output: dict[str, list[Path]] = {"": []}
    for part in parts:
        by_output.setdefault(part.place.output, []).append(part.path)
    rows = [_rows(output, paths) for output, paths in by_output.items()]
    engine.execute(f"CREATE VIEW {table} AS {' UNION ALL '.join(rows)}")


def _rows(output: str, paths: list[Path]) -> str:
    return f"SELECT {quoted(output)} AS output, {', '.join(COLUMNS)} FROM {source(paths)}"  # noqa: S608  # constants and quoted paths
