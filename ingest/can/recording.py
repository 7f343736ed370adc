"""The work of ``roadfade replay``: files on disk to envelopes, with progress.

In: paths, a device, the plan's collected paths and now. Out: envelopes. Blocking reads;
the capture is read once and held, since its whole clock decides by how much times are shifted;
a second time only if it takes more memory than it may.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final

from ingest.batching import Source
from ingest.can.binding import bind
from ingest.can.bound_map import BoundMap
from ingest.can.decode import load_decoder
from ingest.can.mapping import SignalMap, load_map, shipped_maps
from ingest.can.one_bus import OneBus
from ingest.can.replay import ReplayCounts, replay
from ingest.can.shift import shifts_us
from ingest.logs.capture import Capture
from ingest.logs.frame import LogCounts, LoggedFrame
from ingest.logs.held import HELD_MIB, Held
from ingest.logs.timeline import Timeline
from ingest.refused import Refused
from telemetry.identity import DeviceId
from telemetry.signals import Catalogue
from telemetry.wire.envelope import Envelope, Quality

READ_FROM: Final = "can"
"""The source that every envelope of a recording names."""
_PROGRESS_EVERY: Final = 500

Progress = Callable[[int, int], None]


class Recording:
    """One capture with its database and map, ready to be replayed any number of times.

    ``map_name``: a path, or the name of a shipped map. ``bus``: the bus that the map is
    about, for a map that does not name it. ``held_mib_max``: memory that the capture's frames
    may take; a larger capture is read twice. ``Refused`` if one of the files cannot be used, or
    if the map does not fit its database.
    """

    def __init__(
        self,
        log: Path,
        database: Path,
        map_name: str,
        catalogue: Catalogue,
        zone: tzinfo = UTC,
        bus: str | None = None,
        held_mib_max: int = HELD_MIB,
    ) -> None:
        map_path = shipped_maps().get(map_name, Path(map_name))
        self.capture = Capture(log, zone)
        self.counts = ReplayCounts()
        """Counts of the latest (or running) replay; ``capture.counts`` has the frames'."""
        self.clock = Timeline((), ())
        """What the latest replay found of the capture's clock."""
        self._signals: SignalMap = load_map(map_path, catalogue)
        self._bound: BoundMap = bind(self._signals, load_decoder(database), bus)
        self._held_mib_max = held_mib_max
        self._digest = _digest(bus or "", log, database, map_path)

    @property
    def paths(self) -> frozenset[str]:
        """The catalogue paths its map can yield."""
        return frozenset(mapped.signal.path for mapped in self._signals.by_source.values())

    def envelopes(
        self,
        device: DeviceId,
        collected: AbstractSet[str],
        now_ms: int,
        *,
        keep_time: bool = False,
        quality: Quality = "rtc",
        on_progress: Progress = lambda _done, _total: None,
    ) -> Iterator[Envelope]:
        """The capture's envelopes; the same device and files give the same ids, whatever now is.

        Without ``keep_time`` the last frame is moved to now, and the others with it (shift.py).
        ``on_progress(frames done, frames in all)`` is called now and then and at the end.
        """
        held = Held(self._held_mib_max)
        one_bus = OneBus(self._bound, self.capture.path.name)
        told = self.capture.timeline(held.keep, one_bus.see)
        self.clock = told
        if not told.parts:
            name = self.capture.path.name
            why = _why_nothing(self.capture.counts, told)
            msg = f"{name} holds no data frame with a usable time{why}: there is nothing to replay."
            raise Refused(msg)
        one_bus.require()
        moved = shifts_us(told.parts, now_ms, keep_time=keep_time)
        base_us = next(shift for shift in reversed(moved) if shift is not None)
        source = Source(device, self._digest, quality, READ_FROM, base_us // 1000)
        self.counts = ReplayCounts()
        read = held.frames() if held.whole else self.capture.frames()
        moves_us = [s if s is None else s - base_us for s in moved]
        frames = _placed(read, self.capture, told, moves_us)
        frames = _reporting(frames, told.frames, on_progress)
        yield from replay(frames, self._bound, collected, source, base_us, self.counts)


def _why_nothing(counts: LogCounts, told: Timeline) -> str:
    """What was found instead, in brackets."""
    found = [
        *(["it ends before its end or is damaged"] if counts.truncated else []),
        *([f"lines that are no frames: {counts.bad}"] if counts.bad else []),
        *([f"times that cannot be right: {told.wild}"] if told.wild else []),
    ]
    return f" ({'; '.join(found)})" if found else ""


def _placed(
    read: Iterator[LoggedFrame], capture: Capture, told: Timeline, moves_us: Sequence[int | None]
) -> Iterator[LoggedFrame]:
    """The frames of the parts that are taken, each moved by its part's move; others are counted."""
    parts = told.part_of_each()
    for frame in read:
        # A log that has grown since its clock was read has more frames than parts.
        part = next(parts, None)
        move_us = None if part is None else moves_us[part]
        if move_us is None:
            capture.counts.data -= 1
            capture.counts.bad_stamps += 1
        else:
            yield frame._replace(t_us=frame.t_us + move_us) if move_us else frame


def _reporting(
    frames: Iterator[LoggedFrame], whole: int, on_progress: Progress
) -> Iterator[LoggedFrame]:
    done = 0
    for done, frame in enumerate(frames, start=1):
        if done % _PROGRESS_EVERY == 0:
            on_progress(done, whole)
        yield frame
    on_progress(done, whole)


def _digest(bus: str, *paths: Path) -> str:
    whole = hashlib.sha256(bus.encode())
    for path in paths:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
