"""The envelopes that were tried from outside, where they lie, under the policy that is shipped."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from assessment.dry_run import DryRun, dry_run
from policy.compiler.compile import compile_plan
from policy.language.document import Document
from policy.language.parse import parse
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from roadfade.in_force.documents import load_catalogue, load_files, shipped_policy_path
from telemetry.instants import format_instant
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH, TROUBLE_CODES

VEHICLE = Path(__file__).parents[3] / "shared" / "cases" / "vehicle"
SPEED, HEADING = "Vehicle.Speed", "Vehicle.CurrentLocation.Heading"
APP = "service_provision.app"

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not VEHICLE.is_dir(), reason="the cases are not at hand"),
]


@cache
def shipped() -> Plan:
    document = parse(load_files(shipped_policy_path()))
    assert isinstance(document, Document)
    plan = compile_plan(document, load_catalogue(), Limits()).plan
    assert plan is not None
    return plan


def dry(name: str) -> DryRun:
    lines = (VEHICLE / f"{name}.ndjson").read_bytes().splitlines()
    done = dry_run(shipped(), [line for line in lines if line.strip()], agreed=True)
    assert all(flow.closes for flow in done.ledger.values())
    return done


TIMES = {
    0: "2016-12-31T23:59:00Z", 1: "2026-11-20T10:15:00Z", 2: "2026-11-20T10:15:00Z",
    3: "2026-11-20T10:15:00Z", 4: "2026-11-20T10:15:00Z", 5: None, 6: "2026-11-20T10:15:00Z",
    7: "2026-11-20T01:15:00Z", 8: None, 9: None,
}  # fmt: skip


@pytest.mark.parametrize(("number", "minute"), TIMES.items(), ids=map(str, TIMES))
def test_a_time_is_its_minute_or_refused_alone(number: int, minute: str | None) -> None:
    done = dry(f"16-time-{number}")
    got = [(format_instant(t_ms), value) for t_ms, value in done.after[APP].get(SPEED, [])]
    assert got == ([] if minute is None else [(minute, 40)])
    assert done.rejected == ({"malformed": 1} if minute is None else {})


def test_no_position_is_made_that_never_was() -> None:
    cells = {name: dry(name) for name in ("26-control", "26-mispair")}
    for output in ("device_engineering", "service_improve", "service_provision.ops", APP):
        after = [[cell for _, cell in done.after[output][MESH]] for done in cells.values()]
        assert after[0] == after[1] and len(after[0]) == 1
    assert cells["26-mispair"].rejected == {"out_of_range": 1}


def test_a_receiver_without_a_fix_is_at_no_place() -> None:
    done = dry("14-null-island")
    assert done.rejected == {"no_fix": 2}
    assert [value for _, value in done.after[APP][LATITUDE]] == [35.0]


def test_halves_at_other_times_are_no_position_and_are_counted() -> None:
    done = dry("13-split-frames")
    assert done.ledger["service_improve"].withheld == {"unpaired": 20}
    assert MESH not in done.after[APP]
    assert len(done.after[APP][LATITUDE]) == len(done.after[APP][LONGITUDE]) == 10


def test_a_bound_is_within_and_what_is_beyond_is_counted() -> None:
    done = dry("18-bounds")
    assert done.rejected == {"out_of_range": 2}
    assert Counter(value for _, value in done.after[APP][SPEED]) == Counter([0, 10, 10, 400])
    assert [value for _, value in done.after[APP][HEADING]] == [360, 359.9999, 0]


def test_a_bad_trouble_code_costs_that_code() -> None:
    done = dry("27-dtc")
    assert done.rejected == {"out_of_range": 1}
    assert [code for _, code in done.after[APP][TROUBLE_CODES]] == ["P0301"]
    assert len(done.after[APP][SPEED]) == 3
