"""One log through the exact path and through the core: what comes out has to be the same."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bus.memory.batch_reader import records_of
from bus.records import Outgoing, ReadyBatch
from processors.core import room_for
from processors.core_path import Batch, CorePath
from processors.minimise import Minimised
from processors.people import People
from processors.processor import Processor
from processors.program import Program
from processors.state.bins import Room
from processors.state.port import TimeState
from processors.tally import Tally
from tests.support.worlds import NOW_MS, EveryKey

BINS_MAX: Final = 1_000_000


def _processor(program: Program, people: People) -> Processor:
    return Processor(program, people, EveryKey(), lambda _, key: key[0] % 4)


@dataclass
class BothPaths:
    """``feed`` runs a slice both ways; AssertionError where they differ."""

    program: Program
    people: People
    compression: None = None
    figures: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.exact = _processor(self.program, self.people)
        self.core, self.gathered = (
            CorePath(_processor(self.program, self.people), None) for _ in range(2)
        )
        self.exact_state: TimeState = self.program.empty_state(Room(BINS_MAX))
        self.states = [self.program.empty_state(room_for(BINS_MAX)) for _ in range(2)]

    def feed(self, values: list[bytes], received_ms: int = NOW_MS, now_ms: int = NOW_MS) -> None:
        tallies = [Tally(self.program) for _ in range(3)]
        exact: list[Minimised] = []
        for value in values:
            exact += self.exact.process(value, received_ms, now_ms, tallies[0], self.exact_state)
        raw = [(value, received_ms) for value in values]
        records = self.core.process(raw, now_ms, tallies[1], self.states[0])
        self.gathered.gather(raw, now_ms, tallies[2], self.states[1])
        batches = self.gathered.take()
        assert records == exact, "the core's records differ"
        assert by_partition(records_in(batches)) == by_partition(exact), "the core's batches differ"
        flows, rejected = tallies[0].settle()
        self.rejected.update(rejected)
        for tally in tallies[1:]:
            assert tally.settle() == (flows, rejected), "the core counts differently"
            assert tally.envelopes == tallies[0].envelopes
            assert tally.reused_ids == tallies[0].reused_ids
        for state in self.states:
            assert state.living() == self.exact_state.living(), "the core remembers differently"
        for flow in flows.values():
            assert flow.closes
            self.withheld.update(flow.withheld)
        self.figures["envelopes"] += len(values)
        self.figures["records"] += len(records)
        self.figures["exact_path"] += tallies[1].exact_path

    def adopt(self) -> None:
        for state in (self.exact_state, *self.states):
            state.adopt()

    def discard(self) -> None:
        for state in (self.exact_state, *self.states):
            state.discard()


def records_in(batches: list[Batch]) -> list[Outgoing]:
    return [record for one in batches for record in records_of(ReadyBatch(*one))]


def by_partition(
    records: list[Outgoing] | list[Minimised],
) -> dict[tuple[str, int | None], list[tuple[object, ...]]]:
    """Key, value and headers in the order in which each partition gets them."""
    found: dict[tuple[str, int | None], list[tuple[object, ...]]] = {}
    for one in records:
        content = one.key, one.value, [tuple(header) for header in one.headers]
        found.setdefault((one.topic, one.partition), []).append(content)
    return found


def drive(
    both: BothPaths,
    chance: random.Random,
    envelope: Callable[[], bytes],
    envelopes: int,
    change: Callable[[], None] = lambda: None,
) -> None:
    """So many envelopes in slices of random length, some taken back and fed again."""
    at_ms = NOW_MS
    while envelopes > 0:
        values = [envelope() for _ in range(min(envelopes, chance.choice([1, 2, 7, 40])))]
        envelopes -= len(values)
        at_ms += chance.choice([0, 1, 1_000, 100_000])
        now_ms = at_ms + chance.choice([0, 0, 0, 7_000_000, 90_000_000])
        both.feed(values, at_ms, now_ms)
        if chance.random() < 0.1:
            both.discard()
            both.feed(values, at_ms, now_ms)
        both.adopt()
        change()
