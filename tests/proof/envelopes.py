"""Envelopes of a simulated fleet under the shipped policy: every account closes, both paths agree.

Ten thousand envelopes a time. They are run without Kafka, by the worker's own processor.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import count, islice
from typing import Any, Final

from assessment.rehearsal import everybody_agrees
from ingest.collection_gate import gate
from ingest.simulation.fleet import Fleet
from policy.compiler.compile import compile_plan
from policy.language.document import Document
from policy.language.parse import parse
from policy.plan.limits import Limits
from processors.core import room_for
from processors.core_path import core_path
from processors.processor import Processor
from processors.program import build_program
from processors.state.bins import Room
from processors.tally import Tally
from roadfade.in_force.documents import load_catalogue, load_files, shipped_policy_path
from telemetry.instants import HOUR_MS, parse_instant
from telemetry.wire.envelope import encode_envelope
from tests.support.worlds import EveryKey

EACH: Final = 10_000
VEHICLES: Final = 200
NOW_MS: Final = parse_instant("2026-11-20T12:00:00Z")
SEED: Final = 20263


def million(times: int) -> Mapping[str, Any]:
    """A hundred times make a million; AssertionError at the first envelope that does not hold."""
    document = parse(load_files(shipped_policy_path()))
    assert isinstance(document, Document)
    plan = compile_plan(document, load_catalogue(), Limits()).plan
    assert plan is not None
    fleet = Fleet(VEHICLES, SEED)
    people = everybody_agrees(plan, fleet.devices)
    program = build_program(plan)
    exact, under_core = (Processor(program, people, EveryKey(), lambda *_: 0) for _ in range(2))
    core = core_path(under_core)
    states = program.empty_state(Room(10**9)), program.empty_state(room_for(10**9))
    figures = Counter[str]()
    for payload, readings in islice(_sent(fleet, plan.collected), times * EACH):
        tallies = Tally(program), Tally(program)
        records = exact.process(payload, NOW_MS, NOW_MS, tallies[0], states[0])
        rows, rejected = tallies[0].settle()
        if core is not None:
            same = core.process([(payload, NOW_MS)], NOW_MS, tallies[1], states[1])
            assert records == same, "the core and the exact path differ"
            assert tallies[1].settle() == (rows, rejected), "the core counts differently"
        left_out = sum(rejected.values())
        assert all(row.closes for row in rows.values()), "an account does not close"
        assert all(row.entered + left_out == readings for row in rows.values())
        figures["envelopes"] += 1
        figures["readings"] += readings
        figures["rejected"] += left_out
        figures["records"] += len(records)
        figures["delivered"] += sum(row.delivered for row in rows.values())
        figures["withheld"] += sum(sum(row.withheld.values()) for row in rows.values())
        figures["left_by_the_core"] += tallies[1].exact_path
    assert figures["left_by_the_core"] < figures["envelopes"] / 2, "the core was hardly tried"
    return dict(figures)


def _sent(fleet: Fleet, collected: AbstractSet[str]) -> Iterator[tuple[bytes, int]]:
    """What the fleet sends, hour by hour, back from now; one in ten past the gateway's gate."""
    numbers = count()
    for hour in count(1):
        until_ms = NOW_MS - hour * HOUR_MS
        for envelope in fleet.envelopes(until_ms - HOUR_MS, until_ms):
            sent = envelope if next(numbers) % 10 == 0 else gate(envelope, collected).envelope
            if sent is not None:
                yield encode_envelope(sent), sent.readings
