"""When a frame of a text capture was seen: the pitfalls of each form's clock, in one place.

ASC: a header date without a zone, and either seconds since the start or since the line
before. In other forms the stamp is used as it is. Out: microseconds since 1970 UTC.
"""

import re
from datetime import datetime, tzinfo
from typing import Final

import can

_LEADING_SECONDS: Final = re.compile(r"\s*(-?\d+\.\d+)")


def microseconds(seconds: float) -> int:
    """Rounded; a float of this century holds microseconds. ValueError for nan, Overflow for inf."""
    return round(seconds * 1_000_000)


class AscClock:
    """Turns the times of one ASC reader into instants, its dates being of ``zone``."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._elapsed_s = 0.0
        self._start_s: float | None = None
        self._start_zoned_s = 0.0

    def pass_line(self, line: str) -> None:
        """Note a line's own time, frame or not: relative times count from the line before."""
        if found := _LEADING_SECONDS.match(line):
            self._elapsed_s += float(found.group(1))

    def at_us(self, reader: can.ASCReader, timestamp: float) -> int:
        """The instant of the frame the reader just gave."""
        elapsed_s = timestamp - reader.start_time
        if reader.timestamps_format == "relative":
            elapsed_s = self._elapsed_s
        return microseconds(elapsed_s) + microseconds(self._zoned(reader.start_time))

    def _zoned(self, start_s: float) -> float:
        # python-can read the date as this machine's local time: undo that, then place it.
        if start_s == 0.0:
            return 0.0
        if start_s != self._start_s:
            self._start_s = start_s
            naive = datetime.fromtimestamp(start_s)  # noqa: DTZ006  # the inverse of what was done
            self._start_zoned_s = naive.replace(tzinfo=self._zone).timestamp()
        return self._start_zoned_s
