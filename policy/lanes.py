"""Lanes: permits of equal period, trigger, grain and time floor leave as one record."""

from collections.abc import Iterable
from typing import assert_never

from policy.context import CompileContext
from policy.limits import Limits
from policy.operations import Drop, Unsupported, Withholding, parts_of
from policy.periods import coarsest_grain
from policy.permits import Permit
from policy.plan import Lane, Rule
from policy.terms import Denial
from policy.words import say_duration
from telemetry.outcome import Withheld


def withheld(permit: Permit) -> Denial | None:
    """The denial a permit's own operations amount to: ``drop``, or one not carried out yet."""
    reasons = {_reason(operation) for operation in parts_of(permit.operations).withholding}
    if not reasons:
        return None
    first = min(reasons, key=tuple(Withheld).index)
    return Denial(permit.signal, first, permit.rule, permit.cites, permit.where)


def _reason(operation: Withholding) -> Withheld:
    match operation:
        case Drop():
            return Withheld.DROPPED
        case Unsupported():
            return Withheld.UNSUPPORTED
        case _:
            assert_never(operation)


def lanes(context: CompileContext, permits: Iterable[Permit]) -> tuple[Lane, ...]:
    """The lanes of one output, in the order in which the document opens them."""
    grouped: dict[str, list[Permit]] = {}
    for permit in permits:
        same = grouped.setdefault(lane_name(permit), [])
        if any(other.signal == permit.signal for other in same):
            remedy = "give the two lines different periods or precisions, or remove one"
            context.findings.error(
                permit.where, "the same signal is kept twice alike", permit.signal, remedy
            )
        same.append(permit)
    return tuple(_lane(name, members, context.limits) for name, members in grouped.items())


def lane_name(permit: Permit) -> str:
    """``30-days.1s``: period and floor; trigger and grain where they are not the usual ones."""
    parts = [str(permit.period).replace(" ", "-")]
    parts.append(say_duration(permit.time_floor_ms).replace(" ", ""))
    if permit.trigger != "reading":
        parts.append(permit.trigger)
    if permit.grain is not coarsest_grain(permit.period):
        parts.append(permit.grain)
    return ".".join(parts)


def _lane(name: str, permits: list[Permit], limits: Limits) -> Lane:
    first = permits[0]
    rules = tuple(
        Rule(
            p.rule,
            p.signal,
            p.placed.category,
            p.operations,
            p.basis,
            p.cites,
            p.where,
            p.not_for,
            p.cell_id,
        )
        for p in permits
    )
    grain = limits.finer(first.grain)
    return Lane(name, first.period, first.trigger, grain, first.time_floor_ms, rules)
