"""DuckDB as the engine over Parquet files, never as a store (its DELETE removes no bytes).

In: rows and paths. Out: files and counts. The engine downloads nothing, keeps no secret,
looks at no Python variable and spills only into the folder it is given.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from sinks.lake.seal import SEAL_OPTION, is_altered, seal
from sinks.port.records import RecordReadings
from telemetry.wire.record import MESH

COLUMNS: Final = (
    "record",
    "pseudonym",
    "signal",
    "t",
    "number",
    "text",
    "unit",
    "expires_at",
    "policy_version",
)
ROW_ORDER: Final = "pseudonym, t, signal, record, number, text, unit"
"""Sorted so, a file shows nothing of the order in which its rows arrived."""
FILES_PER_QUERY_MAX: Final = 500
ROW_GROUP_ROWS: Final = 122_880

NO_ROWS: Final = """
(SELECT ''::VARCHAR AS record, ''::VARCHAR AS pseudonym, ''::VARCHAR AS signal,
 make_timestamp_ms(0) AS t, 0::DOUBLE AS number, ''::VARCHAR AS text, ''::VARCHAR AS unit,
 make_timestamp_ms(0) AS expires_at, ''::VARCHAR AS policy_version WHERE false)
"""

# A series' own values travel as one list and are unnested in the engine: a row costs it
# a time and a value, not seven strings.
_COPY: Final = f"""
COPY (
  SELECT record, pseudonym, signal, make_timestamp_ms(t_ms) AS t, number, text, unit,
         make_timestamp_ms($9::BIGINT) AS expires_at, policy_version
  FROM (SELECT record, pseudonym, signal, unit, policy_version,
               unnest(t_ms) AS t_ms, unnest(numbers) AS number, unnest(texts) AS text
        FROM (SELECT unnest($1::VARCHAR[]) AS record, unnest($2::VARCHAR[]) AS pseudonym,
                     unnest($3::VARCHAR[]) AS policy_version, unnest($4::VARCHAR[]) AS signal,
                     unnest($5::VARCHAR[]) AS unit, unnest($6::BIGINT[][]) AS t_ms,
                     unnest($7::DOUBLE[][]) AS numbers, unnest($8::VARCHAR[][]) AS texts))
  ORDER BY {ROW_ORDER}
) TO """  # noqa: S608  # constants only; the path is added quoted


def connect(
    spill: Path | None, memory_mb: int = 256, threads: int = 1
) -> duckdb.DuckDBPyConnection:
    """An engine in memory over files; it spills into ``spill``, or not at all.

    Its zone is UTC: the machine's would move ``now()`` and every day's end.
    """
    engine = duckdb.connect(
        ":memory:",
        config={
            "threads": str(threads),
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": "" if spill is None else str(spill),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_persistent_secrets": "false",
            "python_enable_replacements": "false",
            "enable_external_file_cache": "false",
        },
    )
    engine.execute("SET TimeZone = 'UTC'")
    return engine


def quoted(text: str) -> str:
    """A string as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def source(paths: Sequence[Path]) -> str:
    """The table expression over these files, of none too; it takes no column from a path."""
    if not paths:
        return NO_ROWS
    names = ", ".join(quoted(str(path)) for path in paths)
    return f"read_parquet([{names}], hive_partitioning = false)"


def options(compression: str) -> str:
    """How every file of the lake is written."""
    return (
        f" (FORMAT parquet, COMPRESSION {compression}, ROW_GROUP_SIZE {ROW_GROUP_ROWS},"
        f" USE_TMP_FILE false, {SEAL_OPTION})"
    )


def write_records(
    engine: duckdb.DuckDBPyConnection,
    path: Path,
    records: Sequence[RecordReadings],
    compression: str,
) -> None:
    """Write records of one expiry as sorted rows into a new file; not yet durable on return."""
    series = [
        (record.record, record.pseudonym, record.policy_version, *run)
        for record in records
        for run in record.runs
    ]
    columns = [list(column) for column in zip(*series, strict=True)]
    statement = _COPY + quoted(str(path)) + options(compression)
    engine.execute(statement, [*columns, records[0].expires_ms])
    seal(path)


_WHOLE: Final = """
SELECT file_name FROM parquet_schema($1) GROUP BY file_name
HAVING list_sort(list(name || ' ' || type) FILTER (type IS NOT NULL)) = $2::VARCHAR[]
"""
_STORED: Final = {"t": "INT64", "expires_at": "INT64", "number": "DOUBLE"}
_COLUMNS_STORED: Final = sorted(f"{name} {_STORED.get(name, 'BYTE_ARRAY')}" for name in COLUMNS)


def unreadable_parts(engine: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> list[Path]:
    """Files that are altered, or have no footer of ours; those gone meanwhile too. Reads all."""
    damaged: list[Path] = []
    for start in range(0, len(paths), FILES_PER_QUERY_MAX):
        some = paths[start : start + FILES_PER_QUERY_MAX]
        whole = _whole(engine, some)
        if whole is None:  # one of them stops the engine: which?
            whole = {name for path in some for name in _whole(engine, [path]) or ()}
        damaged += (path for path in some if str(path) not in whole or is_altered(path))
    return damaged


def _whole(engine: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> set[str] | None:
    names = [str(path) for path in paths]
    try:
        found = engine.execute(_WHOLE, [names, _COLUMNS_STORED]).fetchall()
    except duckdb.Error:
        return None
    return {name for (name,) in found}


def count_rows(engine: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> int:
    """How many rows the files hold, from their footers alone; duckdb.Error if unreadable."""
    total = 0
    for start in range(0, len(paths), FILES_PER_QUERY_MAX):
        names = [str(path) for path in paths[start : start + FILES_PER_QUERY_MAX]]
        found = engine.execute(
            "SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata($1)", [names]
        ).fetchone()
        total += found[0] if found else 0
    return total


def count_readings(
    engine: duckdb.DuckDBPyConnection, paths: Sequence[Path]
) -> tuple[int, list[Path]]:
    """How many readings the files' rows stand for, a cell of the mesh for two; and the unreadable.

    Files that are gone meanwhile are in neither.
    """
    total, damaged = 0, list[Path]()
    for start in range(0, len(paths), FILES_PER_QUERY_MAX):
        batch = paths[start : start + FILES_PER_QUERY_MAX]
        altered = [path for path in batch if is_altered(path)]
        damaged += altered
        some = [path for path in batch if path not in altered]
        found = _readings(engine, some)
        if found is None:  # one of them stops the engine: which?
            by_path = {path: _readings(engine, [path]) for path in some}
            found = sum(count or 0 for count in by_path.values())
            damaged += (path for path, one in by_path.items() if one is None and path.exists())
        total += found
    return total, damaged


def _readings(engine: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> int | None:
    statement = f"SELECT count(*) + count(*) FILTER (signal = $1) FROM {source(paths)}"  # noqa: S608  # quoted paths
    try:
        found = engine.execute(statement, [MESH]).fetchone()
    except (duckdb.Error, OSError):
        return None
    return None if found is None else int(found[0])
