"""The Parquet lake: records in, rows on disk until they expire.

Everything of a write becomes durable in one checkpoint: a part for each output and expiry, of all
partitions and buckets together, and how far every partition is. A kill at any point loses and
doubles nothing. One process writes a lake at a time (a lock says so); sweeps, queries and erasures
run beside it. Small parts are merged beside ``write``, by ``join``. Everything here blocks.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final, Literal

from msgspec.structs import replace

from sinks.lake.checkpoints import At
from sinks.lake.durable import make_directory
from sinks.lake.gathered import Gathered, write_parts
from sinks.lake.layout import COPY_FILE, checked_root, partition_of, partitions
from sinks.lake.merge import Merger
from sinks.lake.opening import open_checkpoints
from sinks.lake.progress import NOTHING, Progress, Spot
from sinks.lake.room import told_if_full
from sinks.lake.steps import Hook, go_on
from sinks.lake.store_name import settle_name
from sinks.lake.stored import StoredLake
from sinks.lake.stored_ids import stored_ids
from sinks.lake.workplace import SINK, Workplace
from sinks.lake.writing import Checkpoints, WrittenPart
from sinks.port.admission import AdmittedRecord, admit_record, by_partition, ids_of
from sinks.port.allowed import Judge
from sinks.port.duplicates import Seen
from sinks.port.refusals import Refusals
from sinks.port.results import Place, Written
from sinks.port.sink import OtherTopicError
from telemetry.arrived import Arrived
from telemetry.wire.erasure import EraseCommand

_NEW_MAX: Final = 10_000
"""Of parts beyond, a merge reads the footers to know how many rows there are."""


@dataclass(frozen=True, slots=True)
class LakeSettings:
    """How a lake is written."""

    buckets: int = 4
    """More buckets: more files that an erasure leaves alone, more files; 10 subjects each."""
    window: int = 50_000
    """Records per topic-partition in which a duplicate is recognised: more than arrive there
    between a worker's death and its successor's first commit (session timeout x rate)."""
    compression: Literal["zstd", "uncompressed"] = "zstd"
    """``uncompressed`` only if planted markers are searched for: compression hides them."""


class Lake(StoredLake):
    """The ``Sink`` on disk, and its ``Store``. ``outputs`` maps each topic to its output's id.

    ``judge`` holds each record against the policy; without it none is.
    Opening removes what a killed writer left half done, as far as that is proved; it raises
    ``WorkplaceTakenError`` while another writer lives, ``LakeFormatError`` if the lake is of a
    newer format, or has lost something that only a guess could replace, and ``StoreFullError``.
    """

    def __init__(
        self,
        root: Path,
        outputs: Mapping[str, str],
        settings: LakeSettings | None = None,
        *,
        judge: Judge | None = None,
        at: Hook = go_on,
        wait_s: float = 2.0,
    ) -> None:
        self._settings = settings or LakeSettings()
        super().__init__(checked_root(root), self._settings.compression, at)
        self._outputs = dict(outputs)
        self._judge = judge
        self._gathered = Gathered(self._outputs.values(), judge)
        self._refusals = Refusals()
        self._turn = Lock()
        self._sound = True
        self._bound: dict[str, str] = {}
        self._is_copy = (self._root / COPY_FILE).exists()
        with told_if_full():
            make_directory(self._root)
            self._workplace = Workplace(self._root, SINK, wait_s)
            with self._workplace.kept_if_done():
                place, buckets = self._workplace.path, self._settings.buckets
                found = open_checkpoints(self._root, buckets, place, at)
                settle_name(self._root, place)
                self._progress = Progress(found, self._settings.window)
                number = found[-1].number
                self._checkpoints = Checkpoints(self._root, self._progress, number, place, at)
                self._merger = Merger(self._root, place, buckets, self._settings.compression, at)
        self._merging = Lock()
        self._closing = False
        self._unmerged = set(partitions(self._root))
        """Partitions in which parts may be worth merging."""
        self._new = deque[tuple[Path, int]](maxlen=_NEW_MAX)
        """Parts that no merge has seen yet, and how many rows each has."""

    def position(self, topic: str, partition: int) -> int | None:
        """See ``Sink``; of a copy, 0 before the first: its group has read what came after it."""
        at = self._progress.at((topic, partition))
        if at is None:
            return 0 if self._is_copy else None
        return at.next_offset

    def places(self) -> Mapping[Spot, Place]:
        """See ``Sink``."""
        return self._progress.places()

    def bind(self, topic: str, topic_id: str) -> None:
        """See ``Sink``."""
        with self._turn, told_if_full():
            mine = self._progress.of_topic(topic)
            if any(one.topic_id not in (None, topic_id) for one in mine):
                raise OtherTopicError(topic)
            unnamed = [one for one in mine if one.topic_id is None]
            if unnamed:
                named = [replace(one, topic_id=topic_id) for one in unnamed]
                self._checkpoints.close(named, {}, 0)
            self._bound[topic] = topic_id

    def adopt(self, topic: str, topic_id: str, ends: Mapping[int, int]) -> None:
        """See ``Sink``; all partitions in one checkpoint."""
        with self._turn, told_if_full():
            there = {one.partition for one in self._progress.of_topic(topic)}
            begun = [
                At(topic, number, 0, topic_id, ends.get(number, 0))
                for number in sorted(there | ends.keys())
            ]
            if begun:
                self._checkpoints.close(begun, {}, 0)
            self._bound[topic] = topic_id

    def write(self, records: Sequence[Arrived], now_ms: int) -> Written:
        """See ``Sink``. All of it becomes durable in one checkpoint.

        After an exception the lake refuses further writes: open it again. A record of a
        topic that is in no output raises KeyError: that is a wiring fault, not a record's.
        """
        with self._changing():
            total = Written()
            places = list[At]()
            seen = dict[Spot, Sequence[Seen]]()
            self._gathered.begin()
            for spot, group in by_partition(records).items():
                output = self._outputs[spot[0]]
                admitted = self._admitted(spot, output, group, now_ms)
                total = total.plus(admitted.written)
                if admitted.last is None:
                    continue
                places.append(self._next(spot, admitted.last + 1))
                seen[spot] = admitted.seen
                self._gathered.put(output, admitted.kept)
            if places:
                rows, how = self._gathered.take(), self._settings.compression
                parts = write_parts(rows, self._workplace.path, how, self._at)
                made = self._checkpoints.close(places, seen, now_ms, parts)
                self._unmerged |= {partition_of(path) for path in made}
                self._know(made, parts)
            return total

    def refuse(self, commands: Sequence[EraseCommand]) -> None:
        """See ``Sink``; it waits for a ``write``, a merge's checkpoint, or ``forget``."""
        refusals = Refusals(commands)
        with self._turn:
            self._refusals = refusals

    def pass_over(self, topic: str, partition: int, offset: int, now_ms: int) -> None:
        """See ``Sink``: a checkpoint without ids, as of a batch that held nothing to keep."""
        with self._changing():
            position = self.position(topic, partition)
            if position is None or position <= offset:
                moved = self._next((topic, partition), offset + 1)
                self._checkpoints.close([moved], {}, now_ms)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._turn, told_if_full():
            if not self._sound:
                msg = "a write failed before: close this lake and open it again"
                raise RuntimeError(msg)
            self._sound = False
            yield
            self._sound = True

    def forget(self, now_ms: int) -> None:
        """See ``Sink``; nothing once it is closed, as another writer may be at work then."""
        with self._turn, told_if_full():
            if not self._closing and self._progress.forget(now_ms):
                self._checkpoints.close((), {}, now_ms, whole=True)

    def join(self, now_ms: int) -> int:
        """See ``Sink``: merges where parts came, at most some million rows in one call."""
        with self._merging, told_if_full():
            if self._closing:
                return 0
            with self._turn:
                places, self._unmerged = sorted(self._unmerged), set()
                new = list(self._new)
                self._new.clear()
            if not places:
                return 0
            self._merger.know(new)
            merged = 0

            def publish(written: Sequence[WrittenPart], old: Sequence[Path]) -> None:
                nonlocal merged
                if self._publish_merged(written, old, now_ms):
                    merged += len(old)

            again = self._merger.merge(places, now_ms, publish)
            with self._turn:
                self._unmerged |= again
            return merged

    def _publish_merged(
        self, written: Sequence[WrittenPart], old: Sequence[Path], now_ms: int
    ) -> bool:
        with self._turn, told_if_full():
            # A part that was swept meanwhile must not come back.
            if not self._sound or not all(path.exists() for path in old):
                return False
            self._sound = False
            self._know(self._checkpoints.close((), {}, now_ms, written, old), written)
            self._sound = True
            return True

    def _know(self, paths: Sequence[Path], parts: Sequence[WrittenPart]) -> None:
        self._new.extend(zip(paths, (part.rows for part in parts), strict=True))

    def close(self) -> None:
        """End: stored rows stay, temporary files go, another writer may open the lake."""
        self._closing = True
        with self._merging, self._turn:  # what is under way ends first, and nothing comes after it
            self._sound = False
            self._workplace.close()

    def _admitted(
        self,
        spot: Spot,
        output: str,
        records: Sequence[Arrived],
        now_ms: int,
    ) -> AdmittedRecord:
        at = self._progress.at(spot)
        stored = frozenset[str]()
        if at is not None and records[0].offset < at.stored_before:
            stored = stored_ids(self._root, output, ids_of(records))
        position = None if at is None else at.next_offset
        window = self._progress.window(spot)
        usual = self._gathered.usual(output)
        refused = self._refusals.of(output)
        judge = self._judge
        return admit_record(
            records, output, position, window, now_ms, judge, stored, usual, refused
        )

    def _next(self, spot: Spot, offset: int) -> At:
        """The place after what is kept now."""
        before = self._progress.at(spot) or NOTHING
        topic_id = before.topic_id or self._bound.get(spot[0])
        return At(*spot, offset, topic_id, before.stored_before)
