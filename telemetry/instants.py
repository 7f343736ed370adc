"""Instants as integer milliseconds UTC, and the grains to which they are floored."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
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

    Floored, as every coarser time is: a time rounded up may lie in the next day.
    """
    if moment.tzinfo is None:
        msg = "a time without a zone is ambiguous: give UTC with a trailing Z"
        raise ValueError(msg)
    return (moment - _EPOCH) // _MILLISECOND


def day_start_ms(day: date, zone: tzinfo) -> int:
    """When a day begins in a zone: at the first of its midnights, or where a gap takes it away."""
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=zone))


def to_datetime(instant_ms: int) -> datetime:
    """The aware UTC datetime of an instant."""
    seconds, millis = divmod(instant_ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=millis * 1000)


def parse_instant(text: str) -> int:
    """Milliseconds of an RFC 3339 text with a zone; ValueError otherwise."""
    return to_ms(datetime.fromisoformat(as_datetime_text(text)))


def as_datetime_text(text: str) -> str:
    """The same instant in words that every reader of RFC 3339 takes alike; others are unchanged.

    A leap second (RFC 3339, section 5.7: second 60 of 23:59 UTC) becomes the last millisecond
    before it ends, since no clock here has it. A fraction is cut to microseconds: some readers
    round what is finer, and a time rounded up may lie in the next day.
    """
    if len(text) == _PLAIN and text[17:19] != "60":
        return text  # whole seconds and one letter, or nothing of this form
    parts = _RFC_3339.fullmatch(text)
    if parts is None:
        return text
    day, hour, minute, second, fraction, zone = parts.groups()
    if second != "60":
        return f"{day}{hour}:{minute}:{second}{(fraction or '')[:_MICROSECONDS]}{zone}"
    ahead = 0 if zone in "Zz" else int(zone[0] + zone[1:3]) * 60 + int(zone[0] + zone[-2:])
    minute_of_day = (int(hour) * 60 + int(minute) - ahead) % _MINUTES_A_DAY
    leaps = minute_of_day == _MINUTES_A_DAY - 1
    return f"{day}{hour}:{minute}:59.999{zone}" if leaps else text


_RFC_3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt ])(\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII
)
_PLAIN: Final = len("2026-01-01T00:00:00Z")
_MICROSECONDS: Final = len(".123456")
_MINUTES_A_DAY: Final = 24 * 60


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
