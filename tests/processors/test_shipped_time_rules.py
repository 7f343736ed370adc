"""A minute at one reading a second, under every time rule of the shipped policy, on both paths.

However the minute is cut into envelopes, and though one worker dies before it commits and another
takes over and gives back: what leaves through each cell is what its rule promises, six of sixty
for ten seconds. Against a broker, with processes that are killed: ``tests/flow``.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import pytest

from assessment.rehearsal import everybody_agrees
from policy.vocabulary.operations import ThinTime
from processors.minimise import Minimised
from processors.program import Program
from processors.routes import Route
from telemetry.instants import MINUTE_MS, SECOND_MS
from telemetry.signals import Signal
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH
from tests.proof.cases import NOW_MS, Sent, program_of
from tests.proof.populace import LateKeys
from tests.proof.two_ways import Rebuilt, Worker
from tests.support.ready_batches import needs_core
from tests.support.worlds import column, envelope

READINGS: Final = 60
FROM_MS: Final = NOW_MS - 5 * MINUTE_MS
DEVICE: Final = "dev-000001"
PLACES: Final = {LATITUDE: 35.681236, LONGITUDE: 139.767125}


def thinned_paths(program: Program) -> list[str]:
    return sorted({path for rule in program.time_rules for path in rule.paths})


def minute(program: Program, cut: int) -> Iterator[Sent]:
    """All signals that some rule thins, one reading a second, in envelopes of so many."""
    signals = [program.plan.catalogue[path] for path in thinned_paths(program)]
    for start in range(0, READINGS, cut):
        said = {one.path: column(one.unit, [_some(one)] * cut) for one in signals}
        from_ms = FROM_MS + start * SECOND_MS
        value = envelope(said, from_ms, device=DEVICE, id=f"{cut:04d}-{start:016d}")
        yield Sent(0, from_ms + cut * SECOND_MS, value)


def _some(signal: Signal) -> Any:
    if signal.path in PLACES:
        return PLACES[signal.path]
    if signal.min is None or signal.max is None:
        return signal.allowed[0] if signal.allowed else True
    return round(signal.min + (signal.max - signal.min) / 4)


class TwoWorkers:
    """The first dies with a batch in hand, the second takes over, the first goes on."""

    def __init__(self, program: Program, *, core: bool) -> None:
        self._program = program
        self._people = everybody_agrees(program.plan, [DEVICE])
        self._core = core
        self._all = [self._new(), self._new()]

    def _new(self) -> Worker:
        keys = LateKeys(destroyed=0)
        return Worker(self._program, self._people, 10_000, core=self._core, keys=keys)

    def handle(self, log: Sequence[Sent]) -> list[Minimised]:
        """What leaves of a log for good."""
        found: list[Minimised] = []
        steps = [len(log) * quarter // 4 for quarter in range(1, 4)]
        for number, one in enumerate(log):
            before = log[:number]
            if number == steps[0]:
                self._handled(0, before, one)
                self._all[0] = self._new()
            holder = 1 if steps[1] <= number < steps[2] else 0
            if number in steps[1:] and before:
                self._all[1 - holder].states.pop(0).close()
            found += self._handled(holder, before, one)
            self._all[holder].states[0].adopt()
        return found

    def _handled(self, holder: int, before: Sequence[Sent], one: Sent) -> list[Minimised]:
        worker = self._all[holder]
        if 0 not in worker.states:
            worker.rebuild(0, before, Rebuilt(0, 0, None))
        return worker.handle([one], one.append_ms, worker.states[0], batches=False)[0]


def values_in(records: Sequence[Minimised]) -> Counter[tuple[str, str]]:
    """How many values left, by topic and path."""
    found = Counter[tuple[str, str]]()
    for one in records:
        for path, series in msgspec.json.decode(one.value)["series"].items():
            found[one.topic, path] += len(series["value"])
    return found


def promised(program: Program) -> Counter[tuple[str, str]]:
    """How many values of the minute the plan lets through, by topic and path."""
    promise = Counter[tuple[str, str]]()
    for route in program.routes:
        if "driver" in route.not_for or (route.until_ms or NOW_MS + 1) <= NOW_MS:
            continue
        for path, values in _of_route(program, route):
            promise[route.output.topic, path] += values
    return promise


def _of_route(program: Program, route: Route) -> Iterator[tuple[str, int]]:
    for path in route.chains.keys() & set(thinned_paths(program)):
        chain = route.chains[path]
        assert chain.thin is None or isinstance(chain.thin, ThinTime)
        values = READINGS if chain.thin is None else READINGS * SECOND_MS // chain.thin.every_ms
        if chain.mesh is None:
            yield path, values
        elif path == LATITUDE:
            yield MESH, values


@pytest.mark.parametrize("cut", [1, 5, 10, 60])
@pytest.mark.parametrize("core", [False, pytest.param(True, marks=needs_core)])
def test_every_shipped_rule_over_time_holds_however_a_minute_is_cut_and_carried(
    cut: int, *, core: bool
) -> None:
    program = program_of("shipped")
    assert {rule.operation for rule in program.time_rules} >= {ThinTime(10_000), ThinTime(60_000)}
    left = values_in(TwoWorkers(program, core=core).handle(list(minute(program, cut))))
    assert left == promised(program)
    assert 6 in left.values()
