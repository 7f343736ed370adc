"""From "a byte stays at most seven days" to a topic's retention and segment settings.

Kafka deletes whole segments, after their last record is past retention, when the check
comes round, and frees the file after a delay: the promise has to hold for the sum.
"""

from itertools import count
from typing import Final

from policy.language.fields import Promise
from policy.language.problems import Findings
from policy.language.purpose_file import KeepFor
from policy.plan.limits import Limits
from policy.plan.plan import Transport
from policy.vocabulary.periods import coarsest_grain, shortest_ms
from policy.vocabulary.terms import Period, Where
from policy.vocabulary.words import OPEN_TRIGGERS, format_duration
from telemetry.instants import MINUTE_MS, SECOND_MS, Grain

SEGMENT_MS_MAX: Final = 10 * MINUTE_MS
SEGMENT_MS_MIN: Final = 10 * SECOND_MS
RETENTION_SHARE_MIN: Final = 4
"""At least a quarter of the promise must be left for reading; else the promise is refused."""


def transport(
    promise: Promise, at_most_ms: int | None, limits: Limits, where: Where, findings: Findings
) -> Transport:
    """The settings that keep the promise, and their bound; an error if none can.

    ``at_most_ms`` shortens retention further and never lengthens it.
    """
    promised_ms = shortest_ms(promise.topic_at_most)
    if not _keeps(promised_ms, limits):
        minutes = next(n for n in count(1) if _keeps(n * MINUTE_MS, limits))
        message = "no segment settings keep this promise: the broker itself adds "
        message += format_duration(limits.check_interval_ms + limits.delete_delay_ms)
        remedy = f"promise at least {minutes} minutes, or let the broker check and delete sooner"
        findings.error(where, message, promise.topic_at_most, remedy)
    budget_ms = promised_ms if at_most_ms is None else min(promised_ms, at_most_ms)
    segment_ms = _segment_ms(budget_ms)
    overhead_ms = segment_ms + limits.check_interval_ms + limits.delete_delay_ms
    retention_ms = min(promised_ms - overhead_ms, budget_ms)
    return Transport(retention_ms, segment_ms, retention_ms + overhead_ms)


def _keeps(promised_ms: int, limits: Limits) -> bool:
    """Whether enough of a promise is left for reading after what the broker adds."""
    added_ms = _segment_ms(promised_ms) + limits.check_interval_ms + limits.delete_delay_ms
    return (promised_ms - added_ms) * RETENTION_SHARE_MIN >= promised_ms


def _segment_ms(budget_ms: int) -> int:
    return max(min(budget_ms // 4, SEGMENT_MS_MAX), SEGMENT_MS_MIN)


def promised_period(keep: KeepFor, where: Where, findings: Findings) -> Period:
    """The longest possible life: ``at_most``, or the cap of an event that may never come."""
    if keep.trigger not in OPEN_TRIGGERS:
        if keep.cap is not None:
            remedy = f"remove `cap`: `{keep.trigger}` comes with every reading"
            findings.error(where, "a cap without an open trigger", keep.cap, remedy)
        return keep.at_most
    if keep.cap is None:
        message = f"`{keep.trigger}` may never come, so this period may never end"
        remedy = "add `cap: 400 days`, counted from the reading"
        findings.error(where, message, keep.trigger, remedy)
        return keep.at_most
    return keep.cap


def grain(keep: KeepFor, longest: Period, where: Where, findings: Findings) -> Grain:
    """The grain asked for, else the coarsest that is at most a 24th of the period."""
    coarsest = coarsest_grain(longest)
    if keep.grain is None:
        return coarsest
    asked = Grain(keep.grain)
    if asked.fineness > coarsest.fineness:
        message = f"the grain is coarser than a 24th of {longest}"
        findings.error(where, message, keep.grain, f"write `grain: {coarsest}` or finer")
        return coarsest
    return asked
