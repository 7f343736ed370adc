"""Calendar periods: when a life ends, how short it can be, which grain fits it."""

import calendar
from typing import Final

from policy.vocabulary.terms import Period
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS, Grain, floor_to_grain, to_datetime, to_ms

GRAINS_PER_PERIOD_MIN: Final = 24
"""An expiry is dated at most a 24th of its period too early."""

_SHORTEST_MS: Final = {
    "minutes": MINUTE_MS,
    "hours": HOUR_MS,
    "days": DAY_MS,
    "months": 28 * DAY_MS,
    "years": 12 * 28 * DAY_MS,
}


def shortest_ms(period: Period) -> int:
    """A length in milliseconds the period never falls below (a month counts 28 days)."""
    return period.count * _SHORTEST_MS[period.unit]


def coarsest_grain(period: Period) -> Grain:
    """The coarsest grain of which at least 24 fit into the period; minute if none does."""
    room_ms = shortest_ms(period) // GRAINS_PER_PERIOD_MIN
    fitting = [grain for grain in Grain if grain.length_ms_min <= room_ms]
    return fitting[-1] if fitting else Grain.MINUTE


def add_period(instant_ms: int, period: Period) -> int:
    """The instant one period later; the 31st of a month becomes the last day of a shorter one."""
    return _moved(instant_ms, period, period.count)


def subtract_period(instant_ms: int, period: Period) -> int:
    """The instant one period earlier: adding the period to it leads back."""
    return _moved(instant_ms, period, -period.count)


def _moved(instant_ms: int, period: Period, count: int) -> int:
    if period.unit not in ("months", "years"):
        return instant_ms + count * _SHORTEST_MS[period.unit]
    start = to_datetime(instant_ms)
    months = start.year * 12 + start.month - 1
    months += count * (12 if period.unit == "years" else 1)
    year, month = divmod(months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return to_ms(start.replace(year=year, month=month + 1, day=day))


def expires_ms(event_ms: int, received_ms: int, period: Period, grain: Grain) -> int:
    """When a record expires: a period after the earlier time's minute, floored to the grain.

    The earlier of the two times, so that no wrong clock adds to a life.
    """
    start_ms = floor_to_grain(min(event_ms, received_ms), Grain.MINUTE)
    return floor_to_grain(add_period(start_ms, period), grain)
