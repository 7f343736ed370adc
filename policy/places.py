"""Where each value of a file stands, so that every problem can name line and column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policy.terms import Where

Path = tuple[str | int, ...]
Spot = tuple[int, int]
"""Line and column, both from 1."""


@dataclass(frozen=True, slots=True)
class Places:
    """Spots of keys and of values, by path of keys and indexes from the file's top."""

    keys: Mapping[Path, Spot]
    values: Mapping[Path, Spot]

    def where(self, file: str, path: Sequence[str | int], *, key: bool = False) -> Where:
        """The place at the path, or the nearest above it; ``key`` asks for the key's own spot.

        A step that is not in the file is passed over: models wrap a single cell into a
        list, and their error paths then carry an index nobody wrote.
        """
        found: Path = ()
        for step in path:
            if (*found, step) in self.values:
                found = (*found, step)
        line, column = (self.keys if key else self.values).get(found, (1, 1))
        return Where(file, line, column)


Tree = tuple[Any, Places]
"""A file's plain values (a sequence is a tuple), and where each stands."""
