"""From "a byte stays at most seven days" to a topic's retention and segment settings.

Kafka deletes whole segments, after their last record is past retention, when the check
comes round, and frees the file after a delay: the promise has to hold for the sum.
"""

from itertools import count
from typing import Final, NamedTuple

from policy.language.fields import Promise
from policy.language.problems import Findings
from policy.language.purpose_file import KeepFor
from policy.plan.bounds import deleted_ms
from policy.plan.limits import Limits
from policy.plan.plan import Transport
from policy.vocabulary.periods import coarsest_grain, least_excess_ms, shortest_ms
from policy.vocabulary.terms import Period, Where
from policy.vocabulary.words import (
    LIVING_TRIGGERS,
    OPEN_TRIGGERS,
    READING_TRIGGERS,
    format_duration,
)
from telemetry.instants import DAY_MS, MINUTE_MS, SECOND_MS, Grain

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
    added_ms = deleted_ms(0, segment_ms, limits.check_interval_ms, limits.delete_delay_ms)
    retention_ms = min(promised_ms - added_ms, budget_ms)
    bound_ms = deleted_ms(
        retention_ms, segment_ms, limits.check_interval_ms, limits.delete_delay_ms
    )
    return Transport(retention_ms, segment_ms, bound_ms)


def is_kept(promise: Promise, limits: Limits) -> bool:
    """Whether some settings keep this promise."""
    return _keeps(shortest_ms(promise.topic_at_most), limits)


def _keeps(promised_ms: int, limits: Limits) -> bool:
    """Whether enough of a promise is left for reading after what the broker adds."""
    segment_ms = _segment_ms(promised_ms)
    added_ms = deleted_ms(0, segment_ms, limits.check_interval_ms, limits.delete_delay_ms)
    return (promised_ms - added_ms) * RETENTION_SHARE_MIN >= promised_ms


def _segment_ms(budget_ms: int) -> int:
    return max(min(budget_ms // 4, SEGMENT_MS_MAX), SEGMENT_MS_MIN)


def promised_period(keep: KeepFor, where: Where, findings: Findings, *, readings: bool) -> Period:
    """The longest life of a reading: ``at_most``, or the cap of an event that may never come.

    What people state about themselves (no ``readings``) may do without a cap, since nothing counts
    from its reception: it has a day of review, and must have it if the event ends a contract or a
    link.
    """
    if keep.trigger not in OPEN_TRIGGERS:
        if keep.cap is not None:
            comes = (
                "comes with every reading" if keep.trigger in READING_TRIGGERS else "always comes"
            )
            remedy = f"remove `cap`: `{keep.trigger}` {comes}"
            findings.error(where, "a cap without an open trigger", keep.cap, remedy)
        return keep.at_most
    if not readings and keep.trigger in LIVING_TRIGGERS and keep.cap is not None:
        message = "a cap would end what a contract that goes on is carried out with"
        remedy = "write `review_on: 2027-10-01` in place of `cap`: a day on which people look at it"
        findings.error(where, message, keep.cap, remedy)
    elif not readings and keep.review_on is not None:
        return keep.cap or keep.at_most
    elif keep.cap is None:
        message = f"`{keep.trigger}` may never come, so this period may never end"
        remedy = "add `cap: 400 days`, counted from the reading"
        if not readings:
            review = "`review_on: 2027-10-01`, the day on which people look at it"
            living = keep.trigger in LIVING_TRIGGERS
            remedy = f"add {review}" if living else f"add `cap: 400 days`, or {review}"
        findings.error(where, message, keep.trigger, remedy)
    return keep.cap or keep.at_most


class Dated(NamedTuple):
    """How early an end may be dated, and whether it is one of readings."""

    grain: Grain
    floor_ms: int
    readings: bool

    @property
    def early_ms_max(self) -> int:
        """An end is floored to its grain, and its start to the minute and to the floor of time."""
        longest_ms = 31 * DAY_MS if self.grain is Grain.MONTH else self.grain.length_ms_min
        return longest_ms + self.floor_ms + MINUTE_MS


def check_minimum(keep: KeepFor, dated: Dated, where: Where, findings: Findings) -> None:
    """A minimum is one that every life reaches, however early its end is dated."""
    if keep.at_least is None:
        return
    if keep.cap is not None:
        remedy = "leave out `cap` (write `review_on` in its place), or `at_least`"
        findings.error(where, "the cap may end a life before its minimum", keep.cap, remedy)
        return
    if dated.readings and keep.trigger != "reading":
        remedy = "write `from: reading`, from which the life of a reading counts"
        message = "a reading's life may end before a minimum that counts from another event"
        findings.error(where, message, keep.trigger, remedy)
        return
    excess_ms = least_excess_ms(keep.at_most, keep.at_least)
    if excess_ms < 0:
        remedy = f"write at most {keep.at_most}, or lengthen `at_most`"
        findings.error(where, "the minimum is longer than the maximum", keep.at_least, remedy)
    elif excess_ms < dated.early_ms_max:
        message = f"ends are dated up to a {dated.grain} early, and so before the minimum"
        remedy = "lengthen `at_most`, or write a finer `grain`"
        findings.error(where, message, keep.at_least, remedy)


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
