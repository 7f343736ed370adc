"""What a new version does to data kept under an old one: it shortens at once, and never lengthens.

Lengthening touches old data only if a recorded decision is ``applies_to_old_data``.
"""

from typing import Final

from policy.diff.coarseness import Than, compare_operations
from policy.plan.plan import Lane, Output, Rule
from policy.vocabulary.periods import ends_early_ms, expires_ms
from policy.vocabulary.terms import Period

DECIDED: Final = "applies_to_old_data"
"""An approval's ``decision`` if old data is to live longer too."""
AT_ONCE_MS: Final = 0


def successor(old: Lane, rule: Rule, new: Output | None) -> Lane | None:
    """The lane of the new version under which data of the old one may stay, or None.

    It may stay if the new version keeps the signal, for the same recipient, no coarser
    than the data already is; of several such lanes under the longest.
    """
    if new is None:
        return None
    allowed = [
        lane
        for lane in new.lanes
        for other in lane.rules
        if other.signal == rule.signal and _as_fine(old, rule, lane, other)
    ]
    return max(allowed, key=lambda lane: expires_ms(0, 0, lane.period, lane.grain), default=None)


def _as_fine(old: Lane, rule: Rule, new: Lane, other: Rule) -> bool:
    if new.time_floor_ms > old.time_floor_ms:
        return False
    return compare_operations(rule.operations, other.operations) in (Than.SAME, Than.MORE)


def new_expiry_ms(
    old_expires_ms: int,
    recorded_ms: int,
    lane: Lane | None,
    *,
    decision: str | None = None,
    read_ms: int = 0,
    at_least: Period | None = None,
) -> int:
    """When data expires under the new version; AT_ONCE_MS if it may not stay at all.

    ``recorded_ms``: the data's own (floored) time, no later than its event. ``at_least`` is
    the minimum under which the old version kept it, counted from ``read_ms``: what is closed stays
    until then. A version that still keeps it says itself for how long, the minimum included.
    """
    if lane is None:
        return ends_early_ms(AT_ONCE_MS, read_ms, at_least, old_expires_ms)
    computed_ms = expires_ms(recorded_ms, recorded_ms, lane.period, lane.grain)
    return computed_ms if decision == DECIDED else min(old_expires_ms, computed_ms)
