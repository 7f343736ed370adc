"""Feeding lines to a python-can reader, so that every line is counted.

python-can's text readers end at the first bad line and skip what they do not know
without a word. This feed knows the line in hand, can begin again after it with the
header put in front, and judges every line that did not become a frame.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TextIO

from ingest.logs.frame import LogCounts, LoggedFrame
from ingest.logs.sniff import Form
from ingest.logs.spelling import Speller

LINE_CHARS_MAX: Final = 4_096
HEADER_LINES_MAX: Final = 200

_HEADER: Final = {
    Form.ASC: re.compile(
        r"\s*(date\s|base\s|//|(no\s+)?internal\s+events|begin\s+triggerblock|$)", re.IGNORECASE
    ),
    Form.TRC: re.compile(r"\s*(;|$)"),
}
_FRAME_LIKE: Final = {
    Form.CANDUMP: re.compile(r"\s*[^\s#]"),
    Form.ASC: re.compile(r"\s*-?\d+[.,]\d+(\s+(\d+|CANFD)(\s+[0-9A-Fa-f]+x?(\s.*)?)?)?\s*$"),
    Form.TRC: re.compile(r"\s*\d"),
}
_TRC_ERROR: Final = re.compile(r"\s*\d+\)?\s+[\d.]+\s+(\d+\s+)?(ER|Error)\b")
_TRC_OTHER: Final = re.compile(r"\s*\d+\)?\s+[\d.]+\s+(\d+\s+)?(ST|EC|EV|Warng|FFFFFFFF)\b")
_ASC_HEADER_ENDS: Final = "no internal events logged\n"


def bounded_lines(file: TextIO) -> Iterator[str]:
    """Lines of at most 4,096 characters; a longer one comes in pieces, each judged bad."""
    while line := file.readline(LINE_CHARS_MAX):
        yield line


class LineFeed:
    """A file-like iterator for a python-can reader over the lines of one capture."""

    def __init__(
        self,
        form: Form,
        lines: Iterable[str],
        counts: LogCounts,
        spell: Speller = str,
        read_usual: Callable[[str], LoggedFrame | None] | None = None,
    ) -> None:
        self._form = form
        self._spell = spell
        self._read_usual = read_usual
        self._lines = iter(lines)
        self._counts = counts
        self._header: list[str] = []
        self._again: list[str] = []
        self._in_hand: str | None = None
        self._last = "\n"
        self._ahead: list[str] = []
        self.served = 0
        """Lines after the header served since the last ``begin``."""
        self._take_header()

    def _take_header(self) -> None:
        pattern = _HEADER.get(self._form)
        if pattern is None:
            return
        for line in self._lines:
            if not pattern.match(line) or len(self._header) >= HEADER_LINES_MAX:
                self._ahead.append(line)
                break
            self._header.append(self._spell(line))
        self._counts.other += len(self._header)

    def begin(self) -> None:
        """Serve the header once more, for a new reader, before the lines that follow."""
        self.served = 0
        self._again = [*self._header]
        if self._form is Form.ASC:
            # The ASC reader takes an empty line for the header's end, and swallows the first line
            # after a header that does not end so.
            self._again = [*filter(str.strip, self._again), _ASC_HEADER_ENDS]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._again:
            return self._again.pop(0)
        self.settle()
        line = self._ahead.pop() if self._ahead else next(self._lines)
        self.served += 1
        self._last = line
        self._in_hand = self._spell(line)
        return self._in_hand

    def usual(self) -> Iterator[LoggedFrame]:
        """The frames of the lines that come next and are usual, counted; the line after is served.

        To be asked while no line is in hand.
        """
        if self._read_usual is None or self._ahead:
            return
        for line in self._lines:
            frame = self._read_usual(line)
            if frame is None:
                self._ahead.append(line)
                return
            self._last = line
            self._counts.data += 1
            yield frame

    def close(self) -> None:
        """Asked for by python-can; the file belongs to whoever opened it."""

    def claim(self) -> str:
        """The line in hand became a frame, or is judged by the caller."""
        line, self._in_hand = self._in_hand or "", None
        return line

    @property
    def ends_within_a_line(self) -> bool:
        """The last line has no end: a frame on it may have lost bytes."""
        return not self._last.endswith("\n")

    def settle(self) -> None:
        """Judge the line in hand if it did not become a frame."""
        line, self._in_hand = self._in_hand, None
        if line is None:
            return
        if self._form is Form.TRC and _TRC_ERROR.match(line):
            self._counts.error += 1
        elif self._form is Form.TRC and _TRC_OTHER.match(line):
            self._counts.other += 1
        elif _FRAME_LIKE[self._form].match(line):
            self._counts.bad += 1
        else:
            self._counts.other += 1
