"""What is admitted of one envelope, and how it is divided among the owners of its readings."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

from telemetry.identity import MASK
from telemetry.outcome import Rejected
from telemetry.wire.record import Series

Singles = Mapping[str, AbstractSet[tuple[int, int]]]
"""Latitudes and longitudes whose other half was lost, at times that stood several times: by path,
(ms after t0, which of the column's readings at that time)."""


@dataclass(slots=True, repr=False)
class Admitted:
    """An envelope's admitted readings as typed columns, by signal path."""

    id: str
    content: bytes
    """The digest of what the envelope says: of this, and not of its id alone, records are named."""
    device: str
    t0_ms: int
    trip_started_ms: int | None
    columns: dict[str, Series] = field(default_factory=dict)
    trouble_codes: list[str] = field(default_factory=list)
    not_collected: int = 0
    rejected: Counter[Rejected] = field(default_factory=Counter)
    singles: Singles = field(default_factory=dict)
    said: int = 0
    """Readings of the envelope, those included that are not admitted."""
    first_ms: int = 0
    """No reading of the envelope, and not its t0, lies before."""

    def __repr__(self) -> str:
        return f"Admitted({MASK})"

    @property
    def span_ms(self) -> tuple[int, int] | None:
        """First and last event time, None if nothing is left."""
        deltas = [delta for column in self.columns.values() for delta in column.dt]
        if self.trouble_codes:
            deltas.append(0)
        return (self.t0_ms + min(deltas), self.t0_ms + max(deltas)) if deltas else None

    def split(self, at_ms: int) -> "tuple[Admitted, Admitted]":
        """The readings before an instant, and those from it on; counts stay behind."""
        return self.only(lambda event_ms: event_ms < at_ms), self.only(lambda one: one >= at_ms)

    def only(self, holds: Callable[[int], bool]) -> "Admitted":
        """The readings at the instants (ms UTC) for which ``holds``; counts stay behind."""
        columns = {}
        for path, column in self.columns.items():
            mine = [
                (delta, value)
                for delta, value in zip(column.dt, column.value, strict=True)
                if holds(self.t0_ms + delta)
            ]
            if mine:
                columns[path] = series_of(column.unit, mine)
        codes = self.trouble_codes if holds(self.t0_ms) else []
        some = replace(
            self, columns=columns, trouble_codes=codes, not_collected=0, rejected=Counter()
        )
        return some if codes else some.begun_by_itself()

    def begun_by_itself(self) -> "Admitted":
        """The same readings, counted from the first of them: no t0 ties two owners together."""
        span = self.span_ms
        if span is None:
            return self
        into_ms = span[0] - self.t0_ms
        columns = {
            path: Series(column.unit, [delta - into_ms for delta in column.dt], column.value)
            for path, column in self.columns.items()
        }
        singles = {
            path: frozenset((delta - into_ms, place) for delta, place in found)
            for path, found in self.singles.items()
        }
        return replace(self, t0_ms=span[0], columns=columns, singles=singles)


def series_of(unit: str, readings: Iterable[tuple[int, Any]]) -> Series:
    """The column of readings (ms after t0, value)."""
    column = Series(unit, [], [])
    for delta, value in readings:
        column.dt.append(delta)
        column.value.append(value)
    return column
