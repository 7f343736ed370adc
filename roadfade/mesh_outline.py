"""The outline of a grid cell on the map: a JIS X 0410 code or an H3 cell to its corners."""

from typing import Final

import h3

from processors.mesh import JIS_LATITUDES, JIS_LONGITUDES

Corner = tuple[float, float]
"""Latitude and longitude in degrees."""

_SECOND_LEVEL: Final = (1 / 12, 1 / 8)
"""A second-level cell's height and width in degrees: 5 and 7.5 minutes."""
_CODE_LENGTHS: Final = (6, 8, 9, 10)


def outline(cell: str) -> tuple[Corner, ...]:
    """The corners in order; ValueError where the code is of neither grid."""
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
