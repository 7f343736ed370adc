"""Where a vehicle dwells: the cell before and after its longest pauses, as an attacker would guess.

In: visits to grid cells. Out: the cell with the most time of standing still, or None.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from telemetry.grids import outline
from telemetry.instants import HOUR_MS

PAUSE_MS_MIN: Final = 2 * HOUR_MS
"""A shorter stop does not count as a dwelling."""
EDGE_DEGREES_MAX: Final = 1 / 60
"""A cell with a longer edge (about 1.5 km) reveals a district, not a home."""


class Visit(NamedTuple):
    """A cell, and the time at which it was reported."""

    at_ms: int
    cell: str


def dwelling(visits: Sequence[Visit]) -> str | None:
    """The cell beside the most time without movement; None if there is no long pause."""
    in_order = sorted(visits)
    stood: Counter[str] = Counter()
    for before, after in pairwise(in_order):
        pause_ms = after.at_ms - before.at_ms
        if pause_ms >= PAUSE_MS_MIN:
            stood[before.cell] += pause_ms
            stood[after.cell] += pause_ms
    return max(stood, key=lambda cell: (stood[cell], cell), default=None)


def is_found(home: str, guess: str | None) -> bool:
    """Whether the guessed cell is small enough to be a home and holds the true one's centre."""
    if guess is None:
        return False
    south, west, north, east = _box(guess)
    if north - south > EDGE_DEGREES_MAX or east - west > EDGE_DEGREES_MAX:
        return False
    home_south, home_west, home_north, home_east = _box(home)
    latitude, longitude = (home_south + home_north) / 2, (home_west + home_east) / 2
    return south <= latitude <= north and west <= longitude <= east


def _box(cell: str) -> tuple[float, float, float, float]:
    corners = outline(cell)
    latitudes, longitudes = [c[0] for c in corners], [c[1] for c in corners]
    return min(latitudes), min(longitudes), max(latitudes), max(longitudes)
