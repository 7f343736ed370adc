"""Grid cells of a position, JIS X 0410 regional meshes and H3: from a position, and to corners."""

import re
from typing import Final

import h3

from telemetry.decimals import steps_of

JIS_LATITUDES: Final = (20.0, 46.0)
JIS_LONGITUDES: Final = (122.0, 154.0)
"""The area in which the standard has cells, in degrees; the upper edge is outside."""
Corner = tuple[float, float]
"""Latitude and longitude in degrees."""

_SECOND_LEVEL: Final = (1 / 12, 1 / 8)
"""A second-level cell's height and width in degrees: 5 and 7.5 minutes."""
_UNITS: Final = 28_800
"""Eighths of a second of arc in a degree."""
_to_units: Final = steps_of(1, _UNITS)
_LENGTH_OF: Final = {10_000: 6, 1_000: 8, 500: 9, 250: 10}
"""Digits of a code by the size of its cell in metres."""
_CODE_LENGTHS: Final = tuple(_LENGTH_OF.values())
_JIS: Final = re.compile(r"[0-9]{4}[0-7]{2}([0-9]{2}[1-4]{0,2})?")


def outline(cell: str) -> tuple[Corner, ...]:
    """The corners in order; ValueError if the code is of neither grid."""
    if cell.isdecimal() and len(cell) in _CODE_LENGTHS:
        south, west, height, width = _jis(cell)
        north, east = south + height, west + width
        return ((south, west), (south, east), (north, east), (north, west))
    if h3.is_valid_cell(cell):
        return tuple(h3.cell_to_boundary(cell))
    msg = "this is a cell of no known grid"
    raise ValueError(msg)


def _jis(code: str) -> tuple[float, float, float, float]:
    """South and west edge, height and width in degrees (JIS X 0410)."""
    height, width = _SECOND_LEVEL
    south = int(code[:2]) / 1.5 + int(code[4]) * height
    west = int(code[2:4]) + 100 + int(code[5]) * width
    if len(code) > _CODE_LENGTHS[0]:
        height, width = height / 10, width / 10
        south += int(code[6]) * height
        west += int(code[7]) * width
    for quarter in code[8:]:
        height, width = height / 2, width / 2
        up, right = divmod(int(quarter) - 1, 2)
        south += up * height
        west += right * width
    if not (JIS_LATITUDES[0] <= south < JIS_LATITUDES[1]) or west < JIS_LONGITUDES[0]:
        msg = "this is a cell of no known grid"
        raise ValueError(msg)
    return south, west, height, width


def is_h3_cell(code: str, resolution: int) -> bool:
    """Whether a text is an H3 index of this resolution, as ``h3_cell`` writes it."""
    return code == code.lower() and h3.is_valid_cell(code) and h3.get_resolution(code) == resolution


def is_jis_mesh(code: str, size_m: int) -> bool:
    """Whether a text is a JIS X 0410 code of this size, as ``jis_mesh`` writes it."""
    if len(code) != _LENGTH_OF[size_m] or _JIS.fullmatch(code) is None:
        return False
    try:
        _jis(code)
    except ValueError:
        return False
    return True


def h3_cell(latitude: float, longitude: float, resolution: int) -> str:
    """The H3 index of a place, as hexadecimal text."""
    return str(h3.latlng_to_cell(latitude, longitude, resolution))


def jis_mesh(latitude: float, longitude: float, size_m: int) -> str | None:
    """The JIS X 0410 code of 6 (10 km), 8 (1 km), 9 (500 m) or 10 (250 m) digits.

    A second-level cell is 5' by 7'30", a third-level one 30" by 45", then halves.
    Integer arithmetic in 1/8 seconds of arc, on the degrees as they are written, so that an
    edge belongs to one cell only: the one to its north and east.
    """
    if not (
        JIS_LATITUDES[0] <= latitude < JIS_LATITUDES[1]
        and JIS_LONGITUDES[0] <= longitude < JIS_LONGITUDES[1]
    ):
        return None
    north, east = _to_units(latitude), _to_units(longitude) - 100 * _UNITS
    first_north, north = divmod(north, 19_200)
    first_east, east = divmod(east, _UNITS)
    second_north, north = divmod(north, 2_400)
    second_east, east = divmod(east, 3_600)
    code = f"{first_north:02d}{first_east:02d}{second_north}{second_east}"
    if size_m == 10_000:  # noqa: PLR2004  # the standard's second level
        return code
    third_north, north = divmod(north, 240)
    third_east, east = divmod(east, 360)
    code += f"{third_north}{third_east}"
    for edge_m, half_north, half_east in ((500, 120, 180), (250, 60, 90)):
        if size_m > edge_m:
            break
        up, north = divmod(north, half_north)
        right, east = divmod(east, half_east)
        code += str(1 + right + 2 * up)
    return code
