"""What a part of the lake holds by version, column and day, and copying some of it.

Rows of one such group end together, whatever decides it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from sinks.durable import sync_file
from sinks.parquet import ORDER, options, quoted, source

_GROUPS: Final = """
SELECT policy_version, signal, epoch_ms(date_trunc('day', t)), epoch_ms(max(t)), count(*)
FROM {source} GROUP BY ALL
"""
_COPY: Final = """
COPY (
  SELECT record, pseudonym, signal, t, number, text, unit, {expires} AS expires_at,
         said_by AS policy_version
  FROM {source} JOIN (
    SELECT unnest($1::VARCHAR[]) AS of_version, unnest($2::VARCHAR[]) AS of_signal,
           unnest($3::BIGINT[]) AS of_day, unnest($4::VARCHAR[]) AS said_by)
  ON policy_version = of_version AND signal = of_signal
     AND epoch_ms(date_trunc('day', t)) = of_day
  ORDER BY {order}
) TO {path}{options}
"""


class Group(NamedTuple):
    """Rows of a part that share version, column and day; they end together."""

    policy_version: str
    signal: str
    day_ms: int
    last_ms: int
    rows: int


class Judged(NamedTuple):
    """A group, and the version that says when it ends."""

    group: Group
    said_by: str


def groups_of(engine: duckdb.DuckDBPyConnection, path: Path) -> list[Group]:
    """The groups of a part; none where a sweep took it while we looked."""
    try:
        found = engine.execute(_GROUPS.format(source=source([path]))).fetchall()
    except duckdb.IOException:
        if path.exists():
            raise
        return []
    return [Group(*row) for row in found]


def wholly_of(engine: duckdb.DuckDBPyConnection, paths: Sequence[Path], version: str) -> set[Path]:
    """The parts whose footers say that all their rows are of this version."""
    query = (
        "SELECT file_name FROM parquet_metadata($1) WHERE path_in_schema = 'policy_version' "
        "GROUP BY file_name HAVING min(stats_min_value) = $2 AND max(stats_max_value) = $2"
    )
    try:
        names = engine.execute(query, [[str(path) for path in paths], version]).fetchall()
    except duckdb.IOException:
        return set()  # one was swept while we looked: each is then asked by itself
    return {Path(name) for (name,) in names}


def copy_groups(
    engine: duckdb.DuckDBPyConnection,
    path: Path,
    into: Path,
    judged: Sequence[Judged],
    end_ms: int,
    compression: str,
) -> None:
    """Copy these groups into a new part that ends at ``end_ms``; durable on return."""
    statement = _COPY.format(
        expires=f"make_timestamp_ms({end_ms}::BIGINT)",
        source=source([path]),
        order=ORDER,
        path=quoted(str(into)),
        options=options(compression),
    )
    keys = [[group[column] for group, _ in judged] for column in range(3)]
    engine.execute(statement, [*keys, [said_by for _, said_by in judged]])
    sync_file(into)
