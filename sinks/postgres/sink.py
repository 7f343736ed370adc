"""The PostgreSQL sink: records in, rows in the partition of their end until it is dropped.

Everything of a write holds with one commit: rows, counts, remembered ids and how far every
partition is. A kill at any point loses and doubles nothing. One process writes a store at a time
(a lock of its connection says so); sweeps, readers and erasures run beside it. Everything blocks.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final

from sinks.port.admission import AdmittedRecord, admit_record, by_partition, ids_of
from sinks.port.allowed import Judge
from sinks.port.duplicates import Seen
from sinks.port.records import RecordReadings
from sinks.port.refusals import Refusals
from sinks.port.results import Place as KeptPlace
from sinks.port.results import Written
from sinks.port.sink import OtherTopicError
from sinks.postgres import locks
from sinks.postgres.connection import Connection, Database, told
from sinks.postgres.counts import Place, add_count
from sinks.postgres.migrations import copied_as, migrate
from sinks.postgres.progress import At, Progress, Spot
from sinks.postgres.rows import NewRows, Storable, copy_rows
from sinks.postgres.steps import Hook, Step, go_on
from sinks.postgres.stored import StoredPostgres
from sinks.postgres.stored_ids import stored_ids
from sinks.postgres.tables import add_output, add_part, hold_part, known_outputs
from telemetry.arrived import Arrived
from telemetry.wire.erasure import EraseCommand

BUCKETS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class PostgresSettings:
    """How a store is written."""

    buckets: int = 4
    """Of partitions made from now on. More: an erasure rewrites less; 10 subjects each."""
    window: int = 50_000
    """Records per topic-partition in which a duplicate is recognised: more than arrive there
    between a worker's death and its successor's first commit (session timeout x rate)."""

    def __post_init__(self) -> None:
        if not 1 <= self.buckets <= BUCKETS_MAX:
            msg = f"a partition has from 1 to {BUCKETS_MAX} buckets"
            raise ValueError(msg)


class PostgresSink(StoredPostgres):
    """The ``Sink`` in PostgreSQL, and its ``Store``.

    ``outputs`` maps each topic to its output's id. ``judge`` holds each record against the policy;
    without it none is. Opening makes or migrates the tables; it raises ``StoreTakenError`` while
    another writer lives, ``StoreFormatError`` if the tables are of a later version, OSError if
    PostgreSQL cannot be reached.
    """

    def __init__(
        self,
        database: Database,
        outputs: Mapping[str, str],
        settings: PostgresSettings | None = None,
        *,
        judge: Judge | None = None,
        at: Hook = go_on,
        wait_s: float = 2.0,
    ) -> None:
        super().__init__(database, at)
        self._settings = settings or PostgresSettings()
        self._outputs = dict(outputs)
        self._judge = Storable(judge)
        self._refusals = Refusals()
        self._bound: dict[str, str] = {}
        self._turn = Lock()
        self._sound = True
        self._writer = database.connect("sink", writes=True)
        try:
            with told():
                self._open(wait_s)
        except BaseException:
            self._writer.close()
            raise

    def _open(self, wait_s: float) -> None:
        schema = self._database.schema
        locks.take(self._writer, schema, locks.SINK, wait_s)
        migrate(self._writer, schema)
        for output in sorted({*self._outputs.values()} - known_outputs(self._writer).keys()):
            add_output(self._writer, schema, output)
        self._numbers = known_outputs(self._writer)
        self._progress = Progress(self._writer, self._settings.window)
        self._is_copy = copied_as(self._writer) is not None

    def position(self, topic: str, partition: int) -> int | None:
        """See ``Sink``; of a copy, 0 before the first: its group has read what came after it."""
        at = self._progress.at((topic, partition))
        if at is None:
            return 0 if self._is_copy else None
        return at.next_offset

    def places(self) -> Mapping[Spot, KeptPlace]:
        """See ``Sink``."""
        return self._progress.places()

    def bind(self, topic: str, topic_id: str) -> None:
        """See ``Sink``."""
        with self._changing() as writer:
            mine = self._progress.of_topic(topic)
            if any(at.topic_id not in (None, topic_id) for at in mine.values()):
                raise OtherTopicError(topic)
            unnamed = {
                spot: at._replace(topic_id=topic_id)
                for spot, at in mine.items()
                if at.topic_id is None
            }
            self._move(writer, unnamed)
            self._bound[topic] = topic_id

    def adopt(self, topic: str, topic_id: str, ends: Mapping[int, int]) -> None:
        """See ``Sink``; all partitions in one transaction."""
        with self._changing() as writer:
            there = {partition for _, partition in self._progress.of_topic(topic)}
            begun = {
                (topic, partition): At(0, topic_id, ends.get(partition, 0))
                for partition in there | ends.keys()
            }
            self._move(writer, begun)
            self._bound[topic] = topic_id

    def refuse(self, commands: Sequence[EraseCommand]) -> None:
        """See ``Sink``; it waits for a ``write`` or ``forget``."""
        refusals = Refusals(commands)
        with self._turn:
            self._refusals = refusals

    def write(self, records: Sequence[Arrived], now_ms: int) -> Written:
        """See ``Sink``. All of it holds with one commit.

        After an exception the sink refuses further writes: open it again. A record of a topic that
        is in no output raises KeyError: that is a wiring fault, not a record's.
        """
        with self._changing() as writer:
            total = Written()
            places, seen = dict[Spot, At](), dict[Spot, Sequence[Seen]]()
            kept = dict[Place, NewRows]()
            for spot, group in by_partition(records).items():
                output = self._outputs[spot[0]]
                admitted = self._admitted(writer, spot, output, group, now_ms)
                total = total.plus(admitted.written)
                if admitted.last is None:
                    continue
                places[spot] = self._next(spot, admitted.last + 1)
                seen[spot] = admitted.seen
                _gather(kept, self._numbers[output], admitted.kept)
            if places:
                self._store(writer, places, seen, kept)
            return total

    def pass_over(self, topic: str, partition: int, offset: int, now_ms: int) -> None:
        """See ``Sink``."""
        del now_ms
        with self._changing() as writer:
            position = self.position(topic, partition)
            if position is None or position <= offset:
                spot = (topic, partition)
                self._move(writer, {spot: self._next(spot, offset + 1)})

    def forget(self, now_ms: int) -> None:
        """See ``Sink``; nothing once it is closed."""
        with self._turn, told():
            if not self._writer.closed:
                self._progress.forget(self._writer, now_ms)

    def join(self, now_ms: int) -> int:
        """See ``Sink``; a partition is one piece."""
        del now_ms
        return 0

    def close(self) -> None:
        """End: what was written stays, another writer may open the store."""
        with self._turn:
            self._sound = False
            self._writer.close()
        super().close()

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        with self._turn, told():
            if not self._sound:
                msg = "a change failed before, or this sink is closed: open it again"
                raise RuntimeError(msg)
            self._sound = False
            try:
                yield self._writer
            except OtherTopicError:
                self._sound = True
                raise
            self._sound = True

    def _store(
        self,
        writer: Connection,
        places: Mapping[Spot, At],
        seen: Mapping[Spot, Sequence[Seen]],
        kept: Mapping[Place, NewRows],
    ) -> None:
        with writer.transaction():
            _make_room(writer, kept, self._settings.buckets)
            for output in sorted({place.output for place in kept}):
                copy_rows(
                    writer, output, (kept[one] for one in sorted(kept) if one.output == output)
                )
            spots = self._progress.store(writer, places, seen)
            self._at(Step.COPIED)
        self._progress.take(spots, places, seen)

    def _move(self, writer: Connection, places: Mapping[Spot, At]) -> None:
        if places:
            self._store(writer, places, {}, {})

    def _admitted(
        self,
        writer: Connection,
        spot: Spot,
        output: str,
        records: Sequence[Arrived],
        now_ms: int,
    ) -> AdmittedRecord:
        at = self._progress.at(spot)
        stored = frozenset[str]()
        if at is not None and records[0].offset < at.stored_before:
            stored = stored_ids(writer, self._numbers[output], ids_of(records))
        return admit_record(
            records,
            output,
            None if at is None else at.next_offset,
            self._progress.window(spot),
            now_ms,
            self._judge,
            stored,
            refusals=self._refusals.of(output),
        )

    def _next(self, spot: Spot, offset: int) -> At:
        """The place after what is kept now."""
        before = self._progress.at(spot) or At()
        topic_id = before.topic_id or self._bound.get(spot[0])
        return At(offset, topic_id, before.stored_before)


def _gather(kept: dict[Place, NewRows], output: int, records: Sequence[RecordReadings]) -> None:
    for record in records:
        if record.runs:
            kept.setdefault(Place(output, record.expires_ms), NewRows()).records.append(record)


def _make_room(writer: Connection, kept: Mapping[Place, NewRows], buckets: int) -> None:
    """Hold the partitions of these rows and count them; make those that are not there."""
    made = [
        place for place in sorted(kept) if hold_part(writer, *place, buckets, kept[place].oldest_ms)
    ]
    for place in made:
        add_part(writer, *place, buckets)
    for place in sorted(kept):
        for version, (rows, readings) in sorted(kept[place].counts().items()):
            add_count(writer, place, version, rows, readings)
    numbers = sorted({place.output for place in kept})
    writer.execute(
        "UPDATE _outputs SET had_rows = true WHERE NOT had_rows AND number = ANY(%s)", (numbers,)
    )
