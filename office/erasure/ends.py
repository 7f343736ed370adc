"""When lives end that end with an event: by lane, so many days after a contract ended. Pure.

An event only shortens: each row keeps its own ``expires_at``, and goes on the day that is found
here if that comes first. Periods are maxima, so the day counts from its beginning.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from policy.plan.plan import Lane, Plan
from policy.vocabulary.periods import add_period
from policy.vocabulary.terms import Period
from telemetry.instants import DAY_MS


class LaneEnd(NamedTuple):
    """From ``due_ms`` on nothing of the lane is kept that was recorded before the event."""

    output: str
    lane: str
    due_ms: int
    """The beginning of a day, UTC, in milliseconds."""


def lane_ends(kind: str, at_ms: int, plans: Sequence[Plan]) -> list[LaneEnd]:
    """The lanes whose lives this kind of event ends, and when.

    ``plans``: those that are in force or were, the newest last. A lane has the period that the
    newest gives it, and one that none has any more the last that it had. If cells of one lane
    differ, rows do not say which is theirs: the shortest counts.
    """
    found: dict[tuple[str, str], LaneEnd] = {}
    seen: set[tuple[str, str]] = set()
    for plan in reversed(plans):
        for output, lane in _lanes(plan):
            if (output, lane.name) in seen:
                continue
            seen.add((output, lane.name))
            periods = list(_after(plan, lane)) if lane.trigger == kind else []
            if periods:
                due_ms = _due(at_ms, periods, lane.at_least)
                found[output, lane.name] = LaneEnd(output, lane.name, due_ms)
    return sorted(found.values())


def _lanes(plan: Plan) -> Iterator[tuple[str, Lane]]:
    return ((output.id, lane) for output in plan.outputs for lane in output.lanes)


def _after(plan: Plan, lane: Lane) -> Iterator[Period]:
    """How long after the event each cell of a lane is kept."""
    for name in dict.fromkeys(rule.cell for rule in lane.rules):
        cell = plan.cell(name)
        if cell is not None and cell.retention.after_event is not None:
            yield cell.retention.after_event


def _due(at_ms: int, periods: Sequence[Period], at_least: Period | None) -> int:
    """The day on which the shortest period is over; none before a statutory minimum is.

    The minimum counts from each reading, and no reading that is meant is later than the event.
    """
    due_ms = min(add_period(at_ms, period) for period in periods)
    if at_least is None:
        return due_ms - due_ms % DAY_MS
    least_ms = add_period(at_ms, at_least)
    # Rounded up: the law's minimum may not be cut.
    return max(due_ms - due_ms % DAY_MS, least_ms + -least_ms % DAY_MS)
