"""What is known and kept by no output costs an envelope nothing but its count.

The exact path defines what is admitted and counted; the core has to agree, whatever comes.
"""

import random
from typing import Any

import pytest

from policy.vocabulary.operations import Keep
from processors.tally import Tally
from telemetry.instants import DAY_MS, MINUTE_MS
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH, TROUBLE_CODES
from tests.support.both_paths import BothPaths
from tests.support.plans import BELT, FUEL, LOCATION, ODOMETER, RPM, SPEED, lane, output, plan
from tests.support.ready_batches import needs_core
from tests.support.worlds import NOW_MS, World, column, envelope

pytestmark = needs_core

ONLY = {SPEED: (Keep(),), FUEL: (Keep(),), LATITUDE: (Keep(),)}
PLAN = plan(output("service", [lane("30d", 30, 1_000, ONLY, LOCATION)]))
HALF_HOUR_MS = 30 * MINUTE_MS


def world() -> World:
    one = World(PLAN)
    one.register(from_ms=NOW_MS - DAY_MS)
    one.link(from_ms=NOW_MS - DAY_MS)
    one.consent("service", "location", "service@1", from_ms=NOW_MS - DAY_MS)
    return one


def exactly(raw: bytes, received_ms: int = NOW_MS) -> World:
    """The world after the exact path."""
    one = world()
    one.feed(raw, received_ms)
    return one


def left_to_the_exact_path(raw: bytes, received_ms: int = NOW_MS) -> int:
    """How many envelopes the core did not do: 0 or 1. AssertionError if it says something else."""
    one = world()
    both = BothPaths(one.program, one.people)
    both.feed([raw], received_ms)
    return both.figures["exact_path"]


SPEEDS = {SPEED: column("km/h", [40.0, 41.0])}


@pytest.mark.parametrize(
    ("series", "left_out"),
    [
        ({RPM: column("rpm", [900, 901, 902])}, 3),
        ({RPM: column("rpm", [900.5]), ODOMETER: column("m", [-1.0]), BELT: column("", [True])}, 3),
    ],
)
def test_known_columns_that_nobody_keeps_stay_on_the_usual_path(
    series: dict[str, Any], left_out: int
) -> None:
    raw = envelope(SPEEDS | series)
    assert left_to_the_exact_path(raw) == 0
    row = exactly(raw).ledger()["service"]
    assert (row.delivered, row.withheld) == (2, {"not_collected": left_out})


@pytest.mark.parametrize(
    ("series", "fields", "left_out"),
    [
        ({RPM: column("furlongs", ["no", None, {"a": [1]}])}, {}, 3),
        ({RPM: column("rpm", [1e300])}, {}, 1),
        ({RPM: column("rpm", [])}, {}, 0),
        ({}, {"dtc": ["P0301", "P0302"]}, 2),
        ({RPM: column("rpm", [900])}, {"dtc": ["P0301"]}, 2),
    ],
)
def test_whatever_they_hold_they_cost_nothing_else(
    series: dict[str, Any], fields: dict[str, Any], left_out: int
) -> None:
    raw = envelope(SPEEDS | series, **fields)
    left_to_the_exact_path(raw)
    row = exactly(raw).ledger()["service"]
    assert (row.delivered, row.withheld.get("not_collected", 0)) == (2, left_out)


@pytest.mark.parametrize(
    ("series", "fields"),
    [
        ({"Vehicle.Nothing": column("rpm", [1])}, {}),
        ({MESH: column("", ["x"])}, {}),
        ({TROUBLE_CODES: column("", ["P0301"])}, {}),
        ({RPM: {"unit": "rpm", "dt": [0, 1], "value": [1]}}, {}),
        ({RPM: {"unit": "rpm", "dt": [0]}}, {}),
        ({RPM: {"unit": "r" * 33, "dt": [0], "value": [1]}}, {}),
        ({RPM: {"unit": "rpm", "dt": [0], "value": [1], "more": 1}}, {}),
        ({RPM: {"unit": "rpm", "dt": [0.5], "value": [1]}}, {}),
        ({RPM: {"unit": "rpm", "dt": [DAY_MS + 1], "value": [1]}}, {}),
        ({RPM: {"unit": "rpm", "dt": [-1], "value": [1]}}, {}),
        ({RPM: {"unit": "rpm", "dt": [-DAY_MS], "value": [1]}}, {}),
        ({RPM: {"unit": "rpm", "dt": [DAY_MS], "value": [1]}}, {}),
        ({RPM: {"unit": "rpm", "dt": [HALF_HOUR_MS], "value": [1]}}, {}),
        ({RPM: column("rpm", list(range(2_001)), 1)}, {}),
        ({RPM: 7}, {}),
        ({RPM: None}, {}),
        ({RPM: []}, {}),
        ({RPM: column("rpm", [1])}, {"dtc": ["nothing"]}),
    ],
)
def test_what_is_unusual_about_them_is_found_out_exactly(
    series: dict[str, Any], fields: dict[str, Any]
) -> None:
    assert left_to_the_exact_path(envelope(SPEEDS | series, **fields)) == 1


