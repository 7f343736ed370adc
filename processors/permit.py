"""Permit: which routes are open to a device's readings, at their time and now.

Attribution uses the event's time; permission uses the event's time *and* now, by one and
the same consent: a consent given again later does not open what an older one covered. A
consent that covers a part of an envelope opens none of it: what leaves for one recipient
then never depends on another's consent, and is the same when it is processed again.
If a forbid names the role of the link's person, no ground opens the route; nor from the instant on
at which its last day ends it, whenever the reading was made. A restriction of the person closes the
routes that it means: an objection while it lasts, an erasure for the events of its interval. An
erasure of a part of an envelope closes that part alone: it has to be as if it had never come.
An answer holds for an interval of event times and of nows, so that it can be kept: one for
events that this interval does not hold is about them alone and must not be kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from processors.closing import NOTHING_CLOSED, Closing, Stretch, closing
from processors.people import FOREVER_MS, People
from processors.routes import Route
from telemetry.wire.control import ConsentInterval, LinkInterval, Role

NO_ROUTE: Final = frozenset[int]()


@dataclass(frozen=True, slots=True)
class Permission:
    """Valid for events in ``[from_ms, to_ms)`` judged at nows in ``[now_from_ms, now_to_ms)``."""

    from_ms: int
    to_ms: int
    now_from_ms: int
    now_to_ms: int
    link: LinkInterval | None
    granted: frozenset[int]
    """Indexes of the open routes; empty if no one is linked."""
    barred: frozenset[int]
    """Those that would be open, had no forbid named the role of the link's person."""
    ended: frozenset[int]
    """Those that would be open, had their last day not begun."""
    consents: dict[int, ConsentInterval]
    """The consent on which an open route rests, by route index."""
    objected: frozenset[int] = NO_ROUTE
    """Those that a ground would open, had the person not objected."""
    erased: frozenset[int] = NO_ROUTE
    """Those that a ground would open, were not all these events of the person erased."""
    stretches: tuple[Stretch, ...] = ()
    """If an erasure holds for some of these events only: the stretches that differ in it, one after
    the other. Of an answer that can be kept there are none."""

    def covers(self, first_ms: int, last_ms: int, now_ms: int) -> bool:
        """Whether this answer holds for events from first to last, judged now."""
        return (
            self.from_ms <= first_ms
            and last_ms < self.to_ms
            and self.now_from_ms <= now_ms < self.now_to_ms
        )


def permit(
    people: People,
    routes: Sequence[Route],
    device: str,
    first_ms: int,
    last_ms: int,
    now_ms: int,
) -> Permission:
    """Decide for a device's events from first to last, under the link of the first."""
    link, from_ms, to_ms = people.link_at(device, first_ms)
    if link is None:
        return _nobodys(from_ms, to_ms, FOREVER_MS)
    if now_ms < link.from_ms:
        # A link that is yet to begin holds nothing, however far ahead a device's clock is.
        return _nobodys(from_ms, to_ms, link.from_ms)
    rows = [row for row in people.consents_of(link.subject) if not _empty(row)]
    now_from_ms, now_to_ms = link.from_ms, FOREVER_MS
    for row in rows:
        for edge_ms in (row.from_ms, FOREVER_MS if row.to_ms is None else row.to_ms):
            from_ms, to_ms = _narrow(from_ms, to_ms, edge_ms, first_ms)
            now_from_ms, now_to_ms = _narrow(now_from_ms, now_to_ms, edge_ms, now_ms)
    restrictions = people.restrictions_of(link.subject)
    instants = (first_ms, last_ms, now_ms)
    closed = closing(restrictions, routes, *instants) if restrictions else NOTHING_CLOSED
    for edge_ms in closed.event_edges_ms:
        from_ms, to_ms = _narrow(from_ms, to_ms, edge_ms, first_ms)
    for edge_ms in closed.now_edges_ms:
        now_from_ms, now_to_ms = _narrow(now_from_ms, now_to_ms, edge_ms, now_ms)
    for until_ms in {route.until_ms for route in routes if route.until_ms is not None}:
        now_from_ms, now_to_ms = _narrow(now_from_ms, now_to_ms, until_ms, now_ms)
    holding = [row for row in rows if all(_holds(row, instant) for instant in instants)]
    return Permission(
        from_ms, to_ms, now_from_ms, now_to_ms, link,
        *_judged(routes, link.role, holding, closed, now_ms), closed.stretches,
    )  # fmt: skip


class _Judged(NamedTuple):
    granted: frozenset[int]
    barred: frozenset[int]
    ended: frozenset[int]
    consents: dict[int, ConsentInterval]
    objected: frozenset[int]
    erased: frozenset[int]


def _judged(
    routes: Sequence[Route],
    role: Role,
    holding: Sequence[ConsentInterval],
    closed: Closing,
    now_ms: int,
) -> _Judged:
    """Every route that is open, or would be; one that lacks a consent is in none of them.

    Each is where the first reason that closes it puts it, in the order of ``Withheld``.
    """
    objected: set[int] = set()
    erased: set[int] = set()
    granted: set[int] = set()
    barred: set[int] = set()
    ended: set[int] = set()
    consents: dict[int, ConsentInterval] = {}
    for route in routes:
        consent = None if route.basis.consent is None else _consent_for(route, holding)
        if route.basis.consent is not None and consent is None:
            continue
        if route.index in closed.objected:
            objected.add(route.index)
        elif route.index in closed.erased:
            erased.add(route.index)
        elif role in route.not_for:
            barred.add(route.index)
        elif route.until_ms is not None and now_ms >= route.until_ms:
            ended.add(route.index)
        else:
            granted.add(route.index)
            if consent is not None:
                consents[route.index] = consent
    return _Judged(
        frozenset(granted), frozenset(barred), frozenset(ended), consents,
        frozenset(objected), frozenset(erased),
    )  # fmt: skip


def _nobodys(from_ms: int, to_ms: int, now_to_ms: int) -> Permission:
    return Permission(
        from_ms, to_ms, -FOREVER_MS, now_to_ms, None, NO_ROUTE, NO_ROUTE, NO_ROUTE, {}
    )


def _empty(row: ConsentInterval) -> bool:
    return row.to_ms is not None and row.to_ms <= row.from_ms


def _narrow(from_ms: int, to_ms: int, edge_ms: int, at_ms: int) -> tuple[int, int]:
    if edge_ms <= at_ms:
        return max(from_ms, edge_ms), to_ms
    return from_ms, min(to_ms, edge_ms)


def _holds(row: ConsentInterval, instant_ms: int) -> bool:
    return row.from_ms <= instant_ms and (row.to_ms is None or instant_ms < row.to_ms)


def _consent_for(route: Route, rows: Sequence[ConsentInterval]) -> ConsentInterval | None:
    third_party = route.basis.consent == "third_party"
    for row in rows:
        names_recipient = row.recipient == route.output.recipient
        if (
            row.purpose == route.output.purpose
            and row.basis == route.basis.consent
            and row.notice == route.basis.notice
            and (names_recipient or (row.recipient is None and not third_party))
        ):
            return row
    return None
