"""From "a byte stays at most seven days" to a topic's retention and segment settings.

Kafka deletes whole segments, after their last record is past retention, when the check
comes round, and frees the file after a delay: the promise has to hold for the sum.
"""

from itertools import count
from typing import Final

from policy.fields import Promise
from policy.limits import Limits
from policy.periods import shortest_ms
from policy.plan import Transport
from policy.problems import Findings
from policy.terms import Where
from policy.words import say_duration
from telemetry.instants import MINUTE_MS, SECOND_MS

SEGMENT_MS_MAX: Final = 10 * MINUTE_MS
SEGMENT_MS_MIN: Final = 10 * SECOND_MS
RETENTION_SHARE_MIN: Final = 4
"""At least a quarter of the promise must be left for reading; else it is not one to keep."""


def transport(
    promise: Promise, at_most_ms: int | None, limits: Limits, where: Where, findings: Findings
) -> Transport:
    """The settings that keep the promise, and their bound; an error where none can.

    ``at_most_ms`` shortens retention further and never lengthens it.
    """
    promised_ms = shortest_ms(promise.topic_at_most)
    if not _keeps(promised_ms, limits):
        minutes = next(n for n in count(1) if _keeps(n * MINUTE_MS, limits))
        message = "no segment settings keep this promise: the broker itself adds "
        message += say_duration(limits.check_interval_ms + limits.delete_delay_ms)
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
