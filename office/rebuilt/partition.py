"""What lies in one partition of a control topic, and how far the office's heartbeats vouch for it.

In: its records in order. Out: the live rows, the newest heartbeat beside what lay there as it came,
and what changed behind it, for which nobody vouches. Pure.
"""

from typing import Final, NamedTuple

import msgspec

from telemetry.topics import HEARTBEAT_KEY
from telemetry.wire.control import Heartbeat, decode_row
from telemetry.wire.topic_contents import Contents, RunningContents

SILENT: Final = Heartbeat(0, 0)
"""What cannot be read as a heartbeat stands for one that says nothing."""


class Behind(NamedTuple):
    """A row that was replaced or deleted behind the newest heartbeat."""

    key: bytes
    before: bytes
    now: bytes | None


class Lying:
    """One partition as it is read."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}
        self.beat: Heartbeat | None = None
        """The newest; None: there is none."""
        self.at_beat: Contents = RunningContents().contents
        """What lay there as it came."""
        self.high_water = 0
        """The highest that any heartbeat said."""
        self.behind: list[Behind] = []
        self.new: set[bytes] = set()
        """Keys of rows that came behind it."""
        self.unvouched = 0
        """Records behind the newest heartbeat."""
        self._beat_at = -1
        self._aside = -1
        self._contents = RunningContents()

    @property
    def passed_over(self) -> bool:
        """Whether records that no heartbeat vouches for could not be unpacked.

        What a heartbeat behind them tells of is compared with all that was read.
        """
        return self._aside > self._beat_at

    def take(self, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Take one record; one without a key says nothing of any row."""
        if key is None:
            return
        if key == HEARTBEAT_KEY:
            if value is not None:
                self._hear(offset, _heartbeat_of(value))
            return
        before = self.rows.pop(key, None)
        if value is not None:
            self.rows[key] = value
            if before is None:
                self.new.add(key)
        self._contents.take(key, value)
        self.unvouched += 1
        if before is not None and before != value:
            self.behind.append(Behind(key, before, value))

    def pass_over(self, last: int) -> None:
        """Records up to this offset lay there that nobody could read."""
        self._aside = last

    def _hear(self, offset: int, beat: Heartbeat) -> None:
        self.beat, self.at_beat, self._beat_at = beat, self._contents.contents, offset
        self.high_water = max(self.high_water, beat.high_water)
        self.behind, self.new, self.unvouched = [], set(), 0


def _heartbeat_of(value: bytes) -> Heartbeat:
    try:
        row = decode_row(value)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return SILENT
    return row if isinstance(row, Heartbeat) else SILENT
