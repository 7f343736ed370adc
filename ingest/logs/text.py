"""The text forms: candump, ASC and TRC, read by python-can one line at a time.

In: lines. Out: data frames. A line that is cut off or garbled is counted as bad and the
stream goes on after it; no line is lost uncounted, none is printed. Usual lines of a candump
are read without python-can (usual_line.py).
"""

import logging
import re
from collections.abc import Iterator
from datetime import tzinfo
from typing import Final, Literal, TextIO

from ingest.logs.clock import AscClock, WallClock, microseconds
from ingest.logs.frame import LogCounts, LoggedFrame, is_possible
from ingest.logs.lines import LineFeed, bounded_lines
from ingest.logs.sniff import Form
from ingest.logs.spelling import speller
from ingest.logs.usual_line import UsualLines
from ingest.python_can import can, dlc2len
from ingest.refused import Refused

_DATA_BYTES_MAX: Final = 64
_CLASSIC_BYTES_MAX: Final = 8
_TRC_GRAIN_US: Final = 100
"""A TRC's start is a number of days; its own comment beside it says tenths of a millisecond."""
_CANDUMP_ERROR_FLAG: Final = 0x20000000
_CANDUMP_LINE: Final = re.compile(
    r"\s*\(-?\d+\.\d+\)\s+\S+\s+(?P<id>[0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})#"
    r"([Rr]\d?|#[0-9]([0-9A-Fa-f]{2}){0,64}|([0-9A-Fa-f]{2}){0,8})(\s+[RTrt])?\s*$"
)
_BAD_LINE: Final = (ValueError, IndexError, KeyError, OverflowError)
_Reader = can.CanutilsLogReader | can.ASCReader | can.TRCReader
_READERS: Final = {
    Form.CANDUMP: can.CanutilsLogReader,
    Form.ASC: can.ASCReader,
    Form.TRC: can.TRCReader,
}


def read_text(form: Form, file: TextIO, counts: LogCounts, zone: tzinfo) -> Iterator[LoggedFrame]:
    """The data frames of an open text capture; ``Refused`` if its header cannot be read."""
    # python-can would log whole lines it cannot parse.
    logging.getLogger("can.io").setLevel(logging.CRITICAL)
    wall = WallClock(zone, counts)
    clock = AscClock(wall)
    usual = UsualLines().read if form is Form.CANDUMP else None
    feed = LineFeed(form, bounded_lines(file), counts, speller(form, wall, clock), usual)
    trace_us: int | None = None
    while True:
        feed.begin()
        reader = _READERS[form](feed, **({"relative_timestamp": False} if form is Form.ASC else {}))
        messages = iter(reader)
        while True:
            yield from feed.usual()
            try:
                message = next(messages)
            except StopIteration:
                feed.settle()
                # Other forms say how many bytes a frame has; a candump line cut short is a line.
                cut = form is Form.CANDUMP and feed.ends_within_a_line
                counts.truncated = cut or clock.in_block
                return
            except _BAD_LINE:
                if not feed.served:
                    msg = f"The header of this {form} log cannot be read: check its first lines."
                    raise Refused(msg) from None
                feed.claim()
                counts.bad += 1
                break
            line = feed.claim()
            hexadecimal = not isinstance(reader, can.ASCReader) or reader.base == "hex"
            kind = _kind(form, message, line, hexadecimal=hexadecimal)
            if kind != "data":
                _count(counts, kind)
                continue
            try:
                if trace_us is None and isinstance(reader, can.TRCReader) and reader.start_time:
                    # The start has no zone and python-can reads it as UTC.
                    trace_us = wall.replace(reader.start_time.timestamp(), _TRC_GRAIN_US)
                t_us = _instant_us(reader, message, clock, trace_us)
            except _BAD_LINE:
                counts.bad += 1
                continue
            counts.data += 1
            yield logged(message, t_us)


def logged(message: can.Message, t_us: int) -> LoggedFrame:
    """Our frame of python-can's."""
    bus = "" if message.channel is None else str(message.channel)
    direction: Literal["rx", "tx"] = "rx" if message.is_rx else "tx"
    return LoggedFrame(
        t_us, bus, message.arbitration_id, message.is_extended_id, bytes(message.data), direction
    )


def _instant_us(
    reader: _Reader, message: can.Message, clock: AscClock, trace_us: int | None
) -> int:
    """``trace_us``: when a TRC begins, if its header says so."""
    if isinstance(reader, can.ASCReader):
        return clock.at_us(relative=reader.timestamps_format == "relative")
    start = reader.start_time if isinstance(reader, can.TRCReader) else None
    if start is None or trace_us is None:
        return microseconds(message.timestamp)
    return trace_us + microseconds(message.timestamp - start.timestamp())


def _kind(
    form: Form, message: can.Message, line: str, *, hexadecimal: bool
) -> Literal["data", "error", "remote", "bad"]:
    if form is Form.CANDUMP:
        found = _CANDUMP_LINE.match(line)
        if found is None:
            return "bad"
        # The reader drops this flag and would give the error for a data frame.
        if int(found["id"], 16) & _CANDUMP_ERROR_FLAG:
            return "error"
    if message.is_error_frame:
        return "error"
    if message.is_remote_frame:
        return "remote"
    size = len(message.data)
    if form is not Form.CANDUMP and not _spells(line, bytes(message.data), hexadecimal=hexadecimal):
        return "bad"
    whole = size in (message.dlc, dlc2len(message.dlc)) and size <= _DATA_BYTES_MAX
    if not message.is_fd and message.dlc > _CLASSIC_BYTES_MAX:
        whole = size == _CLASSIC_BYTES_MAX
    return "data" if whole and possible(message) else "bad"


def _spells(line: str, data: bytes, *, hexadecimal: bool) -> bool:
    """Whether the line has these bytes, each written whole."""
    if hexadecimal:
        # A byte cut to one digit would pass for another byte.
        return data.hex(" ") in " ".join(line.lower().split())
    words = [word.lstrip("0") or "0" for word in line.split()]
    written = [str(byte) for byte in data]
    found = [n for n in range(len(words)) if words[n : n + len(data)] == written]
    # A decimal byte has one to three digits: only what stands behind the last one tells its end.
    cut = not line.endswith("\n") and found[-1:] == [len(words) - len(data)] and line[-1:].isdigit()
    return bool(found) and not (cut and data)


def possible(message: can.Message) -> bool:
    """Whether such a frame exists.

    A line cut between two bytes is known by nothing else.
    """
    ext, fd = message.is_extended_id, message.is_fd
    return is_possible(message.arbitration_id, len(message.data), ext=ext, fd=fd)


def _count(counts: LogCounts, kind: str) -> None:
    setattr(counts, kind, getattr(counts, kind) + 1)
