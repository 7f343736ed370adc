"""One case through the exact path, at a stretch, and through workers that are cut, stopped and moved.

What leaves, what is counted and what is remembered has to be the same. AssertionError says what was
not. Where the core is not built, its place is taken by the exact path under the same disturbances.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from bus.memory.batch_reader import records_of
from bus.records import ReadyBatch
from policy.vocabulary.operations import ThinCount
from processors.core import room_for
from processors.core_path import Batch, core_path
from processors.minimise import Minimised
from processors.people import People
from processors.processor import Processor
from processors.program import Program
from processors.pseudonyms import KeysNeeded
from processors.state.bins import Room
from processors.state.port import RoomPort, TimeState
from processors.tally import Tally
from tests.proof.cases import PARTITIONS, Case, Sent, Stage, program_of
from tests.proof.populace import LateKeys, Populace

ROOM: Final = 1_000_000
LITTLE_ROOM: Final = 150
Figures = Counter[str]


class Rebuilt(NamedTuple):
    """A partition's state was made anew of the log from ``first`` on; before it all is lost."""

    partition: int
    first: int
    lost_to_ms: int | None


class Handled(NamedTuple):
    """A batch that is durable."""

    partition: int
    sent: Sequence[Sent]
    records: list[Minimised]


class Worker:
    """One process: a processor, maybe the core before it, and what it remembers."""

    def __init__(
        self,
        program: Program,
        people: People,
        bins_max: int,
        *,
        core: bool,
        keys: LateKeys | None = None,
    ) -> None:
        self.keys = LateKeys() if keys is None else keys
        self.processor = Processor(program, people, self.keys, lambda _, key: key[0] % 4)
        self.core = core_path(self.processor, None) if core else None
        self.room: RoomPort = room_for(bins_max) if core else Room(bins_max)
        self.states: dict[int, TimeState] = {}
        self._program = program

    def handle(
        self, sent: Sequence[Sent], now_ms: int, state: TimeState, *, batches: bool
    ) -> tuple[list[Minimised], Tally]:
        """One slice; keys that are missing are fetched, and it is done again."""
        mark = state.mark()
        while True:
            tally = Tally(self._program)
            try:
                return self._handle(sent, now_ms, tally, state, batches=batches), tally
            except KeysNeeded as needed:
                state.roll_back(mark)
                self.keys.fetch(needed.names)

    def _handle(
        self, sent: Sequence[Sent], now_ms: int, tally: Tally, state: TimeState, *, batches: bool
    ) -> list[Minimised]:
        raw = [(one.value, one.append_ms) for one in sent]
        if self.core is None:
            process = self.processor.process
            return [done for one in raw for done in process(*one, now_ms, tally, state)]
        if not batches:
            return self.core.process(raw, now_ms, tally, state)
        self.core.gather(raw, now_ms, tally, state)
        made = self.core.take()
        return [one for ready in made for one in _in_one(ready)]

    def rebuild(self, partition: int, log: Sequence[Sent], how: Rebuilt) -> None:
        """Remember this log from a place on."""
        old = self.states.pop(partition, None)
        if old is not None:
            old.close()
        state = self.states[partition] = self._program.empty_state(self.room)
        if how.lost_to_ms is not None:
            state.lose(how.lost_to_ms)
        for one in log[how.first :]:
            self.processor.remember(one.value, one.append_ms, state)
        state.adopt()
        state.reach(max((one.append_ms for one in log), default=0))


def _in_one(ready: Batch) -> list[Minimised]:
    """The records of a batch."""
    return [
        Minimised(
            one.topic,
            ready.partition,
            one.key or b"",
            one.value or b"",
            [(name, text) for name, text in one.headers],
        )
        for one in records_of(ReadyBatch(*ready))
    ]


