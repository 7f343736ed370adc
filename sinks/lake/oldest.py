"""How old the oldest kept reading of each output is: the figure that the policy bounds.

Only an erasure changes a part, and can only make it younger, so each is read once
and remembered by name until it is gone. What a footer says needs no page.
"""

from collections.abc import Mapping
from pathlib import Path

from sinks.lake.layout import Partition, files, partitions
from sinks.lake.part_file import oldest_in
from sinks.lake.staged import staged


class Oldest:
    """Remembers one instant per part. Blocks; one thread at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[Path, int | None] = {}

    def by_output(self) -> Mapping[str, int]:
        """Time of the oldest reading on disk by output; outputs without rows are absent.

        Parts that cannot be read have no time: they are ``unreadable``, and the rest answers.
        Whatever lies on the disk counts, also while it waits for its place.
        """
        oldest: dict[str, int] = {}
        present: dict[Path, int | None] = {}
        for place, path in self._on_disk():
            if path in self._known:
                at_ms = self._known[path]
            else:
                at_ms = oldest_in(path)
                if at_ms is None and not path.exists():
                    continue  # swept or moved meanwhile
            present[path] = at_ms
            if at_ms is not None:
                oldest[place.output] = min(at_ms, oldest.get(place.output, at_ms))
        self._known = present
        return oldest

    def unreadable(self) -> list[Path]:
        """The parts that the last ``by_output`` could not read."""
        return [path for path, at_ms in self._known.items() if at_ms is None]

    def _on_disk(self) -> list[tuple[Partition, Path]]:
        waiting = [(one.place, one.path) for one in staged(self._root)]
        placed = [(place, path) for place in partitions(self._root) for path in files(place)]
        return [*waiting, *placed]
