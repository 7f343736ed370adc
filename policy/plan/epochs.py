"""Pseudonym epochs: which one an instant falls into, and when it ends."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from policy.vocabulary.terms import Epoch
from telemetry.instants import DAY_MS, HOUR_MS, parse_instant, to_datetime, to_ms

TRIP_MS_MAX: Final = 48 * HOUR_MS
"""A trip keeps the epoch in which it began, for at most so long."""
_IN_DAYS: Final = re.compile(r"(\d{4}-\d{2}-\d{2})\.([1-9]\d{0,4})d", re.ASCII)
_IN_MONTHS: Final = re.compile(r"(\d{4}-\d{2})\.([1-9]\d{0,3})m", re.ASCII)


@dataclass(frozen=True, slots=True)
class EpochSpan:
    """One epoch: its name (its first day, with its length) and ``[from_ms, to_ms)``."""

    name: str
    from_ms: int
    to_ms: int


def epoch_at(epoch: Epoch, instant_ms: int) -> EpochSpan:
    """The epoch holding an instant. Months count from January of year 0, days from 1970."""
    if epoch.days:
        length_ms = epoch.days * DAY_MS
        from_ms = instant_ms // length_ms * length_ms
        first_day = to_datetime(from_ms).date().isoformat()
        return EpochSpan(f"{first_day}.{epoch.days}d", from_ms, from_ms + length_ms)
    moment = to_datetime(instant_ms)
    month = (moment.year * 12 + moment.month - 1) // epoch.months * epoch.months
    from_ms, to_ms_ = _month_start(month), _month_start(month + epoch.months)
    return EpochSpan(f"{month // 12:04d}-{month % 12 + 1:02d}.{epoch.months}m", from_ms, to_ms_)


def epoch_named(name: str) -> EpochSpan | None:
    """The epoch that has this name; None if none has."""
    if found := _IN_DAYS.fullmatch(name):
        first, epoch = found[1], Epoch(0, int(found[2]))
    elif found := _IN_MONTHS.fullmatch(name):
        first, epoch = f"{found[1]}-01", Epoch(int(found[2]))
    else:
        return None
    try:
        span = epoch_at(epoch, parse_instant(f"{first}T00:00:00Z"))
    except (ValueError, OverflowError):
        return None  # no day of the calendar
    return span if span.name == name else None


def epochs_of(epoch: Epoch, from_ms: int, to_ms: int) -> Iterator[EpochSpan]:
    """The epochs that readings of ``[from_ms, to_ms)`` may have: trips may have begun before."""
    span = epoch_at(epoch, max(0, from_ms - TRIP_MS_MAX))
    while span.from_ms < to_ms:
        yield span
        span = epoch_at(epoch, span.to_ms)


def _month_start(month: int) -> int:
    start = to_datetime(0).replace(year=month // 12, month=month % 12 + 1)
    return to_ms(start)
