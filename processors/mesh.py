"""Grid cells of a position: JIS X 0410 regional meshes, and H3."""

from collections.abc import Callable
from typing import assert_never

from policy.vocabulary.operations import H3_AS_COARSE_AS, JisSize, Mesh, MeshH3, MeshJis
from telemetry.grids import h3_cell, jis_mesh

CellOf = Callable[[float, float], str | None]


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
