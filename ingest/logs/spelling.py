"""Lines of a text capture, spelled as python-can's readers take them.

In: a line as recorded. Out: the same frame in the form that is read; any other line as it is.
candump has a form for files and several for screens, and classic frames may carry a DLC of 9
to 15, which means eight bytes (ISO 11898-1, 8.4.2.4).
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, assert_never

from ingest.logs.clock import AscClock, WallClock
from ingest.logs.sniff import Form

Speller = Callable[[str], str]

_SCREEN: Final = re.compile(
    r"\s*\((?P<stamp>[^)]+)\)\s+(?P<bus>\S+)\s+((?P<way>[RT])X\s+\S\s+\S\s+)?"
    r"(?P<id>[0-9A-Fa-f]{3}|[0-9A-Fa-f]{8})\s+\[(?P<size>\d{1,2})\](?P<rest>.*)$"
)
_DATED: Final = re.compile(r"(\s*)\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{1,6})\)(.*)$", re.DOTALL)
_RAW_DLC: Final = re.compile(r"(#[0-9A-Fa-f]{16})_[9A-Fa-f](?=\s|$)")
_SIGNED: Final = re.compile(r"^(\s*)-(?=\d)")
_TRC_1_LONG: Final = re.compile(r"(\s*\d+\)\s.*\s)(?:9|1[0-5])((?:\s+[0-9A-Fa-f]{2}){8}\s*)$")


def speller(form: Form, wall: WallClock, clock: AscClock) -> Speller:
    """What spells the lines of one capture, in order; dates without a zone are on ``wall``."""
    match form:
        case Form.CANDUMP:
            return lambda line: _candump(line, wall)
        case Form.ASC:
            return lambda line: "\n" if clock.pass_line(line) else _SIGNED.sub(r"\1", line, count=1)
        case Form.TRC:
            # Only version 1 numbers its lines with a bracket; it has no FD frames.
            return lambda line: _TRC_1_LONG.sub(r"\g<1>8\2", line)
        case Form.BLF | Form.MF4:
            return lambda line: line
        case _:
            assert_never(form)


def _candump(line: str, wall: WallClock) -> str:
    if dated := _DATED.match(line):
        try:
            shown = datetime.strptime(dated[2], "%Y-%m-%d %H:%M:%S.%f")  # noqa: DTZ007  # a wall clock
        except ValueError:
            return line
        seconds, micros = divmod(wall.place(shown), 1_000_000)
        line = f"{dated[1]}({seconds}.{micros:06}){dated[3]}"
    found = _SCREEN.match(line)
    if found is None:
        return _RAW_DLC.sub(r"\1", line)
    size, rest = int(found["size"]), found["rest"].split()
    if rest[:1] == ["remote"]:
        data = f"R{size}"
    else:
        # An FD frame's size is written with two digits.
        flags = "#0" if len(found["size"]) > 1 else ""
        data = flags + "".join(rest[:size])
        if [len(byte) for byte in rest[:size]] != [2] * size:
            return line
    way = f" {found['way']}" if found["way"] else ""
    return f"({found['stamp']}) {found['bus']} {found['id']}#{data}{way}\n"
