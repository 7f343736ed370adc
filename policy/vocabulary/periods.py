"""Calendar periods: when a life ends, how short it can be, which grain fits it."""

import calendar
from typing import Final, assert_never

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


def least_excess_ms(longer: Period, shorter: Period) -> int:
    """A length by which the first period exceeds the second at least, whenever both begin.

    Negative if it may not exceed it at all.
    """
    months = [_months(one) for one in (longer, shorter)]
    if months[0] is not None and months[1] is not None:
        more = months[0] - months[1]
        return more * (28 if more > 0 else 31) * DAY_MS
    return shortest_ms(longer) - _longest_ms(shorter)


def _months(period: Period) -> int | None:
    match period.unit:
        case "months":
            return period.count
        case "years":
            return period.count * 12
        case "days" | "hours" | "minutes":
            return None
        case _:
            assert_never(period.unit)


def _longest_ms(period: Period) -> int:
    months = _months(period)
    return shortest_ms(period) if months is None else months * 31 * DAY_MS


def ends_early_ms(early_ms: int, start_ms: int, at_least: Period | None, end_ms: int) -> int:
    """When a life ends that some event would end early: not before its minimum has passed.

    ``start_ms`` is when the minimum begins to count, ``end_ms`` when the life ends without the
    event: it is never later.
    """
    if at_least is None:
        return min(early_ms, end_ms)
    return min(max(early_ms, add_period(start_ms, at_least)), end_ms)


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
