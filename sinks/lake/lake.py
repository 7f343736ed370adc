"""The Parquet lake: records in, rows on disk until they expire.

A batch's parts are written and synced under temporary names, renamed, and only then does
the topic-partition's marker move, so a kill at any point loses and doubles nothing. One
process writes a lake at a time (a lock says so); sweeps, queries and erasures run beside
it. Many small parts stay many small parts: there is no compaction yet, so give ``write``
seconds of records, not single ones. Everything here blocks.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal

from sinks.lake.cleanup import announce, remove_half_written
from sinks.lake.durable import make_directory, move, sync_file, sync_if_there
from sinks.lake.format import settle_buckets
from sinks.lake.layout import OFFSETS, Part, bucket_directory, bucket_of, checked_root
from sinks.lake.markers import Markers, read_owner
from sinks.lake.parquet import connect, write_records
from sinks.lake.room import told_if_full
from sinks.lake.steps import Hook, Step, go_on
from sinks.lake.stored import StoredLake
from sinks.lake.stored_ids import stored_ids
from sinks.lake.workplace import Workplace
from sinks.port.admission import admit_record, by_partition, ids_of
from sinks.port.allowed import Judge
from sinks.port.records import RecordReadings
from sinks.port.results import Written
from sinks.port.sink import OtherTopicError
from telemetry.arrived import Arrived


@dataclass(frozen=True, slots=True)
class LakeSettings:
    """How a lake is written. ``buckets`` is fixed by the first writer."""

    buckets: int = 4
    """More buckets: more files that an erasure leaves alone, more small files; 10 subjects each."""
    window: int = 50_000
    """Records per topic-partition in which a duplicate is recognised: more than arrive there
    between a worker's death and its successor's first commit (session timeout x rate)."""
    compression: Literal["zstd", "uncompressed"] = "zstd"
    """``uncompressed`` only if planted markers are searched for: compression hides them."""
    memory_mb: int = 256
    threads: int = 1


class Lake(StoredLake):
    """The ``Sink`` on disk, and its ``Store``. ``outputs`` maps each topic to its output's id.

    ``judge`` holds each record against the policy; without it none is.
    Opening removes what a killed writer left half done, as far as that is proved; it raises
    ``WorkplaceTakenError`` while another writer lives, ``LakeFormatError`` if the lake has other
    buckets, or has lost something that only a guess could replace, and ``StoreFullError``.
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
        self._turn = Lock()
        self._sound = True
        with told_if_full():
            make_directory(self._root)
            self._workplace = Workplace(self._root, "sink", wait_s)
            with self._workplace.kept_if_done():
                settle_buckets(self._root, self._settings.buckets)
                remove_half_written(self._root)
                self._markers = dict(self._stored_markers())
                self._bound: dict[str, str] = {}
                spill = self._workplace.path / "spill"
                self._engine = connect(spill, self._settings.memory_mb, self._settings.threads)

    def position(self, topic: str, partition: int) -> int | None:
        """See ``Sink``."""
        markers = self._markers.get((topic, partition))
        return None if markers is None else markers.position

    def bind(self, topic: str, topic_id: str) -> None:
        """See ``Sink``."""
        with self._turn, told_if_full():
            mine = [markers for (name, _), markers in self._markers.items() if name == topic]
            if any(one.topic_id not in (None, topic_id) for one in mine):
                raise OtherTopicError(topic)
            for one in mine:
                one.bind(topic_id, self._workplace.path, self._at)
            self._bound[topic] = topic_id

    def adopt(self, topic: str, topic_id: str, ends: Mapping[int, int]) -> None:
        """See ``Sink``. A kill in between leaves some partitions adopted: adopt again."""
        with self._turn, told_if_full():
            there = {number for name, number in self._markers if name == topic}
            for number in sorted(there | ends.keys()):
                end = ends.get(number, 0)
                self._markers_of(topic, number).adopt(topic_id, end, self._workplace.path, self._at)
            self._bound[topic] = topic_id

    def write(self, records: Sequence[Arrived], now_ms: int) -> Written:
        """See ``Sink``. Each topic-partition of the batch becomes durable on its own.

        After an exception the lake refuses further writes: open it again. A record of a
        topic that is in no output raises KeyError: that is a wiring fault, not a record's.
        """
        with self._changing():
            total = Written()
            for (topic, partition), group in by_partition(records).items():
                total = total.plus(self._write_group(topic, partition, group, now_ms))
            return total

    def pass_over(self, topic: str, partition: int, offset: int, now_ms: int) -> None:
        """See ``Sink``: a marker without ids, as of a batch that held nothing to keep."""
        with self._changing():
            markers = self._markers_of(topic, partition)
            if markers.position is None or markers.position <= offset:
                markers.advance(offset + markers.base, (), now_ms, self._workplace.path, self._at)

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
        """See ``Sink``."""
        with self._turn, told_if_full():
            for markers in self._markers.values():
                markers.forget(now_ms, self._workplace.path, self._at)

    def close(self) -> None:
        """End: stored rows stay, temporary files go, another writer may open the lake."""
        self._engine.close()
        self._workplace.close()

    def _write_group(
        self, topic: str, partition: int, records: Sequence[Arrived], now_ms: int
    ) -> Written:
        output = self._outputs[topic]
        markers = self._markers_of(topic, partition)
        stored = frozenset[str]()
        if records[0].offset < markers.stored_before:
            stored = stored_ids(self._engine, self._root, output, ids_of(records))
        admitted = admit_record(
            records, output, markers.position, markers.window, now_ms, self._judge, stored
        )
        if admitted.first is None or admitted.last is None:
            return admitted.written
        first, last = admitted.first + markers.base, admitted.last + markers.base
        part = Part(topic, partition, first, last)
        written = self._write_parts(output, part, admitted.kept)
        finals = [final for _, final in written]
        note = announce(self._root, part, markers.last, finals, self._workplace.path)
        self._publish(written)
        markers.advance(last, admitted.seen, now_ms, self._workplace.path, self._at)
        if note is not None:
            note.unlink(missing_ok=True)
        return admitted.written

    def _markers_of(self, topic: str, partition: int) -> Markers:
        markers = self._markers.get((topic, partition))
        if markers is None:
            markers = Markers(self._root, topic, partition, self._settings.window)
            markers.topic_id = self._bound.get(topic)
            self._markers[topic, partition] = markers
        return markers

    def _write_parts(
        self, output: str, part: Part, records: Sequence[RecordReadings]
    ) -> list[tuple[Path, Path]]:
        """Every part durable under its temporary name: pairs of (temporary, final)."""
        places: dict[tuple[int, int], list[RecordReadings]] = {}
        for record in records:
            bucket = bucket_of(record.pseudonym, self._settings.buckets)
            if record.runs:
                places.setdefault((record.expires_ms, bucket), []).append(record)
        written = []
        for number, ((expires_ms, bucket), kept) in enumerate(sorted(places.items())):
            temporary = self._workplace.path / f"{number}.parquet"
            write_records(self._engine, temporary, kept, self._settings.compression)
            self._at(Step.TEMPORARY_WRITTEN)
            sync_file(temporary)
            self._at(Step.TEMPORARY_DURABLE)
            directory = bucket_directory(self._root, output, expires_ms, bucket)
            written.append((temporary, directory / part.name))
        return written

    def _publish(self, written: Sequence[tuple[Path, Path]]) -> None:
        for temporary, final in written:
            move(temporary, final)
            self._at(Step.PART_RENAMED)
        for _, final in written:
            sync_if_there(final.parent)
        self._at(Step.PART_DURABLE)

    def _stored_markers(self) -> Iterator[tuple[tuple[str, int], Markers]]:
        for directory in sorted((self._root / OFFSETS).glob("*")):
            owner = read_owner(directory.name)
            if owner is not None:
                yield owner, Markers(self._root, *owner, self._settings.window)
