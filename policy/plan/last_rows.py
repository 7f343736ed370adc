"""When the last row that a plan could make of a reading has ended; how long registers keep. Pure.

A row's life starts at the earliest of reading, reception and now, so that nothing that comes late
lives longer than what came in time. Grains and floors of time only shorten it, and settings may
change them: they are left out, and what is found here is never too early.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from policy.plan.cells import PlanCell
from policy.plan.plan import Output, Plan
from policy.vocabulary.periods import add_period, shortest_ms
from policy.vocabulary.terms import Period
from telemetry.instants import DAY_MS, to_datetime

NOBODY: Final = "none"
"""The identity of a cell whose records name nobody."""


def rows_end_ms(outputs: Iterable[Output], event_ms: int) -> int | None:
    """No row of a reading of ``event_ms`` or before lives then, milliseconds UTC.

    None if no output has a lane: nothing says how long a row lives.
    """
    periods = {lane.period for output in outputs for lane in output.lanes}
    return max((_latest_ms(event_ms, period) for period in periods), default=None)


def transit_ms(plans: Iterable[Plan], outputs: Iterable[Output]) -> int:
    """For how long a reading may wait in the raw topic, and what became of it in an output's."""
    raw_ms = max((plan.raw.bound_ms for plan in plans), default=0)
    return raw_ms + max((output.transport.bound_ms for output in outputs), default=0)


def in_force(plans: Iterable[Plan], now_ms: int) -> list[Plan]:
    """Those that are in force or were: one that is announced decides nothing yet."""
    return [plan for plan in plans if plan.effective_ms <= now_ms]


def period_after(event: str, plans: Sequence[Plan], now_ms: int) -> Period | None:
    """How long registers keep what ends with an event; None: no version in force so far says.

    Cells that name nobody do not count: no register of people is kept for them. The newest such
    version that has such a cell counts, of several cells the longest. ``plans``: the newest last.
    """
    for plan in reversed(in_force(plans, now_ms)):
        periods = [
            cell.retention.at_most
            for cell in plan.cells
            if cell.retention.trigger == event and _of_registers(cell) and cell.identity != NOBODY
        ]
        if periods:
            return max(periods, key=shortest_ms)
    return None


def evidence_period(event: str, plans: Sequence[Plan], now_ms: int) -> Period | None:
    """How long after an event records that name nobody are kept; None: none are.

    The version in force alone counts, of several cells the longest: what it does not ask for is
    not kept, whatever an earlier one said. ``plans``: the newest last.
    """
    periods = [
        cell.retention.at_most
        for plan in in_force(plans, now_ms)[-1:]
        for cell in plan.cells
        if cell.retention.trigger == event and _of_registers(cell) and cell.identity == NOBODY
    ]
    return max(periods, key=shortest_ms, default=None)


def _of_registers(cell: PlanCell) -> bool:
    return cell.delivery.mode == "records"


def _latest_ms(event_ms: int, period: Period) -> int:
    """The latest end of a period that begins at ``event_ms`` or before.

    In a shorter month the 29th to the 31st all end on its last day, and not in their order.
    """
    end_ms = add_period(event_ms, period)
    by_months = period.unit in ("months", "years")
    if by_months and to_datetime(end_ms).day < to_datetime(event_ms).day:
        return end_ms - end_ms % DAY_MS + DAY_MS - 1
    return end_ms
