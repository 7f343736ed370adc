"""A drive as SVG maps without tiles: the route as measured, and as an output receives it."""

from collections.abc import Iterable, Sequence
from itertools import chain
from math import cos, radians
from typing import Any, Final, NamedTuple

from assessment.dry_run import DriveReadings
from pages.markup import Drawing, Shape
from processors.pairing import positions
from telemetry.grids import outline
from telemetry.instants import MINUTE_MS
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH

MapPoint = tuple[float, float]
"""Latitude and longitude in degrees."""

MAP_WIDTH: Final = 320.0
HEIGHT_MAX: Final = 320.0
MARGIN: Final = 12.0
RULER: Final = 16.0
"""Room for the ruler below the drive, so that no cell lies under its words."""
MAP_POINTS_MAX: Final = 1_500
CELLS_MAX: Final = 2_000
PAUSE_MS: Final = 2 * MINUTE_MS
SPAN_DEGREES_MIN: Final = 0.002
METRES_PER_DEGREE: Final = 111_320.0


class MapFrame(NamedTuple):
    """The part of the world that a map shows."""

    south: float
    west: float
    north: float
    scale: float
    """Drawing units per degree of latitude."""

    @property
    def squeeze(self) -> float:
        """How much shorter a degree of longitude is here."""
        return cos(radians((self.south + self.north) / 2))

    def place(self, point: MapPoint) -> tuple[float, float]:
        """The position of a point in the drawing."""
        x = MARGIN + (point[1] - self.west) * self.squeeze * self.scale
        return x, MARGIN + (self.north - point[0]) * self.scale

    @property
    def height(self) -> float:
        """The drawing's height."""
        return (self.north - self.south) * self.scale + 2 * MARGIN


def ways(readings: DriveReadings) -> list[list[MapPoint]]:
    """Positions whose halves were measured at one instant, in order; a pause begins a new route."""
    latitudes, longitudes = (_column(readings, path) for path in (LATITUDE, LONGITUDE))
    found: list[list[MapPoint]] = []
    last_ms = None
    for at_ms, latitude, longitude in positions(latitudes, longitudes, {}):
        if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
            continue
        if last_ms is None or at_ms - last_ms > PAUSE_MS:
            found.append([])
        found[-1].append((float(latitude), float(longitude)))
        last_ms = at_ms
    return found


def _column(readings: DriveReadings, path: str) -> tuple[list[int], list[Any]]:
    in_time = sorted(readings.get(path, ()), key=lambda reading: reading[0])
    return [at_ms for at_ms, _ in in_time], [value for _, value in in_time]


def cells(readings: DriveReadings) -> list[tuple[MapPoint, ...]]:
    """The outlines of the cells that an output receives, each once."""
    codes = dict.fromkeys(str(code) for _, code in readings.get(MESH, ()))
    return [outline(code) for code in list(codes)[:CELLS_MAX]]


def drive_map(
    label: str, measured: Sequence[Sequence[MapPoint]], treated: DriveReadings | None
) -> Drawing | None:
    """The map, None if there is no position at all. ``treated`` None: only as measured."""
    known = [] if treated is None else cells(treated)
    exact = [] if treated is None else list(chain.from_iterable(ways(treated)))
    if not measured and not known:
        return None
    frame = _frame(chain.from_iterable([*measured, *known]))
    shapes = [_polygon(frame, cell) for cell in known]
    every = max(1, sum(map(len, measured)) // MAP_POINTS_MAX)
    shapes += [_line(frame, one[::every], dashed=treated is not None) for one in measured]
    shapes += [_dot(frame, point) for point in _thinned(exact)]
    return Drawing(label, MAP_WIDTH, round(frame.height + RULER, 1), [*shapes, *_ruler(frame)])


def _frame(points: Iterable[MapPoint]) -> MapFrame:
    latitudes, longitudes = zip(*points, strict=True)
    south, north = min(latitudes), max(latitudes)
    west, east = min(longitudes), max(longitudes)
    squeeze = cos(radians((south + north) / 2))
    height = max(north - south, SPAN_DEGREES_MIN)
    width = max((east - west) * squeeze, SPAN_DEGREES_MIN)
    inner = MAP_WIDTH - 2 * MARGIN
    scale = min(inner / width, (HEIGHT_MAX - 2 * MARGIN) / height)
    west -= (inner / scale - (east - west) * squeeze) / 2 / squeeze
    return MapFrame(south, west, max(north, south + height), scale)


def _thinned(points: Sequence[MapPoint]) -> Sequence[MapPoint]:
    return points[:: -(-len(points) // MAP_POINTS_MAX) or 1]


def _line(frame: MapFrame, points: Sequence[MapPoint], *, dashed: bool) -> Shape:
    line = {"points": _joined(frame, points), "fill": "none", "stroke": "var(--dim)"}
    dashes = {"stroke-dasharray": "3 3"} if dashed else {}
    return Shape("polyline", {**line, "stroke-width": 1.5, **dashes})


def _polygon(frame: MapFrame, corners: Sequence[MapPoint]) -> Shape:
    mark = {"fill": "var(--mark)", "fill-opacity": 0.25, "stroke": "var(--mark)"}
    return Shape("polygon", {"points": _joined(frame, corners), **mark})


def _joined(frame: MapFrame, points: Sequence[MapPoint]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(frame.place, points))


def _dot(frame: MapFrame, point: MapPoint) -> Shape:
    x, y = frame.place(point)
    return Shape("circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": 2, "fill": "var(--mark)"})


def _ruler(frame: MapFrame) -> tuple[Shape, Shape]:
    """A length for the eye: the largest round one that fits a third of the map."""
    unit = frame.scale / METRES_PER_DEGREE
    lengths = [n * 10**power for power in range(7) for n in (1, 2, 5)]
    metres = max((m for m in lengths if m * unit <= MAP_WIDTH / 3), default=1)
    said = f"{metres // 1000} km" if metres >= 1000 else f"{metres} m"  # noqa: PLR2004  # metres
    y = round(frame.height + RULER - 4, 1)
    end = round(MARGIN + metres * unit, 1)
    bar = {"x1": MARGIN, "y1": y, "x2": end, "y2": y, "stroke": "var(--ink)", "stroke-width": 2}
    return Shape("line", bar), Shape("text", {"x": MARGIN, "y": y - 4}, said)
