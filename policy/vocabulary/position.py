"""Position needs more than one signal's rule: meshes take pairs, and leave the company coarse."""

from typing import assert_never

from policy.vocabulary.operations import (
    H3_AS_COARSE_AS,
    PAIR,
    JisSize,
    Mesh,
    MeshH3,
    MeshJis,
    Operation,
    Unsupported,
    parts_of,
)
from policy.vocabulary.words import Exact, Space
from telemetry.signals import Kind, Signal

__all__ = [
    "PAIR",
    "as_coarse_as",
    "grid_name",
    "is_cell_of",
    "mesh_in",
    "mesh_of",
    "placed",
    "withholds",
]


def mesh_in(operations: tuple[Operation, ...]) -> Mesh | None:
    """The mesh among the operations, if any."""
    return next(iter(parts_of(operations).meshes), None)


def mesh_of(space: Space) -> Mesh | None:
    """The grid on which a space puts positions, if any."""
    match space:
        case MeshJis() | MeshH3():
            return space
        case Exact() | Unsupported():
            return None
        case _:
            assert_never(space)


def grid_name(mesh: Mesh) -> str:
    """The column's unit: the grid and its size."""
    match mesh:
        case MeshH3(resolution):
            return f"h3-{resolution}"
        case MeshJis(size_m, elsewhere):
            abroad = f" or h3-{H3_AS_COARSE_AS[size_m]}" if elsewhere else ""
            return f"jis-{size_m}m{abroad}"
        case _:
            assert_never(mesh)


def is_cell_of(mesh: Mesh, cell: str) -> bool:
    """Whether a text is a cell of exactly this grid and size."""
    from telemetry.grids import is_h3_cell, is_jis_mesh  # noqa: PLC0415  # h3 is heavy; a sink asks

    match mesh:
        case MeshH3(resolution):
            return is_h3_cell(cell, resolution)
        case MeshJis(size_m, elsewhere):
            abroad = elsewhere and is_h3_cell(cell, H3_AS_COARSE_AS[size_m])
            return abroad or is_jis_mesh(cell, size_m)
        case _:
            assert_never(mesh)


def withholds(operations: tuple[Operation, ...]) -> bool:
    """Whether these operations let nothing through."""
    return bool(parts_of(operations).withholding)


def placed(
    signal: Signal, space: Space, operations: tuple[Operation, ...]
) -> tuple[Operation, ...]:
    """The operations of a cell's signal with what the cell's space adds for positions."""
    if signal.kind is not Kind.POSITION or withholds(operations):
        return operations
    match space:
        case Exact():
            return operations
        case Unsupported():
            return (*operations, space)
        case MeshJis() | MeshH3():
            return (*operations, space) if signal.path in PAIR else operations
        case _:
            assert_never(space)


def as_coarse_as(mesh: Mesh | None, needed: Space) -> bool:
    """Whether a treatment is no finer than a precision's space; None is an exact position."""
    match needed:
        case Exact():
            return True
        case Unsupported():
            return False
        case MeshJis(least_m, least_elsewhere):
            return _as_coarse_as_jis(mesh, least_m, elsewhere=least_elsewhere)
        case MeshH3(finest):
            return _as_coarse_as_h3(mesh, finest)
        case _:
            assert_never(needed)


def _as_coarse_as_jis(mesh: Mesh | None, least_m: JisSize, *, elsewhere: bool) -> bool:
    match mesh:
        case None:
            return False
        case MeshJis(size_m):
            return size_m >= least_m and (elsewhere or not mesh.elsewhere)
        case MeshH3(resolution):
            return resolution <= H3_AS_COARSE_AS[least_m]
        case _:
            assert_never(mesh)


def _as_coarse_as_h3(mesh: Mesh | None, finest: int) -> bool:
    match mesh:
        case None:
            return False
        case MeshJis(size_m):
            return H3_AS_COARSE_AS[size_m] < finest
        case MeshH3(resolution):
            return resolution <= finest
        case _:
            assert_never(mesh)
