"""Grid cells of a position: JIS X 0410 regional meshes, and H3."""

from collections.abc import Callable
from typing import assert_never

import h3

from policy.operations import H3_AS_COARSE_AS, JisSize, Mesh, MeshH3, MeshJis

CellOf = Callable[[float, float], str | None]

JIS_LATITUDES = (20.0, 46.0)
JIS_LONGITUDES = (122.0, 154.0)


def cell_of(mesh: Mesh) -> CellOf:
    """The function (latitude, longitude in degrees) -> cell, None outside the grid."""
    match mesh:
        case MeshH3(resolution):
            return lambda latitude, longitude: h3_cell(latitude, longitude, resolution)
        case MeshJis(size_m, elsewhere):
            return _jis_cell_of(size_m, elsewhere=elsewhere)
        case _:
            assert_never(mesh)


def _jis_cell_of(size_m: JisSize, *, elsewhere: bool) -> CellOf:
    if not elsewhere:
        return lambda latitude, longitude: jis_mesh(latitude, longitude, size_m)
    abroad = H3_AS_COARSE_AS[size_m]
    return lambda latitude, longitude: (
        jis_mesh(latitude, longitude, size_m) or h3_cell(latitude, longitude, abroad)
    )


def grid_name(mesh: Mesh) -> str:
    """What the column's unit says: the grid and its size."""
    match mesh:
        case MeshH3(resolution):
            return f"h3-{resolution}"
        case MeshJis(size_m, elsewhere):
            abroad = f" or h3-{H3_AS_COARSE_AS[size_m]}" if elsewhere else ""
            return f"jis-{size_m}m{abroad}"
        case _:
            assert_never(mesh)


def h3_cell(latitude: float, longitude: float, resolution: int) -> str:
    """The H3 index of a place, as hexadecimal text."""
    return str(h3.latlng_to_cell(latitude, longitude, resolution))


def jis_mesh(latitude: float, longitude: float, size_m: int) -> str | None:
    """The JIS X 0410 code of 6 (10 km), 8 (1 km), 9 (500 m) or 10 (250 m) digits.

    A second-level cell is 5' by 7'30", a third-level one 30" by 45", then halves.
    Integer arithmetic in 1/8 seconds of arc, so that an edge belongs to one cell only.
    """
    if not (
        JIS_LATITUDES[0] <= latitude < JIS_LATITUDES[1]
        and JIS_LONGITUDES[0] <= longitude < JIS_LONGITUDES[1]
    ):
        return None
    north, east = int(latitude * 28_800), int((longitude - 100) * 28_800)
    first_north, north = divmod(north, 19_200)
    first_east, east = divmod(east, 28_800)
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
