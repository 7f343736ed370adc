"""Operations carried out on columns: one function per distinct chain, shared by all outputs.

A column function takes a list and returns a new one of equal length; a thinning takes
times and returns which readings stay. Neither changes what it is given.
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
    ThinCount,
    ThinTime,
)
from policy.vocabulary.operations import Thin as ThinOperation
from telemetry.grids import h3_cell, jis_mesh

Values = list[Any]
Valued = Keep | Coarsening
"""Operations that leave each reading its own value."""
ColumnFunction = Callable[[Values], Values]
Thinning = Callable[[int, list[int]], Sequence[int]]
"""(t0_ms, dt) -> the places of the readings that are kept, in the order of time."""


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


def thinning(operation: ThinOperation) -> Thinning:
    """The function that chooses fewer readings of a column, first in time."""
    match operation:
        case ThinCount(one_in):
            return lambda _t0_ms, dt: _in_time(dt)[::one_in]
        case ThinTime(every_ms):
            return lambda t0_ms, dt: _first_per_bin(every_ms, t0_ms, dt)
        case _:
            assert_never(operation)


def _in_time(dt: list[int]) -> Sequence[int]:
    """Indexes in the order of time: a device may send an older reading later."""
    places = range(len(dt))
    return places if dt == sorted(dt) else sorted(places, key=dt.__getitem__)


def _first_per_bin(every_ms: int, t0_ms: int, dt: list[int]) -> Sequence[int]:
    first: dict[int, int] = {}
    for place in _in_time(dt):
        first.setdefault((t0_ms + dt[place]) // every_ms, place)
    return list(first.values())


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
