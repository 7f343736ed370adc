"""One recorded capture on disk: its form, its span, its frames, its counts."""

from collections.abc import Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import NamedTuple, assert_never

from ingest.logs.binary import read_binary
from ingest.logs.frame import LogCounts, LoggedFrame
from ingest.logs.sniff import Form, sniff
from ingest.logs.text import read_text


class Span(NamedTuple):
    """First and last instant of the data frames (microseconds), and how many there are."""

    first_us: int
    last_us: int
    frames: int


class Capture:
    """A file of CAN frames. Blocking reads; iterate ``frames`` as often as needed."""

    def __init__(self, path: Path, zone: tzinfo = UTC) -> None:
        self.path = path
        self.form: Form = sniff(path)
        self.counts = LogCounts()
        """What the latest (or running) iteration has read."""
        self._zone = zone

    def frames(self) -> Iterator[LoggedFrame]:
        """Every data frame in the order of the file; counts begin anew. ``Refused`` if unreadable.

        ``zone`` places the dates of ASC logs, which carry none.
        """
        counts = self.counts = LogCounts()
        match self.form:
            case Form.BLF | Form.MF4:
                yield from read_binary(self.form, self.path, counts)
            case Form.CANDUMP | Form.ASC | Form.TRC:
                with self.path.open(encoding="utf-8", errors="replace") as file:
                    yield from read_text(self.form, file, counts, self._zone)
            case _:
                assert_never(self.form)

    def span(self) -> Span | None:
        """Read the whole file once; None if it holds no data frame."""
        first_us = last_us = None
        frames = 0
        for frame in self.frames():
            frames += 1
            first_us = frame.t_us if first_us is None else min(first_us, frame.t_us)
            last_us = frame.t_us if last_us is None else max(last_us, frame.t_us)
        if first_us is None or last_us is None:
            return None
        return Span(first_us, last_us, frames)