class Workers:
    """One to three of them, who share the partitions of a case and are disturbed."""

    def __init__(self, case: Case, people: People, chance: random.Random, *, core: bool) -> None:
        self._case = case
        self._people = people
        self._chance = chance
        self._core = core
        self._program = program_of(case.plan)
        count = chance.choice((1, 2, 3)) if case.how == "free" else 1
        self.all = [self._new() for _ in range(count)]
        self.owner = [chance.randrange(count) for _ in range(PARTITIONS)]
        self.log: list[list[Sent]] = [[] for _ in range(PARTITIONS)]
        self.tally = Tally(self._program)
        self.figures = Figures()

    def state(self, partition: int) -> TimeState | None:
        """What is remembered of a partition now; None if that is to be made anew."""
        return self.all[self.owner[partition]].states.get(partition)

    def stage(self, stage: Stage) -> Iterator[Handled | Rebuilt]:
        """Everything of a stage, in batches of the workers' own order and size."""
        chance = self._chance
        left = [[one for one in stage.sent if one.partition == n] for n in range(PARTITIONS)]
        while any(left):
            partition = chance.choice([n for n, some in enumerate(left) if some])
            size = chance.choice((1, 2, 7, 40, 200))
            batch, left[partition] = left[partition][:size], left[partition][size:]
            self._disturb(partition)
            worker = self.all[self.owner[partition]]
            if partition not in worker.states:
                rebuilt = self._rebuilt(partition, batch[0])
                worker.rebuild(partition, self.log[partition], rebuilt)
                self.figures["remembered"] += len(self.log[partition]) - rebuilt.first
                yield rebuilt
            records = self._batch(worker, partition, batch, stage.now_ms)
            self.log[partition] += batch
            yield Handled(partition, batch, records)

    def _new(self) -> Worker:
        bins_max = LITTLE_ROOM if self._case.how == "strict" else ROOM
        return Worker(self._program, self._people, bins_max, core=self._core)

    def _disturb(self, partition: int) -> None:
        """A worker is killed, or a partition goes to another."""
        chance = self._chance
        if self._case.how == "strict":
            return
        if chance.random() < 0.06:
            self.all[self.owner[partition]] = self._new()
            self.figures["restarts"] += 1
        elif len(self.all) > 1 and chance.random() < 0.1:
            old = self.all[self.owner[partition]].states.pop(partition, None)
            if old is not None:
                old.close()
            self.owner[partition] = chance.randrange(len(self.all))
            self.figures["moves"] += 1

    def _rebuilt(self, partition: int, in_hand: Sent) -> Rebuilt:
        """As the loop reads again: from one life before the record in hand on."""
        log = self.log[partition]
        since_ms = in_hand.append_ms - max(self._program.lives_ms)
        first = next((n for n, one in enumerate(log) if one.append_ms >= since_ms), len(log))
        if self._case.how == "lossy" and first < len(log) and self._chance.random() < 0.7:
            first = self._chance.randrange(first, len(log) + 1)
            return Rebuilt(partition, first, log[first - 1].append_ms if first else None)
        return Rebuilt(partition, first, None)

    def _batch(
        self, worker: Worker, partition: int, batch: Sequence[Sent], now_ms: int
    ) -> list[Minimised]:
        """One batch in slices; some are done twice, since the first time they were not sent."""
        chance, state = self._chance, worker.states[partition]
        as_batches = chance.random() < 0.1
        for last in (False, True) if chance.random() < 0.15 else (True,):
            records: list[Minimised] = []
            tallies: list[Tally] = []
            at = 0
            while at < len(batch):
                to = at + chance.choice((1, 3, 20, 100))
                found, tally = worker.handle(batch[at:to], now_ms, state, batches=as_batches)
                records += found
                tallies.append(tally)
                at = to
            if last:
                break
            state.discard()
            self.figures["done_twice"] += 1
        state.adopt()
        if chance.random() < 0.7:
            worker.processor.settle()
        for tally in tallies:
            add(self.tally, tally)
        self.figures["left_by_the_core"] += sum(one.exact_path for one in tallies)
        return records


def add(total: Tally, more: Tally) -> None:
    """Add one tally to another of the same program."""
    for decision, sums in more._rows.items():
        row = total.row(decision)
        for place, readings in enumerate(sums):
            row[place] += readings
    total.rejected.update(more.rejected)
    total.not_collected += more.not_collected
    total.envelopes += more.envelopes
    total.reused_ids += more.reused_ids


def run_both_ways(case: Case, *, core: bool) -> Figures:
    """Figures of a case that came out alike; AssertionError if it did not."""
    run = _Run(case, core=core)
    for number, stage in enumerate(case.stages):
        run.stage(number, stage)
    return run.done()


