"""How old the oldest kept reading of each output is: the figure that the policy bounds.

Only an erasure changes a part, and can only make it younger, so each is read once
and remembered by name until it is gone.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from sinks.lake.layout import files, partitions
from sinks.lake.parquet import connect, source
from sinks.lake.seal import is_altered


class Oldest:
    """Remembers one instant per part. Blocks; one thread at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[Path, int | None] = {}

    def by_output(self) -> Mapping[str, int]:
        """Time of the oldest reading on disk by output; outputs without rows are absent.

        Parts that cannot be read have no time: they are ``unreadable``, and the rest answers.
        """
        oldest: dict[str, int] = {}
        present: dict[Path, int | None] = {}
        with connect(spill=None) as engine:
            for place in partitions(self._root):
                for path in files(place):
                    if path in self._known:
                        at_ms = self._known[path]
                    else:
                        at_ms = _oldest_in(engine, path)
                        if at_ms is None and not path.exists():
                            continue  # swept meanwhile
                    present[path] = at_ms
                    if at_ms is not None:
                        oldest[place.output] = min(at_ms, oldest.get(place.output, at_ms))
        self._known = present
        return oldest

    def unreadable(self) -> list[Path]:
        """The parts that the last ``by_output`` could not read."""
        return [path for path, at_ms in self._known.items() if at_ms is None]


def _oldest_in(engine: duckdb.DuckDBPyConnection, path: Path) -> int | None:
    """None if the part is damaged or altered, is gone, or has no row."""
    try:
        if is_altered(path):
            return None
        found = engine.execute(f"SELECT epoch_ms(min(t)) FROM {source([path])}").fetchone()  # noqa: S608  # a quoted path
    except (duckdb.Error, OSError):
        return None
    return None if found is None else found[0]
