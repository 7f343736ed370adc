"""Operations carried out on columns: one function per distinct chain, shared by all outputs.

A column function takes a list and returns a new one of equal length; a thinning takes
times and values and returns shorter ones. Neither changes what it is given.
"""

from collections.abc import Callable, Sequence
from math import floor
from typing import Any, assert_never

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
Thinning = Callable[[int, list[int], Values], tuple[list[int], Values]]
"""(t0_ms, dt, value) -> (dt, value), in the same order."""


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
    # floor(x), because x // 1 is slower.
    match operation:
        case Keep():
            return None
        case Bucket(width):
            wide = _plain(width)
            return lambda values: [floor(x / width) * wide for x in values]
        case Round(step):
            parts = round(1 / step)
            if parts >= 1 and 1 / step == parts:
                return lambda values: [floor(x * parts + 0.5) / parts for x in values]
            wide = _plain(step)
            return lambda values: [floor(x / step + 0.5) * wide for x in values]
        case _:
            assert_never(operation)


def _plain(number: float) -> float:
    """The same number, whole if it can be: whole numbers are written faster and shorter."""
    return int(number) if number == int(number) else number


def thinning(operation: ThinOperation) -> Thinning:
    """The function that keeps fewer readings of a column."""
    match operation:
        case ThinCount(one_in):
            return lambda _t0_ms, dt, value: (dt[::one_in], value[::one_in])
        case ThinTime(every_ms):
            return lambda t0_ms, dt, value: _first_per_bin(every_ms, t0_ms, dt, value)
        case _:
            assert_never(operation)


def _first_per_bin(
    every_ms: int, t0_ms: int, dt: list[int], value: Values
) -> tuple[list[int], Values]:
    first: dict[int, int] = {}
    for index, delta_ms in enumerate(dt):
        first.setdefault((t0_ms + delta_ms) // every_ms, index)
    kept = sorted(first.values())
    return [dt[i] for i in kept], [value[i] for i in kept]


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
    """The column's unit: the grid and its size."""
    match mesh:
        case MeshH3(resolution):
            return f"h3-{resolution}"
        case MeshJis(size_m, elsewhere):
            abroad = f" or h3-{H3_AS_COARSE_AS[size_m]}" if elsewhere else ""
            return f"jis-{size_m}m{abroad}"
        case _:
            assert_never(mesh)
