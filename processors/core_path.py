"""The front of the core: slices of raw records in, outcomes out, in their order.

The core does usual envelopes. Whatever it has not been taught it asks for, and is taught it by the
same code that decides on the exact path; whatever is unusual the exact path does, in its turn.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple

from processors.column_plan import plan_columns
from processors.core import CoreState, core_state, record_batches, usual_path
from processors.core_tables import column_plan_bytes, device_bytes, minute_bytes, table_bytes
from processors.minimise import Minimised
from processors.processor import Processor
from processors.program import Decision
from processors.state.port import TimeState
from processors.tally import Tally
from telemetry.grids import h3_cell
from telemetry.instants import MINUTE_MS

USUAL_SPAN_MS: Final = 600_000
"""The core takes readings up to ten minutes after t0: as ``SPAN_MS`` in core/src/columns.rs."""
Raw = tuple[bytes | None, int]
"""A raw record's value, and when it was received (ms UTC)."""
Stopped = tuple[int, tuple[Any, ...] | None]
"""At which record the core stopped, and what it asks for; None: all are done."""
Run = Callable[[list[bytes | None], list[int], int], Stopped]


class Batch(NamedTuple):
    """Records for one partition, as ``bus.records.ReadyBatch``."""

    topic: str
    partition: int
    records: int
    data: bytes


def core_path(
    processor: Processor, compression: Literal["zstd"] | None = "zstd"
) -> "CorePath | None":
    """The processor with the core in front of it, where the core is there."""
    return CorePath(processor, compression) if core_state() is CoreState.CARRIES else None


class _Slice(NamedTuple):
    """Records of one partition, and where what becomes of them goes."""

    records: Sequence[Raw]
    now_ms: int
    tally: Tally
    state: TimeState
    run: Run
    """Has the core do what it can from a place on."""
    put: Callable[[list[Minimised]], None]
    """Takes what the exact path makes."""


class CorePath:
    """A processor whose usual envelopes the core does. Not thread-safe.

    States are those of a room that ``room_for`` made. ``compression`` is that of batches.
    """

    def __init__(self, processor: Processor, compression: Literal["zstd"] | None = "zstd") -> None:
        self._processor = processor
        self._program = processor.program
        self._path = usual_path(table_bytes(self._program), Minimised, h3_cell)
        self._topics = list(dict.fromkeys(route.output.topic for route in self._program.routes))
        self._number_of = {topic: number for number, topic in enumerate(self._topics)}
        self._batches = record_batches(compression)
        self._numbers: dict[Decision, int] = {}
        self._decisions: list[Decision] = []
        # One memory of ids for both paths: a reused one is noticed whichever path saw it first.
        processor.ids = self._path
        processor.answers.held_by(self._path)

    def process(
        self, records: Sequence[Raw], now_ms: int, tally: Tally, state: TimeState
    ) -> list[Minimised]:
        """As ``Processor.process`` for each record, whose partition ``state`` belongs to.

        Raises KeysNeeded if an epoch has no key yet: nothing of any record is counted in
        ``tally`` by the core then, and the state is as it was.
        """
        out: list[Minimised] = []

        def run(values: list[bytes | None], received_ms: list[int], place: int) -> Stopped:
            return self._path.run(values, received_ms, place, now_ms, state, out)

        self._all(_Slice(records, now_ms, tally, state, run, out.extend))
        return out

    def gather(self, records: Sequence[Raw], now_ms: int, tally: Tally, state: TimeState) -> None:
        """As ``process``, but what leaves waits in record batches for ``take``, behind the last.

        If it raises, nothing of these records waits.
        """
        batches = self._batches

        def run(values: list[bytes | None], received_ms: list[int], place: int) -> Stopped:
            return self._path.gather(values, received_ms, place, now_ms, state, batches)

        def put(records: Iterable[Minimised]) -> None:
            for one in records:
                number = self._number_of[one.topic]
                batches.append(number, one.partition, one.key, one.value, one.headers)

        batches.mark()
        try:
            self._all(_Slice(records, now_ms, tally, state, run, put))
        except BaseException:
            batches.roll_back()
            raise

    @property
    def held_bytes(self) -> int:
        """The bytes of all records that wait, before compression."""
        return self._batches.held_bytes

    def take(self) -> list[Batch]:
        """What waits, as Kafka record batches that lack their sender; nothing waits then."""
        return [
            Batch(self._topics[topic], partition, count, data)
            for topic, partition, count, data in self._batches.take()
        ]

    def drop(self) -> None:
        """Let nothing wait: it is not sent."""
        self._batches.clear()

    def _all(self, given: _Slice) -> None:
        """Every record in its turn, by the core or on the exact path; then count."""
        mark = given.state.mark()
        try:
            self._each(given)
        except BaseException:
            self._path.take_counted()
            given.state.roll_back(mark)
            raise
        rows, not_collected, envelopes, reused_ids = self._path.take_counted()
        for number, sums in rows.items():
            row = given.tally.row(self._decisions[number])
            for place, readings in enumerate(sums):
                row[place] += readings
        given.tally.not_collected += not_collected
        given.tally.envelopes += envelopes
        given.tally.reused_ids += reused_ids

    def _each(self, given: _Slice) -> None:
        records, now_ms, tally, state, run, put = given
        values = [value for value, _ in records]
        received_ms = [received for _, received in records]
        self._processor.answers.catch_up()
        place, asked_before = 0, None
        while place < len(records):
            place, ask = run(values, received_ms, place)
            if ask is None:
                return
            # What was taught and is asked for again cannot be kept: the exact path needs nothing.
            if (place, ask) != asked_before and self._teach(ask, now_ms):
                asked_before = place, ask
                continue
            value, received = records[place]
            put(self._processor.process(value, received, now_ms, tally, state))
            place += 1

    def _teach(self, ask: tuple[Any, ...], now_ms: int) -> bool:
        """Teach the core what it asks for; False if the exact path has to do this record."""
        match ask:
            case "device", device, t0_ms, epoch_ms:
                return self._teach_device(device, t0_ms, epoch_ms, now_ms)
            case "minute", minute:
                expiry = self._processor.expiry(minute * MINUTE_MS)
                return self._path.teach_minute(minute, minute_bytes(expiry))
            case "late", decision, late:
                becomes = self._program.decision_if_late(self._decisions[decision], frozenset(late))
                self._path.teach_late(decision, late, self._number(becomes))
                return True
            case "column_plan", decision, present:
                places = tuple(present)
                plan = plan_columns(self._program, self._decisions[decision], places)
                taught = column_plan_bytes(self._program, plan, places)
                return self._path.teach_column_plan(decision, present, taught)
            case _:
                return False

    def _teach_device(self, device: str, t0_ms: int, epoch_ms: int, now_ms: int) -> bool:
        last_ms = t0_ms + USUAL_SPAN_MS
        answer = self._processor.answers.usual(device, t0_ms, last_ms, now_ms)
        if answer is None or not self._processor.takes(device):
            return False
        decision, pseudonyms = self._processor.in_time(answer, epoch_ms)
        taught = device_bytes(answer, self._number(decision), pseudonyms)
        return self._path.teach_device(device, taught)

    def _number(self, decision: Decision) -> int:
        number = self._numbers.get(decision)
        if number is None:
            number = self._numbers[decision] = len(self._decisions)
            self._decisions.append(decision)
        return number
