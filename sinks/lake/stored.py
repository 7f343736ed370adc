"""A lake as it is on disk, for deleting, measuring and searching. Needs no writer."""

from collections.abc import Collection, Mapping
from pathlib import Path

from sinks.lake.check import foreign_in
from sinks.lake.deletion.erase import erase, locate
from sinks.lake.deletion.expire import expire_due, overdue
from sinks.lake.deletion.journal import broken_notes
from sinks.lake.deletion.restate import Restatement
from sinks.lake.oldest import Oldest
from sinks.lake.parquet import connect, count_readings
from sinks.lake.positions import stored_places, written_ms
from sinks.lake.standing import counted, outputs_of
from sinks.lake.steps import Hook, go_on
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
from sinks.port.sink import Ends
from telemetry.identity import Pseudonym


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

    def erase(self, pseudonyms: Collection[Pseudonym], now_ms: int) -> Receipt:
        """See ``Store``; rewrites only the parts of the subject's buckets that hold rows."""
        return erase(self._root, pseudonyms, now_ms, self._compression, self._at)

    def locate(self, pseudonyms: Collection[Pseudonym]) -> Located:
        """See ``Store``."""
        return locate(self._root, pseudonyms)

    def verify(self, marker: bytes) -> Hits:
        """See ``Store``; compressed parts hide a marker, so prove on an uncompressed lake."""
        return search(self._root, marker)

    def places(self) -> Mapping[tuple[str, int], Place]:
        """How far each topic's partition is in the lake, and of which topic of that name."""
        return stored_places(self._root)

    def holdings(self) -> Holdings:
        """How far each topic is in the lake, and what is there now of each output."""
        places = self.places()
        readings: dict[str, int] = {}
        unreadable: dict[str, int] = {}
        with connect(spill=None) as engine:
            for output, paths in self._counted().items():
                readings[output], damaged = count_readings(engine, paths)
                unreadable[output] = len(damaged)
        return Holdings(places, readings, unreadable)

    def _counted(self) -> Mapping[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for part in counted(self._root):
            found.setdefault(part.place.output, []).append(part.path)
        return found

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
