"""DuckDB as the engine over Parquet files, never as a store (its DELETE removes no bytes).

In: paths. Out: tables, files and counts. The engine downloads nothing, keeps no secret,
looks at no Python variable and spills only into the folder it is given.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import duckdb

from sinks.lake.columns import ORDER
from sinks.lake.layout import read_part
from sinks.lake.part_file import APPENDED_KEY, ROW_GROUP_ROWS, Appended
from sinks.lake.seal import NO_SEAL, SEAL_KEY, is_altered
from telemetry.wire.record import MESH

ROW_ORDER: Final = ", ".join(ORDER)
FILES_PER_QUERY_MAX: Final = 500

NO_ROWS: Final = """
(SELECT ''::VARCHAR AS record, ''::VARCHAR AS pseudonym, ''::VARCHAR AS signal,
 make_timestamp_ms(0) AS t, 0::DOUBLE AS number, ''::VARCHAR AS text, ''::VARCHAR AS unit,
 make_timestamp_ms(0) AS expires_at, ''::VARCHAR AS policy_version,
 ''::VARCHAR AS lane, ''::VARCHAR AS consent WHERE false)
"""


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
    """The table expression over these files, of none too; it takes no column from a path.

    Columns that parts of format 1 have not got are NULL.
    """
    before = [path for path in paths if _is_before(path)]
    if not before:
        return _read(paths) if paths else NO_ROWS
    now = [path for path in paths if not _is_before(path)]
    tables = [NO_ROWS, *([_read(now)] if now else []), _read(before, mixed=True)]
    rows = (f"SELECT * FROM {table}" for table in tables)  # noqa: S608  # quoted paths
    return f"({' UNION ALL BY NAME '.join(rows)})"


def _is_before(path: Path) -> bool:
    """Whether a part may be one of format 1: one that is restated keeps its name's beginning."""
    part = read_part(path.name)
    return part is not None and part.number == 0


def _read(paths: Sequence[Path], *, mixed: bool = False) -> str:
    names = ", ".join(quoted(str(path)) for path in paths)
    by_name = ", union_by_name = true" if mixed else ""
    return f"read_parquet([{names}], hive_partitioning = false{by_name})"


def options(compression: str, appended: Appended) -> str:
    """How the engine writes a file of the lake; ``seal`` it then."""
    said = f"{appended.first_ms}-{appended.last_ms}"
    return (
        f" (FORMAT parquet, COMPRESSION {compression}, ROW_GROUP_SIZE {ROW_GROUP_ROWS},"
        f" USE_TMP_FILE false,"
        f" KV_METADATA {{'{SEAL_KEY}': '{NO_SEAL}', '{APPENDED_KEY}': '{said}'}})"
    )


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
