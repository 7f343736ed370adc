"""Instants as integer milliseconds UTC, and the grains to which they are floored."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class Grain(StrEnum):
    """How finely an expiry is dated; the lake's partitions. Finest first."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    @property
    def fineness(self) -> int:
        """0 for the finest grain; a larger number is coarser."""
        return list(Grain).index(self)

    @property
    def length_ms_min(self) -> int:
        """The shortest this grain can be, in milliseconds (a month: 28 days)."""
        return {
            Grain.MINUTE: MINUTE_MS,
            Grain.HOUR: HOUR_MS,
            Grain.DAY: DAY_MS,
            Grain.MONTH: 28 * DAY_MS,
        }[self]


FIRST_MS: Final = -62_135_596_800_000
"""The beginning of the year 1, the earliest instant that a datetime can hold."""
LAST_MS: Final = 253_402_300_799_999
"""The end of the year 9999, the latest."""


def is_instant(instant_ms: int) -> bool:
    """Whether a datetime can hold it: what arrives as a number may be any."""
    return FIRST_MS <= instant_ms <= LAST_MS


def to_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970-01-01 UTC of an aware datetime; a naive one is refused.

    Floored, as every later step floors: a rounded one could fall into the next bin.
    """
    if moment.tzinfo is None:
        msg = "a time without a zone is ambiguous: give UTC with a trailing Z"
        raise ValueError(msg)
    return (moment - _EPOCH) // _MILLISECOND


def day_start_ms(day: date) -> int:
    """When a day begins, UTC."""
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=UTC))


def to_datetime(instant_ms: int) -> datetime:
    """The aware UTC datetime of an instant."""
    seconds, millis = divmod(instant_ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=millis * 1000)


def parse_instant(text: str) -> int:
    """Milliseconds of an RFC 3339 text with a zone; ValueError otherwise."""
    return to_ms(datetime.fromisoformat(text))


def format_instant(instant_ms: int) -> str:
    """RFC 3339 in UTC with ``Z``; milliseconds appear only if they are not zero."""
    spec = "milliseconds" if instant_ms % 1000 else "seconds"
    return to_datetime(instant_ms).replace(tzinfo=None).isoformat(timespec=spec) + "Z"


def floor_to_grain(instant_ms: int, grain: Grain) -> int:
    """The start of the UTC minute, hour, day or month that holds the instant."""
    if grain is not Grain.MONTH:
        return instant_ms // grain.length_ms_min * grain.length_ms_min
    first = to_datetime(instant_ms).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return to_ms(first)
