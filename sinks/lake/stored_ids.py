"""Which of some records have rows in the lake: asked after a topic was made anew.

In: ids. Out: those that are there. The markers remember the latest ids only, and a topic that was
filled again from a copy may hold records of any age.
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from sinks.lake.layout import files, partitions
from sinks.lake.parquet import FILES_PER_QUERY_MAX, source


def stored_ids(
    engine: duckdb.DuckDBPyConnection, root: Path, output: str, ids: Sequence[str]
) -> frozenset[str]:
    """The ids that an output's rows have. Reads one column of all its files.

    A file that a sweep removes meanwhile had rows that are to end; one that is damaged has none
    that anybody could read.
    """
    paths = [path for place in partitions(root, output) for path in files(place)]
    found = set[str]()
    for start in range(0, len(paths), FILES_PER_QUERY_MAX):
        some = paths[start : start + FILES_PER_QUERY_MAX]
        here = _ids(engine, some, ids)
        if here is None:  # one of them stops the engine: the others count
            here = {one for path in some for one in _ids(engine, [path], ids) or ()}
        found |= here
    return frozenset(found)


def _ids(
    engine: duckdb.DuckDBPyConnection, paths: Sequence[Path], ids: Sequence[str]
) -> set[str] | None:
    statement = f"SELECT DISTINCT record FROM {source(paths)} WHERE record IN (SELECT unnest($1))"  # noqa: S608  # quoted paths
    try:
        found = engine.execute(statement, [list(ids)]).fetchall()
    except (duckdb.Error, OSError):
        return None
    return {one for (one,) in found}
