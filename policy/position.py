"""Position needs more than one signal's rule: meshes take pairs, and leave the house coarse."""

from typing import Final

from policy.operations import (
    H3_AS_COARSE_AS,
    Drop,
    Mesh,
    MeshH3,
    MeshJis,
    Operation,
    Unsupported,
)
from policy.words import Exact, Space
from telemetry.record import LATITUDE, LONGITUDE
from telemetry.signals import Kind, Signal

PAIR: Final = (LATITUDE, LONGITUDE)


def mesh_in(operations: tuple[Operation, ...]) -> Mesh | None:
    """The mesh among the operations, if any."""
    return next((op for op in operations if isinstance(op, Mesh)), None)


def withholds(operations: tuple[Operation, ...]) -> bool:
    """Whether these operations let nothing through."""
    return any(isinstance(op, Drop | Unsupported) for op in operations)


def placed(
    signal: Signal, space: Space, operations: tuple[Operation, ...]
) -> tuple[Operation, ...]:
    """The operations of a cell's signal with what the cell's space adds for positions."""
    if signal.kind is not Kind.POSITION or isinstance(space, Exact) or withholds(operations):
        return operations
    if isinstance(space, Unsupported):
        return (*operations, space)
    return (*operations, space) if signal.path in PAIR else operations


def as_coarse_as(mesh: Mesh | None, needed: Space) -> bool:
    """Whether a treatment is no finer than a precision's space; None is an exact position."""
    match mesh, needed:
        case _, Exact():
            return True
        case MeshJis(size_m, elsewhere), MeshJis(least_m, least_elsewhere):
            enough = size_m >= least_m and (least_elsewhere or not elsewhere)
        case MeshH3(resolution), MeshH3(finest):
            enough = resolution <= finest
        case MeshH3(resolution), MeshJis(least_m):
            enough = resolution <= H3_AS_COARSE_AS[least_m]
        case MeshJis(size_m), MeshH3(finest):
            enough = H3_AS_COARSE_AS[size_m] < finest
        case _:
            enough = False
    return enough
