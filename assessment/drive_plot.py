"""One signal over time as SVG: as measured, and as an output receives it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from assessment.dry_run import DriveReading
from pages.markup import Drawing, Shape
from pages.words.translation import Translation
from telemetry.instants import MINUTE_MS

PLOT_WIDTH: Final = 320.0
HEIGHT: Final = 120.0
LEFT: Final = 44.0
BOTTOM: Final = 18.0
PLOT_POINTS_MAX: Final = 600
MARKS_MAX: Final = 1_200
STRAYS_PERCENT_MAX: Final = 1


class Axes(NamedTuple):
    """What a plot is called, and what its axes measure."""

    label: str
    unit: str
    """Of the values, as people write it; empty if they have none."""
    floor_ms: int
    """How coarse the time is that the output receives."""


def plot(
    axes: Axes,
    before: Sequence[DriveReading],
    after: Sequence[DriveReading],
    words: Translation,
) -> Drawing | None:
    """Grey the drive, coloured what the output receives: a bar as long as the time is coarse.

    None if the signal has no number to draw.
    """
    floor_ms = axes.floor_ms
    measured = _numbers(before)
    told = sorted(set(_numbers(after)))
    if not measured:
        return None
    start, end = _window(measured)
    measured = [one for one in measured if start <= one[0] <= end]
    told = [one for one in told if start - floor_ms < one[0] <= end]
    values = [value for _, value in (*measured, *told)]
    low, high = min(values), max(values)
    spread = (high - low) or 1.0

    def place(at_ms: int, value: float) -> tuple[float, float]:
        x = LEFT + (min(max(at_ms, start), end) - start) / (end - start) * (PLOT_WIDTH - LEFT - 4)
        return x, 6 + (high - value) / spread * (HEIGHT - BOTTOM - 12)

    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*one) for one in _thinned(measured)))
    bars = dict.fromkeys(
        _bar(place(at, v), place(at + floor_ms, v)[0]) for at, v in told[:: _every(told)]
    )
    minutes = f"{(end - start) / MINUTE_MS:.1f}"
    first, last = (words.gettext("%(minutes)s min", minutes=one) for one in ("0", minutes))
    below = HEIGHT - 4
    shapes = [
        Shape("polyline", {"points": line, "fill": "none", "stroke": "var(--dim)"}),
        Shape("path", {"d": "".join(bars), "stroke": "var(--mark)", "stroke-width": 3}),
        Shape("text", {"x": 2, "y": 14}, f"{high:.5g}"),
        Shape("text", {"x": 2, "y": HEIGHT - BOTTOM - 2}, f"{low:.5g}"),
        Shape("text", {"x": 2, "y": (HEIGHT - BOTTOM) / 2 + 6}, axes.unit),
        Shape("text", {"x": LEFT, "y": below}, first),
        Shape("text", {"x": PLOT_WIDTH - 4, "y": below, "text-anchor": "end"}, last),
    ]
    return Drawing(axes.label, PLOT_WIDTH, HEIGHT, shapes)


def _window(measured: Sequence[DriveReading]) -> tuple[int, int]:
    """The time drawn: a few readings of a clock gone wrong do not flatten the drive."""
    strays = len(measured) * STRAYS_PERCENT_MAX // 100
    start = measured[strays][0]
    return start, max(measured[-1 - strays][0], start + 1)


def _numbers(readings: Sequence[DriveReading]) -> list[tuple[int, float]]:
    return sorted((at, float(value)) for at, value in readings if isinstance(value, int | float))


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """At most POINTS_MAX points that keep every peak: the least and greatest of each stretch."""
    each = -(-len(points) // (PLOT_POINTS_MAX // 2))
    if each <= 1:
        return points
    kept = []
    for begin in range(0, len(points), each):
        stretch = points[begin : begin + each]
        pair = {min(stretch, key=lambda p: p[1]), max(stretch, key=lambda p: p[1])}
        kept += sorted(pair)
    return kept


def _every(told: Sequence[DriveReading]) -> int:
    return -(-len(told) // MARKS_MAX) or 1


def _bar(place: tuple[float, float], until: float) -> str:
    x, y = place
    return f"M{x:.1f} {y:.1f}h{max(until - x, 3.0):.1f}"
