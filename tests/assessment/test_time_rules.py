"""Every rule over time of the shipped policy keeps the same readings however a drive is cut."""

from functools import cache
from typing import Any

import msgspec
import pytest

from assessment.dry_run import DryRun, dry_run
from policy.compiler.compile import compile_plan
from policy.language.document import Document
from policy.language.parse import parse
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from policy.vocabulary.operations import ThinTime
from processors.program import build_program
from roadfade.in_force.documents import load_catalogue, load_files, shipped_policy_path
from telemetry.instants import format_instant, parse_instant
from telemetry.signals import Signal

START_MS = parse_instant("2027-03-10T12:00:00Z")
SECONDS = 60


@cache
def shipped() -> Plan:
    document = parse(load_files(shipped_policy_path()))
    assert isinstance(document, Document)
    plan = compile_plan(document, load_catalogue(), Limits()).plan
    assert plan is not None
    return plan


def value(signal: Signal, second: int) -> Any:
    if signal.datatype == "boolean":
        return second % 2 == 0
    if signal.datatype == "string":
        return signal.allowed[second % len(signal.allowed)]
    if signal.path.endswith("Latitude"):
        return 35.6 + second / 10_000
    if signal.path.endswith("Longitude"):
        return 139.7 + second / 10_000
    low = 0 if signal.min is None else signal.min
    high = low + 100 if signal.max is None else signal.max
    return int(low + (high - low) * second / SECONDS)


def drive(cut: int) -> list[bytes]:
    """A minute of every signal that some rule over time thins, in envelopes of so many seconds."""
    thinned = {path for rule in build_program(shipped()).time_rules for path in rule.paths}
    signals = [shipped().catalogue[path] for path in sorted(thinned)]
    return [
        msgspec.json.encode(
            {
                "v": 1,
                "id": f"{start:026d}",
                "device": "dev",
                "clock": {"t0": format_instant(START_MS + start * 1_000), "quality": "gnss"},
                "series": {
                    one.path: {
                        "unit": one.unit,
                        "dt": [n * 1_000 for n in range(cut)],
                        "value": [value(one, start + n) for n in range(cut)],
                    }
                    for one in signals
                },
            }
        )
        for start in range(0, SECONDS, cut)
    ]


@cache
def done(cut: int) -> DryRun:
    return dry_run(shipped(), drive(cut), agreed=True)


@pytest.mark.parametrize("cut", [1, 5, 10])
def test_each_recipient_gets_the_same_readings_of_a_minute(cut: int) -> None:
    whole = done(SECONDS)
    for output, told in whole.after.items():
        flow, other = whole.ledger[output], done(cut).ledger[output]
        assert (other.delivered, other.withheld) == (flow.delivered, flow.withheld), output
        for path, readings in told.items():
            # A coarse time has the floor of its envelope's: the readings are the same.
            assert [one for _, one in done(cut).after[output][path]] == [v for _, v in readings]


def test_a_thinned_signal_leaves_as_often_as_the_policy_says() -> None:
    plan, found = shipped(), 0
    for output in plan.outputs:
        if output.purpose in plan.suspended:
            continue
        for rule in (rule for lane in output.lanes for rule in lane.rules):
            times = [one.every_ms for one in rule.operations if isinstance(one, ThinTime)]
            told = done(1).after[output.id].get(rule.signal)
            alone = sum(r.signal == rule.signal for lane in output.lanes for r in lane.rules) == 1
            if times and told and alone:
                found += 1
                assert len(told) == -(-SECONDS * 1_000 // times[0]), rule.id
    assert found > 3
