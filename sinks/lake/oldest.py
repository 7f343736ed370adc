"""How old the oldest kept reading of each output is: the figure that the policy bounds.

Only an erasure changes a part, and can only make it younger, so each is read once
(its time column alone) and remembered by name until it is gone.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from sinks.lake.layout import files, partitions
from sinks.lake.parquet import connect, source


class Oldest:
    """Remembers one instant per part. Blocks; one thread at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[Path, int] = {}

    def by_output(self) -> Mapping[str, int]:
        """Time of the oldest reading on disk by output; outputs without rows are absent."""
        oldest: dict[str, int] = {}
        present: dict[Path, int] = {}
        with connect(spill=None) as engine:
            for place in partitions(self._root):
                for path in files(place):
                    at_ms = self._known.get(path)
                    if at_ms is None:
                        at_ms = _oldest_in(engine, path)
                    if at_ms is None:
                        continue
                    present[path] = at_ms
                    oldest[place.output] = min(at_ms, oldest.get(place.output, at_ms))
        self._known = present
        return oldest


def _oldest_in(engine: duckdb.DuckDBPyConnection, path: Path) -> int | None:
    try:
        found = engine.execute(f"SELECT epoch_ms(min(t)) FROM {source([path])}").fetchone()  # noqa: S608  # a quoted path
    except duckdb.Error:
        # Swept meanwhile; or damaged: then as old as can be, so that an alert fires,
        # and measuring never stops deleting.
        return 0 if path.exists() else None
    return None if found is None else found[0]
