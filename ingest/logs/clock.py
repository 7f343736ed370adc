"""When a frame of a capture was seen: the pitfalls of each form's clock, in one place.

ASC, TRC, BLF, MF4 with the local flag and candump's dates are a wall clock without a zone: the
zone is given, and this machine's own never counts. Out: microseconds since 1970 UTC.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from ingest.refused import Refused

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LEADING_SECONDS: Final = re.compile(r"\s*(-?\d+\.\d+)")
_DATED: Final = re.compile(r"\s*(date|begin\s+triggerblock)\s", re.IGNORECASE)
_TRIGGER: Final = re.compile(r"\s*begin\s+triggerblock", re.IGNORECASE)
_TRIGGER_ENDS: Final = re.compile(r"\s*end\s+triggerblock", re.IGNORECASE)
_ASC_DATE: Final = re.compile(
    r"\s*(?:date|begin\s+triggerblock)\s+\S+\s+(?P<month>\S+)\s+(?P<day>\d{1,2})\.?\s+"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<part>\d{1,9}))?"
    r"(?:\s+(?P<half>am|pm))?\s+(?P<year>\d{4})\s*$",
    re.IGNORECASE,
)
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan jän", "feb", "mar mär mrz mae", "apr", "may mai", "jun", "jul", "aug", "sep",
            "oct okt", "nov", "dec dez",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
"""As Vector's tools write them in English and in German."""
_NOON: Final = 12


def microseconds(seconds: float) -> int:
    """Rounded; a float of this century holds microseconds. ValueError for nan, Overflow for inf."""
    return round(seconds * 1_000_000)


def placed_us(wall: datetime, zone: tzinfo) -> int:
    """The instant at which clocks on the wall of ``zone`` show this naive time."""
    return (wall.replace(tzinfo=zone) - _EPOCH) // _MICROSECOND


def replaced_us(misread_s: float, zone: tzinfo, grain_us: int = 1) -> int:
    """The instant of a wall clock that a library has read as if it were UTC.

    ``grain_us``: how finely the form can say it; the rest is an artefact of its numbers.
    """
    misread_us = round(misread_s * 1_000_000 / grain_us) * grain_us
    return placed_us((_EPOCH + timedelta(microseconds=misread_us)).replace(tzinfo=None), zone)


class AscClock:
    """The times of one ASC log, its dates being of ``zone``. Feed it every line in order.

    A line's time is seconds since the start, or since the line before ("relative").
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._start_us = 0
        self._sum_us = 0
        self._line_us = 0
        self.in_block = False
        """A trigger block has begun and not ended."""

    def pass_line(self, line: str) -> bool:
        """Note a line's own time or date; True if it is a date. ``Refused`` if that is unreadable.

        Relative times count from the line before, be it a frame or not.
        """
        if found := _LEADING_SECONDS.match(line):
            self._line_us = microseconds(float(found.group(1)))
            self._sum_us += self._line_us
            return False
        if not _DATED.match(line):
            if _TRIGGER_ENDS.match(line):
                self.in_block = False
            return False
        self._start_us = placed_us(_asc_date(line), self._zone)
        if _TRIGGER.match(line):
            self._sum_us = 0
            self.in_block = True
        return True

    def at_us(self, *, relative: bool) -> int:
        """The instant of the line that was passed last."""
        return self._start_us + (self._sum_us if relative else self._line_us)


def _asc_date(line: str) -> datetime:
    found = _ASC_DATE.match(line)
    if found:
        name = found["month"].lower()
        digits = re.match(r"\d+", name)
        month = int(digits[0]) if digits else _MONTHS.get(name[:3], 0)
        hour = int(found["hour"])
        if found["half"]:
            hour = hour % _NOON + (_NOON if found["half"].lower() == "pm" else 0)
        micros = int((found["part"] or "").ljust(6, "0")[:6])
        try:
            return datetime(  # noqa: DTZ001  # a wall clock has no zone; placed_us gives it one
                int(found["year"]), month, int(found["day"]),
                hour, int(found["minute"]), int(found["second"]), micros,
            )  # fmt: skip
        except ValueError:
            pass
    msg = (
        "The header of this asc log cannot be read: write its date as "
        "`date Fri Nov 20 07:15:30.000 pm 2026`, the month in English or German."
    )
    raise Refused(msg)
