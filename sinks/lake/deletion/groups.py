"""What a part of the lake holds by version, column and day, and copying some of it.

Rows of one such group end together, whatever decides it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import duckdb

from sinks.lake.durable import sync_file
from sinks.lake.parquet import ROW_ORDER, options, quoted, source
from sinks.lake.part_file import Appended, read_footer
from sinks.lake.seal import seal

_GROUPS: Final = """
SELECT policy_version, signal, epoch_ms(date_trunc('day', t)), epoch_ms(max(t)), count(*)
FROM {source} GROUP BY ALL
"""
_COPY: Final = """
COPY (
  SELECT * EXCLUDE (of_version, of_signal, of_day) REPLACE ({expires} AS expires_at)
  FROM {source} JOIN (
    SELECT unnest($1::VARCHAR[]) AS of_version, unnest($2::VARCHAR[]) AS of_signal,
           unnest($3::BIGINT[]) AS of_day)
  ON policy_version = of_version AND signal = of_signal
     AND epoch_ms(date_trunc('day', t)) = of_day
  ORDER BY {order}
) TO {path}{options}
"""


class RowGroup(NamedTuple):
    """Rows of a part that share version, column and day; they end together."""

    policy_version: str
    signal: str
    day_ms: int
    last_ms: int
    rows: int


def groups_of(engine: duckdb.DuckDBPyConnection, path: Path) -> list[RowGroup]:
    """The groups of a part; none if a sweep took it meanwhile. duckdb.Error if it is damaged."""
    try:
        found = engine.execute(_GROUPS.format(source=source([path]))).fetchall()
    except duckdb.Error:
        if path.exists():
            raise
        return []
    return [RowGroup(*row) for row in found]


def copy_groups(
    engine: duckdb.DuckDBPyConnection,
    path: Path,
    into: Path,
    groups: Sequence[RowGroup],
    end_ms: int,
    compression: str,
) -> None:
    """Copy these groups into a new part that expires at ``end_ms``; durable on return."""
    footer = read_footer(path)
    statement = _COPY.format(
        expires=f"make_timestamp_ms({end_ms}::BIGINT)",
        source=source([path]),
        order=ROW_ORDER,
        path=quoted(str(into)),
        options=options(compression, Appended() if footer is None else footer.appended),
    )
    keys = [[group[column] for group in groups] for column in range(3)]
    engine.execute(statement, keys)
    seal(into)
    sync_file(into)
