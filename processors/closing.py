"""Which routes a person's restrictions close, and when: by now, or by the time of events.

In: restrictions, routes, a span of events and now. Out: the routes that an objection closes now;
those of which every event of the span is erased; and, if an erasure holds for a part of the span
only, the stretches that it divides the span into. Pure.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from processors.people import FOREVER_MS
from processors.routes import Route
from telemetry.wire.control import Restriction


class Stretch(NamedTuple):
    """Events in ``[from_ms, until_ms)``, and the routes for which they are erased."""

    from_ms: int
    until_ms: int
    erased: frozenset[int]

    def holds(self, event_ms: int) -> bool:
        """Whether an event is one of these."""
        return self.from_ms <= event_ms < self.until_ms


class Closing(NamedTuple):
    """What is closed, by route index; and the edges between which that stays so."""

    objected: frozenset[int] = frozenset()
    erased: frozenset[int] = frozenset()
    """Throughout the span."""
    stretches: tuple[Stretch, ...] = ()
    """Empty if the whole span is erased for the same routes."""
    now_edges_ms: Sequence[int] = ()
    event_edges_ms: Sequence[int] = ()


NOTHING_CLOSED: Final = Closing()


def closing(
    restrictions: Sequence[Restriction],
    routes: Sequence[Route],
    first_ms: int,
    last_ms: int,
    now_ms: int,
) -> Closing:
    """What these restrictions of one person close for events from first to last, judged now."""
    meant = {
        row: mine
        for row in restrictions
        if not _empty(row) and (mine := {p.index for p in routes if _means(row, p)})
    }
    if not meant:
        return NOTHING_CLOSED
    objections = [row for row in meant if row.reason == "objected"]
    erasures = [row for row in meant if row.reason == "erased"]
    event_edges_ms = [edge_ms for row in erasures for edge_ms in _edges(row)]
    cuts = sorted({edge_ms for edge_ms in event_edges_ms if first_ms < edge_ms <= last_ms})
    stretches = tuple(
        Stretch(from_ms, until_ms, _of(meant, erasures, max(from_ms, first_ms)))
        for from_ms, until_ms in pairwise([-FOREVER_MS, *cuts, FOREVER_MS])
    )
    throughout = frozenset.intersection(*(one.erased for one in stretches))
    alike = all(one.erased == throughout for one in stretches)
    return Closing(
        _of(meant, objections, now_ms),
        throughout,
        () if alike else stretches,
        [edge_ms for row in objections for edge_ms in _edges(row)],
        event_edges_ms,
    )


def routes_by_stretches(
    stretches: Sequence[Stretch], routes: frozenset[int]
) -> dict[tuple[Stretch, ...], frozenset[int]]:
    """The routes of which some events leave, by the stretches that are not erased for them."""
    found: dict[tuple[Stretch, ...], set[int]] = {}
    for route in sorted(routes):
        open_ = tuple(one for one in stretches if route not in one.erased)
        found.setdefault(open_, set()).add(route)
    return {open_: frozenset(mine) for open_, mine in found.items()}


def _of(
    meant: dict[Restriction, set[int]], rows: Sequence[Restriction], instant_ms: int
) -> frozenset[int]:
    """The routes that those of the rows mean which hold at an instant."""
    return frozenset[int]().union(*(meant[row] for row in rows if _holds(row, instant_ms)))


def _means(row: Restriction, route: Route) -> bool:
    output = route.output
    return row.purpose in (None, output.purpose) and row.recipient in (None, output.recipient)


def _empty(row: Restriction) -> bool:
    return row.to_ms is not None and row.to_ms <= row.from_ms


def _holds(row: Restriction, instant_ms: int) -> bool:
    return row.from_ms <= instant_ms and (row.to_ms is None or instant_ms < row.to_ms)


def _edges(row: Restriction) -> Iterator[int]:
    yield row.from_ms
    if row.to_ms is not None:
        yield row.to_ms
