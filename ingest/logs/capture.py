"""One recorded capture on disk: its form, its frames, its clock, its counts."""

from collections.abc import Callable, Iterator
from datetime import UTC, tzinfo
from pathlib import Path
from typing import assert_never

from ingest.logs.binary import read_binary
from ingest.logs.frame import LogCounts, LoggedFrame
from ingest.logs.sniff import Form, sniff
from ingest.logs.text import read_text
from ingest.logs.timeline import Timeline, timeline
from ingest.refused import Refused


class Capture:
    """A file of CAN frames. Blocking reads; iterate ``frames`` as often as needed."""

    def __init__(self, path: Path, zone: tzinfo = UTC) -> None:
        self.path = path
        self.form, self._encoding = sniff(path)
        self.counts = LogCounts()
        """What the latest (or running) iteration has read."""
        self._zone = zone

    def frames(self) -> Iterator[LoggedFrame]:
        """Every data frame in the order of the file; counts begin anew. ``Refused`` if unreadable.

        ``zone`` places the times of logs that show a wall clock and name no zone.
        """
        counts = self.counts = LogCounts()
        match self.form:
            case Form.BLF | Form.MF4:
                yield from read_binary(self.form, self.path, counts, self._zone)
            case Form.CANDUMP | Form.ASC | Form.TRC:
                with self.path.open(encoding=self._encoding, errors="replace") as file:
                    yield from read_text(self.form, file, counts, self._zone)
            case _:
                assert_never(self.form)

    def timeline(self, *seen_by: Callable[[LoggedFrame], None]) -> Timeline:
        """Read the whole file once, for its clock. ``Refused`` as ``frames``.

        ``seen_by``: who else is shown each frame on the way.
        """

        def stamps_us() -> Iterator[int]:
            for frame in self.frames():
                for see in seen_by:
                    see(frame)
                yield frame.t_us

        try:
            return timeline(stamps_us())
        except OverflowError as error:
            msg = f"{self.path.name} is in no order of time: {error}. Sort it, or split it by bus."
            raise Refused(msg) from None