def test_nothing_but_what_nobody_keeps_is_counted_too() -> None:
    for raw in (envelope({RPM: column("rpm", [1])}), envelope({}, dtc=["P0301"])):
        left_to_the_exact_path(raw)
        assert exactly(raw).ledger()["service"].withheld == {"not_collected": 1}


def test_all_readings_and_all_columns_count_for_the_limits() -> None:
    full = list(range(2_000))
    paths = [SPEED, FUEL, LATITUDE, RPM, ODOMETER]
    values = {SPEED: [1.0] * 2_000, FUEL: [1.0] * 2_000, LATITUDE: [1.0] * 2_000}
    units = {SPEED: "km/h", FUEL: "percent", LATITUDE: "degrees"}
    series = {path: column(units.get(path, ""), values.get(path, full), 1) for path in paths}
    assert left_to_the_exact_path(envelope(series)) == 0
    for raw in (
        envelope(series | {BELT: column("", [True])}),
        envelope(series, dtc=["P0301"]),
    ):
        assert left_to_the_exact_path(raw) == 1
        assert exactly(raw).rejected() == {"too_many_readings": 10_001}


def test_a_late_reading_of_what_nobody_keeps_moves_no_edge() -> None:
    raw = envelope(SPEEDS | {RPM: column("rpm", [1, 2], 500_000)}, at_ms=NOW_MS + DAY_MS - 1_000)
    assert left_to_the_exact_path(raw) == 1
    assert exactly(raw).rejected() == {"from_the_future": 4}


def random_column(chance: random.Random) -> Any:
    """Mostly whole, never quite to be relied on."""
    pick = chance.choice
    length = pick([0, 1, 2, 5])
    dt: list[Any] = [chance.randrange(3_000) for _ in range(length)]
    if chance.random() < 0.1 and dt:
        dt[-1] = pick([-1, 600_000, 600_001, DAY_MS, DAY_MS + 1, 1.0, 1.5, "1", None, 10**30])
    value: list[Any] = [pick([0, 1.5, 40, True, "x", None, [1], {"a": 1}]) for _ in range(length)]
    if chance.random() < 0.7:
        value = [float(n) for n in range(length)]
    if chance.random() < 0.07:
        value.append(1.0)
    said: dict[str, Any] = {
        "unit": pick(["km/h", "percent", "percent", "degrees", "", "m", "u" * 33, 5]),
        "dt": dt,
        "value": value,
    }
    if chance.random() < 0.05:
        said["more"] = 1
    if chance.random() < 0.05:
        del said[pick(list(said))]
    return pick([said] * 30 + [None, 1, []])


def test_both_paths_agree_about_any_mixture() -> None:
    paths = [
        SPEED, FUEL, LATITUDE, LONGITUDE, RPM, ODOMETER, BELT, MESH, TROUBLE_CODES, "Vehicle.New",
    ]  # fmt: skip
    weights = [9, 4, 3, 1, 6, 6, 6, 1, 1, 1]
    one = world()
    both = BothPaths(one.program, one.people)
    for seed in range(3_000):
        chance = random.Random(seed)
        chosen = set(chance.choices(paths, weights, k=chance.randrange(1, 5)))
        series = {path: random_column(chance) for path in sorted(chosen)}
        for path, unit in ((SPEED, "km/h"), (FUEL, "percent"), (LATITUDE, "degrees")):
            if path in series and chance.random() < 0.9:
                series[path] = column(unit, [1.0, 2.0])
        codes = chance.choice([[], [], ["P0301"], ["P0301"], ["P0301", "bad"]])
        edge_ms = chance.choice([NOW_MS - MINUTE_MS] * 8 + [NOW_MS - DAY_MS, NOW_MS + DAY_MS - 500])
        both.feed([envelope(series, at_ms=edge_ms, dtc=codes)])
    usual = both.figures["envelopes"] - both.figures["exact_path"]
    assert usual > 200, "the core did hardly anything"


def test_nothing_is_counted_before_there_are_keys() -> None:
    one = world()
    one.processor._keys = {}
    tally = Tally(one.program)
    raw = envelope(SPEEDS | {RPM: column("rpm", [1])})
    with pytest.raises(LookupError):
        one.processor.process(raw, NOW_MS, NOW_MS, tally, one.state)
    assert tally.not_collected == 0
