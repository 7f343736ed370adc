"""What lies beside a coarse position must not give the way back: speed, altitude, pressure.

Within one output, where a position leaves as a mesh cell, every signal that its category
calls ``position_like`` must be thinned and rounded (or bucketed), or carry times at least as
coarse as the finest of those cells. Equal speed curves alone tell a road (design §4, §6).
"""

from policy.categories import matches
from policy.context import CompileContext
from policy.operations import PAIR, parts_of
from policy.permits import Permit
from policy.position import mesh_in
from policy.words import say_duration


def check_beside(context: CompileContext, permits: tuple[Permit, ...]) -> None:
    """Refuse untreated position-like signals in an output that coarsens positions."""
    categories = context.document.categories.content.categories
    like = [pattern for content in categories.values() for pattern in content.position_like]
    coarse = [p.time_floor_ms for p in permits if p.signal in PAIR and mesh_in(p.operations)]
    if not coarse:
        return
    for permit in permits:
        if permit.signal in PAIR or not any(matches(pattern, permit.signal) for pattern in like):
            continue
        parts = parts_of(permit.operations)
        if permit.time_floor_ms >= min(coarse) or (parts.thin and parts.steps):
            continue
        message = f"{permit.signal} would draw the way between coarse positions"
        remedy = f"thin and round it (`do: {{{permit.signal}: [thin 10 s, round 5]}}`), drop it, "
        remedy += f"or take a precision with times of {say_duration(min(coarse))} or more"
        context.findings.error(permit.where, message, permit.recipient.id, remedy)
