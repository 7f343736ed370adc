"""When a frame of a capture was seen: the pitfalls of each form's clock, in one place.

ASC, TRC, BLF, MF4 with the local flag and candump's dates are a wall clock without a zone: the
zone is given, and this machine's own never counts. Out: microseconds since 1970 UTC.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from ingest.logs.frame import LogCounts
from ingest.logs.months import month_of
from ingest.logs.timeline import STEP_US
from ingest.refused import Refused

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LEADING_SECONDS: Final = re.compile(r"\s*(-?\d+\.\d+)")
_DATED: Final = re.compile(r"\s*(date|begin\s+triggerblock)\s", re.IGNORECASE)
_TRIGGER: Final = re.compile(r"\s*begin\s+triggerblock", re.IGNORECASE)
_TRIGGER_ENDS: Final = re.compile(r"\s*end\s+triggerblock", re.IGNORECASE)
_BASE: Final = re.compile(
    r"\s*base\s+(hex|dec)(?:\s+timestamps\s+(absolute|relative))?", re.IGNORECASE
)
_ASC_DATE: Final = re.compile(
    r"\s*(?:date|begin\s+triggerblock)\s+\S+\s+(?P<month>\S+)\s+(?P<day>\d{1,2})\.?\s+"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<part>\d{1,9}))?"
    r"(?:\s+(?P<half>am|pm))?\s+(?P<year>\d{4})\s*$",
    re.IGNORECASE,
)
_NOON: Final = 12


def microseconds(seconds: float) -> int:
    """Rounded; a float of this century holds microseconds. ValueError for nan, Overflow for inf."""
    return round(seconds * 1_000_000)


def placed_us(wall: datetime, zone: tzinfo) -> int:
    """The instant at which clocks on the wall of ``zone`` show this naive time."""
    return (wall.replace(tzinfo=zone) - _EPOCH) // _MICROSECOND


class WallClock:
    """Naive times of one log, in its order, as instants of a zone; what that leaves open counts.

    In the hour that clocks are set back every time is shown twice. The log runs on, so that a time
    which would lie before its last one is meant the second time; the first of a log is meant the
    first time. Times that clocks are set over are shown never, and placed as if they were not set.
    """

    def __init__(self, zone: tzinfo, counts: LogCounts) -> None:
        self._zone = zone
        self._counts = counts
        self._last_us: int | None = None

    def place(self, wall: datetime) -> int:
        """The instant, in microseconds, of the log's next naive time."""
        first_us = placed_us(wall.replace(fold=0), self._zone)
        second_us = placed_us(wall.replace(fold=1), self._zone)
        if first_us > second_us:
            self._counts.never_shown += 1
        elif first_us < second_us:
            self._counts.shown_twice += 1
            # A minute back is buses that were merged; the same hour again is more.
            if self._last_us is not None and first_us < self._last_us - STEP_US:
                first_us = second_us
        self._last_us = first_us
        return first_us

    def replace(self, misread_s: float, grain_us: int = 1) -> int:
        """As ``place``, of a time that a library has read as if it were UTC.

        ``grain_us``: how finely the form can say it; the rest is an artefact of its numbers.
        """
        misread_us = round(misread_s * 1_000_000 / grain_us) * grain_us
        return self.place((_EPOCH + timedelta(microseconds=misread_us)).replace(tzinfo=None))


class AscClock:
    """The times of one ASC log, its dates being on ``wall``. Feed it every line in order.

    A line's time is seconds since the start, or since the line before ("relative").
    """

    def __init__(self, wall: WallClock) -> None:
        self._wall = wall
        self._start_us = 0
        self._sum_us = 0
        self._line_us = 0
        self._base: tuple[str, str] | None = None
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
            self._pass_base(line)
            return False
        self._start_us = self._wall.place(_asc_date(line))
        if _TRIGGER.match(line):
            self._sum_us = 0
            self.in_block = True
        return True

    def _pass_base(self, line: str) -> None:
        """Logs put together may differ in base: the same digits would be other numbers."""
        found = _BASE.match(line)
        if found is None:
            return
        base = (found[1].lower(), (found[2] or "absolute").lower())
        if self._base not in (None, base):
            msg = "This asc log changes its base or kind of timestamps: split it where it does."
            raise Refused(msg)
        self._base = base

    def at_us(self, *, relative: bool) -> int:
        """The instant of the line that was passed last."""
        return self._start_us + (self._sum_us if relative else self._line_us)


def _asc_date(line: str) -> datetime:
    found = _ASC_DATE.match(line)
    if found:
        month = month_of(found["month"]) or 0
        hour = int(found["hour"])
        if found["half"]:
            hour = hour % _NOON + (_NOON if found["half"].lower() == "pm" else 0)
        # Some write milliseconds without their zeros: ``.7`` is 7 ms then.
        micros = int((found["part"] or "").rjust(3, "0").ljust(6, "0")[:6])
        try:
            return datetime(  # noqa: DTZ001  # a wall clock has no zone; placed_us gives it one
                int(found["year"]), month, int(found["day"]),
                hour, int(found["minute"]), int(found["second"]), micros,
            )  # fmt: skip
        except ValueError:
            pass
    msg = (
        "The header of this asc log cannot be read: write its date as "
        "`date Fri Nov 20 07:15:30.000 pm 2026`, the month as a number or in English, German, "
        "French, Spanish or Japanese."
    )
    raise Refused(msg)
