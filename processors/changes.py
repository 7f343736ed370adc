"""Whose rows changed lately: a bounded journal that any number of readers follow, each at its pace.

In: the device or subject of a row that came, went or became unknown. Out: all of them since a
position; or that too much changed meanwhile, so that a reader has to take everything for changed.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from telemetry.identity import MASK

CHANGES_KEPT_MAX: Final = 10_000
"""A reader that lags behind by more takes everything for changed; a change takes some 200 bytes."""


class Change(NamedTuple):
    """Rows of this device (registrations, links) or subject (consents, restrictions) changed."""

    of: Literal["device", "subject"]
    name: str

    def __repr__(self) -> str:
        return f"Change({self.of}, {MASK})"


class Changes:
    """The latest changes. Not thread-safe."""

    def __init__(self, kept_max: int = CHANGES_KEPT_MAX) -> None:
        self.position = 0
        """How many changes there have been; equal positions mean that nothing changed between."""
        self._kept: deque[Change] = deque(maxlen=kept_max)

    def note(self, change: Change) -> None:
        """Tell readers of one more."""
        self.position += 1
        self._kept.append(change)

    def since(self, position: int) -> Sequence[Change] | None:
        """The changes after ``position``, oldest first; None if not all of them are kept."""
        missed = self.position - position
        if missed > len(self._kept):
            return None
        return [self._kept[place] for place in range(-missed, 0)]
