"""The work of ``roadfade replay``: files on disk to envelopes, with progress.

In: paths, a device, the plan's collected paths and now. Out: envelopes. Blocking reads;
the capture is read first for its last frame, which decides by how much times are moved,
and for its buses.
"""

import hashlib
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Final

from ingest.batching import Source
from ingest.can.binding import BoundMap, bind
from ingest.can.decode import load_decoder
from ingest.can.mapping import SignalMap, load_map, shipped_maps
from ingest.can.replay import ReplayCounts, replay
from ingest.can.shift import shift_us
from ingest.logs.capture import Capture, Span
from ingest.logs.frame import LoggedFrame
from ingest.refused import Refused
from telemetry.envelope import Envelope, Quality
from telemetry.identity import DeviceId
from telemetry.signals import Catalogue

_PROGRESS_EVERY: Final = 500

Progress = Callable[[int, int], None]


class Recording:
    """One capture with its database and map, ready to be replayed any number of times.

    ``map_name``: a path, or the name of a shipped map. ``bus``: the bus that the map is
    about, for a map that does not name it. ``Refused`` if one of the files cannot be used,
    or if the map does not fit its database.
    """

    def __init__(
        self,
        log: Path,
        database: Path,
        map_name: str,
        catalogue: Catalogue,
        zone: tzinfo = UTC,
        bus: str | None = None,
    ) -> None:
        map_path = shipped_maps().get(map_name, Path(map_name))
        self.capture = Capture(log, zone)
        self.counts = ReplayCounts()
        """Counts of the latest (or running) replay; ``capture.counts`` has the frames'."""
        self._signals: SignalMap = load_map(map_path, catalogue)
        self._bound: BoundMap = bind(self._signals, load_decoder(database), bus)
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

        ``on_progress(frames done, frames in all)`` is called now and then and at the end.
        """
        span = self.capture.span()
        if span is None:
            msg = f"{self.capture.path.name} holds no data frame: there is nothing to replay."
            raise Refused(msg)
        self._bound.require_one_bus(self.capture.frames(), self.capture.path.name)
        moved_us = shift_us(span.last_us, now_ms, keep_time=keep_time)
        source = Source(device, self._digest, quality, moved_us // 1000)
        self.counts = ReplayCounts()
        frames = _reporting(self.capture.frames(), span, on_progress)
        yield from replay(frames, self._bound, collected, source, moved_us, self.counts)


def _reporting(
    frames: Iterator[LoggedFrame], span: Span, on_progress: Progress
) -> Iterator[LoggedFrame]:
    done = 0
    for done, frame in enumerate(frames, start=1):
        if done % _PROGRESS_EVERY == 0:
            on_progress(done, span.frames)
        yield frame
    on_progress(done, span.frames)


def _digest(bus: str, *paths: Path) -> str:
    whole = hashlib.sha256(bus.encode())
    for path in paths:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