class _Run:
    """The reference and the workers, side by side."""

    def __init__(self, case: Case, *, core: bool) -> None:
        self._case = case
        self._program = program_of(case.plan)
        first_ms = case.stages[0].now_ms if case.stages else 0
        self._populace = Populace(self._program.plan, case.devices, first_ms, case.seed)
        people = self._populace.people
        bins_max = LITTLE_ROOM if case.how == "strict" else ROOM
        self._exact = Worker(self._program, people, bins_max, core=False)
        chance = random.Random(f"workers of {case.seed}")
        self._workers = Workers(case, people, chance, core=core)
        self._tally = Tally(self._program)
        self._records = 0

    def stage(self, number: int, stage: Stage) -> None:
        if number:
            self._populace.change(stage.now_ms)
        found: list[list[Minimised]] = [[] for _ in range(PARTITIONS)]
        expected: list[list[Minimised]] = [[] for _ in range(PARTITIONS)]
        for step in self._workers.stage(stage):
            if isinstance(step, Handled):
                found[step.partition] += step.records
                if self._case.how != "free":
                    expected[step.partition] += self._handled(step.partition, step.sent, stage)
            elif self._case.how != "free":
                self._exact.rebuild(step.partition, self._workers.log[step.partition], step)
        if self._case.how == "free":
            for one in stage.sent:
                expected[one.partition] += self._handled(one.partition, [one], stage)
        for mine, theirs in zip(found, expected, strict=True):
            assert by_topic(mine) == by_topic(theirs), "the records differ"
            self._records += len(mine)
        self._compare(self._workers.tally)

    def _handled(self, partition: int, sent: Sequence[Sent], stage: Stage) -> list[Minimised]:
        """What the exact path makes of these, one after the other."""
        state = self._exact.states.get(partition)
        if state is None:
            state = self._exact.states[partition] = self._program.empty_state(self._exact.room)
        records = []
        for one in sent:
            some, tally = self._exact.handle([one], stage.now_ms, state, batches=False)
            records += some
            add(self._tally, tally)
        state.adopt()
        return records

    def _compare(self, tally: Tally) -> None:
        mine, theirs = tally, self._tally
        assert sums_of(mine) == sums_of(theirs), "the sums differ"
        assert mine.rejected == theirs.rejected, "the rejections differ"
        assert mine.not_collected == theirs.not_collected, "what is not collected differs"
        assert mine.envelopes == theirs.envelopes, "an envelope is not counted"
        for partition, state in self._exact.states.items():
            other = self._workers.state(partition)
            if other is not None:
                assert other.living() == state.living(), "what is remembered differs"
        if self._case.how == "strict":
            assert mine.reused_ids == theirs.reused_ids, "ids that came again differ"
            (worker,) = self._workers.all
            assert worker.room.held == self._exact.room.held, "the room that is taken differs"
            refused = worker.room.take_refused(), self._exact.room.take_refused()
            assert refused[0] == refused[1], "what was not remembered differs"

    def done(self) -> Figures:
        """Compare what is only asked at the end, and tell what there was."""
        rules = [
            number
            for number, rule in enumerate(self._program.time_rules)
            if isinstance(rule.operation, ThinCount)
        ]
        for partition, state in self._exact.states.items():
            other = self._workers.state(partition)
            if other is not None:
                asked = [(device, rule) for device in self._case.devices for rule in rules]
                counts = [[_count(one, *ask) for ask in asked] for one in (state, other)]
                assert counts[0] == counts[1], "a counter differs"
        rows, rejected = self._tally.settle()
        assert all(row.closes for row in rows.values()), "an account does not close"
        assert len({row.entered for row in rows.values()}) <= 1, "an account lacks readings"
        figures = self._workers.figures
        figures["envelopes"] = self._case.envelopes
        figures["records"] = self._records
        figures["readings"] = max((row.entered for row in rows.values()), default=0)
        figures["rejected"] = sum(rejected.values())
        figures["delivered"] = sum(row.delivered for row in rows.values())
        figures["withheld"] = sum(sum(row.withheld.values()) for row in rows.values())
        for reason in ("erased", "objected"):
            figures[reason] = sum(row.withheld.get(reason, 0) for row in rows.values())
        figures["stages"] = len(self._case.stages)
        figures[f"cases_{self._case.how}"] = 1
        return figures


def _count(state: TimeState, device: str, rule: int) -> int | None:
    """What a counter stands at; it is as before afterwards."""
    mark = state.mark()
    found = state.counted(device, rule, 0, 0)
    state.roll_back(mark)
    return found


def sums_of(tally: Tally) -> dict[object, list[int]]:
    """The sums that are not all zero, by decision."""
    return {decision: list(row) for decision, row in tally._rows.items() if any(row)}


def by_topic(records: Sequence[Minimised]) -> dict[tuple[str, int], list[Minimised]]:
    """Records in the order in which each partition of each topic gets them."""
    found: dict[tuple[str, int], list[Minimised]] = {}
    for one in records:
        found.setdefault((one.topic, one.partition), []).append(one)
    return found
