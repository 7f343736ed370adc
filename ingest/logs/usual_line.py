"""A candump line in the usual form, read without a library: what nearly every line of a log is.

In: a line. Out: its frame, or None for any other line, which is read the long way and judged
there. Only what both ways read alike is usual: classic data frames with a stamp, single spaces
and an end.
"""

import re
from typing import Final, Literal

from ingest.logs.clock import microseconds
from ingest.logs.frame import LoggedFrame

_USUAL: Final = re.compile(
    r"\(([0-9]{1,12}\.[0-9]{1,9})\) ([!-~]{1,32} (?:[0-7][0-9A-Fa-f]{2}|[0-9A-Fa-f]{8}))"
    r"#((?:[0-9A-Fa-f]{2}){0,8})( [RTrt])?\n"
)
_RECEIVED: Final = (None, " R", " r")
_BASE_ID_DIGITS: Final = 3
_ERROR_FLAG: Final = 0x20000000
_ID_MASK: Final = 0x1FFFFFFF
_SENDERS_MAX: Final = 65_536
"""A bus has some hundred ids; spellings beyond are read anew each time."""

_Sender = tuple[str, int, bool]


class UsualLines:
    """Reads usual lines of one log; what stands before the ``#`` is understood once."""

    def __init__(self) -> None:
        self._senders: dict[str, _Sender | None] = {}

    def read(self, line: str) -> LoggedFrame | None:
        """The line's data frame, or None if the line is not of the usual form."""
        found = _USUAL.fullmatch(line)
        if found is None:
            return None
        stamp, written, data, way = found.groups()
        try:
            sender = self._senders[written]
        except KeyError:
            sender = _sender(written)
            if len(self._senders) < _SENDERS_MAX:
                self._senders[written] = sender
        if sender is None:
            return None
        bus, can_id, ext = sender
        direction: Literal["rx", "tx"] = "rx" if way in _RECEIVED else "tx"
        return LoggedFrame(
            microseconds(float(stamp)), bus, can_id, ext, bytes.fromhex(data), direction
        )


def _sender(written: str) -> _Sender | None:
    """Bus and id; None for an error frame, which is written as one with a flag in its id."""
    bus, _, digits = written.rpartition(" ")
    can_id = int(digits, 16)
    if can_id & _ERROR_FLAG:
        return None
    # A bus that is a number is that number however it is written, as python-can has it.
    return str(int(bus)) if bus.isdigit() else bus, can_id & _ID_MASK, len(digits) > _BASE_ID_DIGITS
