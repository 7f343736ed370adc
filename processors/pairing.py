"""Positions out of two columns: paired first, then thinned, then made cells.

A latitude and a longitude belong together if they have one time. Pairing comes first because
a reading lost on one side would otherwise shift which readings are kept on the other.
"""

from collections import Counter
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from processors.admission.admitted import Singles
from processors.choices import Chosen
from processors.column_plan import MeshStep
from telemetry.wire.record import LATITUDE, LONGITUDE

Times = list[list[int]]
Values = list[list[Any]]
Column = tuple[list[int], list[Any]]


class Position(NamedTuple):
    """Both coordinates of one time (ms after t0), in degrees."""

    dt: int
    latitude: Any
    longitude: Any


def positions(
    latitudes: Column,
    longitudes: Column,
    singles: Singles,
) -> list[Position]:
    """The pairs of two columns (times, values), in the latitudes' order.

    A time that stands several times pairs, in order, only if both sides have it equally often,
    those aside whose other half was lost. Else a position would be made that never was.
    """
    if singles:
        latitudes = _without(latitudes, singles.get(LATITUDE, frozenset()))
        longitudes = _without(longitudes, singles.get(LONGITUDE, frozenset()))
    if latitudes[0] == longitudes[0]:
        return [*map(Position, *latitudes, longitudes[1])]
    at: dict[int, list[Any]] = {}
    for delta, longitude in zip(*longitudes, strict=True):
        at.setdefault(delta, []).append(longitude)
    often = Counter(latitudes[0])
    found = []
    used = Counter[int]()
    for delta, latitude in zip(*latitudes, strict=True):
        there = at.get(delta, ())
        if len(there) == often[delta]:
            found.append(Position(delta, latitude, there[used[delta]]))
            used[delta] += 1
    return found


def _without(column: Column, singles: AbstractSet[tuple[int, int]]) -> Column:
    often = Counter[int]()
    kept: Column = ([], [])
    for delta, value in zip(*column, strict=True):
        if (delta, often[delta]) not in singles:
            kept[0].append(delta)
            kept[1].append(value)
        often[delta] += 1
    return kept


def add_cells(
    job: MeshStep,
    times: Times,
    values: Values,
    singles: Singles,
    chosen: Chosen | None,
    row: list[int],
) -> list[int]:
    """Add one register: the cells of the two it names; what is lost is added to ``row``.

    Returns the times of positions kept back for what was not rebuilt.
    """
    latitudes = _register(job.latitude, times, values)
    longitudes = _register(job.longitude, times, values)
    pairs = positions(latitudes, longitudes, singles)
    row[job.unpaired_slots[0]] += len(latitudes[0]) - len(pairs)
    row[job.unpaired_slots[1]] += len(longitudes[0]) - len(pairs)
    staying: list[Position] = pairs
    unsure: list[int] = []
    if job.rule is not None:
        staying = [] if chosen is None else [pairs[place] for place in chosen.kept]
        unsure = [] if chosen is None else [pairs[place].dt for place in chosen.not_rebuilt]
        for slot in job.thinned_slots:
            row[slot] += len(pairs) - len(staying) - len(unsure)
        for slot in job.not_rebuilt_slots:
            row[slot] += len(unsure)
    cells = [(delta, job.cell(latitude, longitude)) for delta, latitude, longitude in staying]
    kept = [(delta, cell) for delta, cell in cells if cell is not None]
    for slot in job.off_grid_slots:
        row[slot] += len(cells) - len(kept)
    times.append([delta for delta, _ in kept])
    values.append([cell for _, cell in kept])
    return unsure


def _register(number: int, times: Times, values: Values) -> Column:
    return ([], []) if number < 0 else (times[number], values[number])
