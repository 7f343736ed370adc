"""A lake as it is on disk, for deleting, measuring and searching. Needs no writer."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb

from sinks.lake.check import foreign_in
from sinks.lake.deletion.erase import erase, locate
from sinks.lake.deletion.expire import expire_due, overdue
from sinks.lake.deletion.journal import broken_notes
from sinks.lake.deletion.restate import Restatement
from sinks.lake.deletion.rows_of import rows_of
from sinks.lake.layout import Partition
from sinks.lake.oldest import Oldest
from sinks.lake.parquet import connect, count_readings
from sinks.lake.positions import stored_places, written_ms
from sinks.lake.room import told_if_full
from sinks.lake.standing import CountedPart, looked_at, outputs_of
from sinks.lake.steps import Hook, go_on
from sinks.lake.store_name import store_name
from sinks.lake.survey import said_place, survey
from sinks.lake.verify import search
from sinks.port.results import (
    Hits,
    Holdings,
    Located,
    Oddity,
    Overdue,
    Place,
    Receipt,
    Restated,
    Strange,
    Swept,
)
from sinks.port.selection import FoundRow, Selection
from sinks.port.sink import Ends


class StoredLake:
    """The ``Store`` of a lake's files; remembers what it has measured and judged."""

    def __init__(self, root: Path, compression: str = "zstd", at: Hook = go_on) -> None:
        self._root = root
        self._compression = compression
        self._at = at
        self._oldest = Oldest(root)
        self._restatement = Restatement(root, compression, at)

    def exists(self) -> bool:
        """See ``Store``."""
        return self._root.exists()

    def outputs(self) -> list[str]:
        """See ``Store``."""
        return outputs_of(self._root)

    def expire(self, now_ms: int) -> Swept:
        """See ``Store``; whole files are unlinked."""
        return expire_due(self._root, now_ms)

    def written_ms(self) -> int | None:
        """See ``Store``; the newest checkpoint is the last that was written."""
        return written_ms(self._root)

    def overdue(self, now_ms: int) -> list[Overdue]:
        """See ``Store``."""
        return overdue(self._root, now_ms)

    def restate(self, ends: Ends, now_ms: int) -> Restated:
        """See ``Store``; one turn of ``Restatement``."""
        return self._restatement.run(ends, now_ms)

    def name(self) -> str:
        """See ``Store``; LakeFormatError if no sink gave it one, or it is damaged."""
        return store_name(self._root)

    def erase(self, output: str, selection: Selection, now_ms: int) -> Receipt:
        """See ``Store``; rewrites only parts of the buckets of those who are named."""
        with told_if_full():
            return erase(self._root, output, selection, now_ms, self._compression, self._at)

    def locate(self, output: str, selection: Selection) -> Located:
        """See ``Store``."""
        return locate(self._root, output, selection)

    def rows_of(self, output: str, selection: Selection, now_ms: int) -> Iterator[FoundRow]:
        """See ``Store``."""
        return rows_of(self._root, output, selection, now_ms)

    def verify(self, marker: bytes) -> Hits:
        """See ``Store``; compressed parts hide a marker, so prove on an uncompressed lake."""
        return search(self._root, marker)

    def places(self) -> Mapping[tuple[str, int], Place]:
        """How far each topic's partition is in the lake, and of which topic of that name."""
        return stored_places(self._root)

    def holdings(self) -> Holdings:
        """How far each topic is in the lake, and what is there now of each output."""
        places = self.places()
        with connect(spill=None) as engine:
            readings, unreadable = looked_at(self._root, _Counting(engine).of)
        return Holdings(places, readings, unreadable)

    def oldest_ms(self) -> Mapping[str, int]:
        """See ``Store``; each part is read once, its answer remembered."""
        return self._oldest.by_output()

    def strange(self) -> list[Strange]:
        """See ``Store``."""
        damaged = (said_place(path, self._root) for path in self._oldest.unreadable())
        why = "its rows cannot be read"
        return [
            *survey(self._root),
            *foreign_in(self._root),
            *broken_notes(self._root),
            *(Strange(Oddity.UNREADABLE, place, why) for place in damaged),
        ]


class _Counting:
    """Counts readings by partition; those that stay the same are counted once, however often."""

    def __init__(self, engine: duckdb.DuckDBPyConnection) -> None:
        self._engine = engine
        self._known: dict[tuple[Path, ...], tuple[int, int]] = {}
        """By the parts of a partition: readings, and parts that cannot be read."""

    def of(self, parts: Sequence[CountedPart]) -> tuple[dict[str, int], dict[str, int]]:
        """By output: readings, and parts that cannot be read."""
        readings, unreadable = Counter[str](), Counter[str]()
        places: dict[Partition, list[Path]] = {}
        for part in parts:
            places.setdefault(part.place, []).append(part.path)
        for place, paths in places.items():
            count, damaged = self._in(tuple(paths))
            readings[place.output] += count
            unreadable[place.output] += damaged
        return dict(readings), dict(unreadable)

    def _in(self, paths: tuple[Path, ...]) -> tuple[int, int]:
        if paths not in self._known:
            count, damaged = count_readings(self._engine, paths)
            self._known[paths] = count, len(damaged)
        return self._known[paths]
