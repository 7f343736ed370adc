"""Which routes may be open to a device between two instants: asked of ``permit``, as a worker asks.

In: people, the routes of the versions in force meanwhile, a device. Out: the routes that are open
to some event of that time judged at some instant of it, and when the answer may be another. Pure.
Each answer of ``permit`` holds for events and for nows of an interval; what lies between the two
instants is covered by as many answers as it takes.
"""

from collections.abc import Sequence
from typing import NamedTuple

from policy.plan.plan import Plan
from processors.people import People
from processors.permit import permit
from processors.routes import Route


class Period(NamedTuple):
    """A version of the policy, and since when and until when it decides."""

    from_ms: int
    until_ms: int
    plan: Plan
    routes: tuple[Route, ...]


class Open(NamedTuple):
    """What may be open to a device."""

    routes: frozenset[tuple[int, int]]
    """Place of the period, index of the route."""
    link: str | None
    """The link that holds at the beginning."""
    next_ms: int
    """From then on the answer may be another; never later than the end of the time asked about."""


def open_to(
    people: People, periods: Sequence[Period], device: str, from_ms: int, until_ms: int
) -> Open:
    """What is open to events of ``[from_ms, until_ms)`` judged within it; nothing if unregistered.

    Events before a device's registration are never admitted.
    """
    registered_ms = people.registered_ms(device)
    link, _, _ = people.link_at(device, from_ms)
    name = None if link is None else link.link
    if registered_ms is None:
        return Open(frozenset(), name, until_ms)
    found, edges = set[tuple[int, int]](), {until_ms}
    edges |= {edge for edge in (registered_ms,) if from_ms < edge}
    services = people.services(device)
    for place, period in enumerate(periods):
        # What is out of scope is rejected before anybody is asked whose it is.
        if not all(map(period.plan.takes_service, services)):
            edges |= {edge for edge in (period.from_ms, period.until_ms) if from_ms < edge}
            continue
        edges |= {edge for edge in (period.from_ms, period.until_ms) if from_ms < edge}
        event_ms = max(from_ms, registered_ms)
        while event_ms < until_ms:
            next_event_ms, now_ms = until_ms, max(from_ms, period.from_ms)
            while now_ms < min(until_ms, period.until_ms):
                answer = permit(people, period.routes, device, event_ms, event_ms, now_ms)
                found |= {(place, index) for index in answer.granted}
                edges |= {answer.to_ms, answer.now_to_ms}
                next_event_ms = min(next_event_ms, answer.to_ms)
                now_ms = answer.now_to_ms
            event_ms = next_event_ms
    return Open(frozenset(found), name, min(edges))
