"""Operations carried out on columns: one function per distinct chain, shared by all outputs.

A column function takes a list, leaves it as it is, and returns a new one of equal length. Which
readings there are is no matter of a column alone: see ``thinning``.
"""

from collections.abc import Callable, Sequence
from typing import Any, assert_never

from policy.vocabulary.multiples import below, nearest
from policy.vocabulary.operations import (
    H3_AS_COARSE_AS,
    Bucket,
    Coarsening,
    JisSize,
    Keep,
    Mesh,
    MeshH3,
    MeshJis,
    Round,
)
from telemetry.grids import h3_cell, jis_mesh

Values = list[Any]
Valued = Keep | Coarsening
"""Operations that leave each reading its own value."""
ColumnFunction = Callable[[Values], Values]


def column_function(operations: Sequence[Valued]) -> ColumnFunction | None:
    """The value part of a chain, or None if it leaves values as they are."""
    steps = [step for operation in operations if (step := _step(operation)) is not None]
    if not steps:
        return None
    if len(steps) == 1:
        return steps[0]

    def chained(values: Values) -> Values:
        for step in steps:
            values = step(values)
        return values

    return chained


def _step(operation: Valued) -> ColumnFunction | None:
    """The meaning of ``operations.apply`` on a list."""
    match operation:
        case Keep():
            return None
        case Bucket(width):
            return below(width)
        case Round(step):
            return nearest(step)
        case _:
            assert_never(operation)


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
