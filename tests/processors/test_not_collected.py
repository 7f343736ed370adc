"""What is known and kept by no output costs an envelope nothing but its count.

The exact path defines what is admitted and counted; the usual path has to agree, whatever comes.
"""

import random
from typing import Any

import pytest

from policy.vocabulary.operations import Keep
from processors.core import CoreState, core_state, room_for
from processors.core_path import core_path
from processors.tally import Tally
from telemetry.instants import DAY_MS, MINUTE_MS
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH, TROUBLE_CODES
from tests.support.plans import BELT, FUEL, LOCATION, ODOMETER, RPM, SPEED, lane, output, plan
from tests.support.worlds import NOW_MS, World, column, envelope

ONLY = {SPEED: (Keep(),), FUEL: (Keep(),), LATITUDE: (Keep(),)}
PLAN = plan(output("service", [lane("30d", 30, 1_000, ONLY, LOCATION)]))
HALF_HOUR_MS = 30 * MINUTE_MS


def world() -> World:
    one = World(PLAN)
    one.register(from_ms=NOW_MS - DAY_MS)
    one.link(from_ms=NOW_MS - DAY_MS)
    one.consent("service", "location", "service@1", from_ms=NOW_MS - DAY_MS)
    return one


def both(raw: bytes, received_ms: int = NOW_MS, worlds: tuple[World, World] | None = None) -> World:
    """The world after the usual path; AssertionError if the exact path says something else."""
    usual, exact = worlds or (world(), world())
    usual.tally, exact.tally = Tally(usual.program), Tally(exact.program)
    core = core_path(usual.processor)
    if core is None:
        records = usual.feed(raw, received_ms)
    else:
        state = usual.program.empty_state(room_for(100_000))
        records = core.process([(raw, received_ms)], NOW_MS, usual.tally, state)
    exact_records = exact.processor.process(raw, received_ms, NOW_MS, exact.tally, exact.state)
    assert records == exact_records
    assert usual.tally.settle() == exact.tally.settle()
    return usual


SPEEDS = {SPEED: column("km/h", [40.0, 41.0])}


@pytest.mark.parametrize(
    ("series", "fields", "left_out"),
    [
        ({RPM: column("rpm", [900, 901, 902])}, {}, 3),
        ({RPM: column("furlongs", ["no", None, {"a": [1]}])}, {}, 3),
        ({RPM: column("rpm", [1e300]), ODOMETER: column("m", [-1]), BELT: column("", [2])}, {}, 3),
        ({RPM: column("rpm", [])}, {}, 0),
        ({}, {"dtc": ["P0301", "P0302"]}, 2),
        ({RPM: column("rpm", [900])}, {"dtc": ["P0301"]}, 2),
    ],
)
def test_known_columns_that_nobody_keeps_are_counted(
    series: dict[str, Any], fields: dict[str, Any], left_out: int
) -> None:
    one = both(envelope(SPEEDS | series, **fields))
    row = one.ledger()["service"]
    assert (row.delivered, row.withheld) == (
        2, {"not_collected": left_out} if left_out else {},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("series", "fields"),
    [
        ({"Vehicle.Nothing": column("rpm", [1])}, {}),
        ({MESH: column("", ["x"])}, {}),
        ({TROUBLE_CODES: column("", ["P0301"])}, {}),
        ({LONGITUDE: column("degrees", [139.0])}, {}),
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
    assert both(envelope(SPEEDS | series, **fields)).tally.envelopes == 1


def test_nothing_but_what_nobody_keeps_is_counted_too() -> None:
    for raw in (envelope({RPM: column("rpm", [1])}), envelope({}, dtc=["P0301"])):
        one = both(raw)
        assert one.ledger()["service"].withheld == {"not_collected": 1}


def test_all_readings_and_all_columns_count_for_the_limits() -> None:
    full = list(range(2_000))
    paths = [SPEED, FUEL, LATITUDE, RPM, ODOMETER]
    values = {SPEED: [1.0] * 2_000, FUEL: [1.0] * 2_000, LATITUDE: [1.0] * 2_000}
    units = {SPEED: "km/h", FUEL: "percent", LATITUDE: "degrees"}
    series = {path: column(units.get(path, ""), values.get(path, full), 1) for path in paths}
    assert not both(envelope(series)).rejected()
    one = both(envelope(series | {BELT: column("", [True])}))
    assert one.rejected() == {"too_many_readings": 10_001}
    one = both(envelope(series, dtc=["P0301"]))
    assert one.rejected() == {"too_many_readings": 10_001}


def test_a_late_reading_of_what_nobody_keeps_moves_no_edge() -> None:
    raw = envelope(SPEEDS | {RPM: column("rpm", [1, 2], 500_000)}, at_ms=NOW_MS + DAY_MS - 1_000)
    assert both(raw).rejected() == {"from_the_future": 4}


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
    usual, worlds = 0, (world(), world())
    for seed in range(3_000):
        chance = random.Random(seed)
        chosen = set(chance.choices(paths, weights, k=chance.randrange(1, 5)))
        series = {path: random_column(chance) for path in sorted(chosen)}
        for path, unit in ((SPEED, "km/h"), (FUEL, "percent"), (LATITUDE, "degrees")):
            if path in series and chance.random() < 0.9:
                series[path] = column(unit, [1.0, 2.0])
        codes = chance.choice([[], [], ["P0301"], ["P0301"], ["P0301", "bad"]])
        edge_ms = chance.choice([NOW_MS - MINUTE_MS] * 8 + [NOW_MS - DAY_MS, NOW_MS + DAY_MS - 500])
        one = both(envelope(series, at_ms=edge_ms, dtc=codes), worlds=worlds)
        usual += 1 - one.tally.exact_path
    assert core_state() is not CoreState.CARRIES or usual > 200, "the core was hardly tried"


def test_nothing_is_counted_before_there_are_keys() -> None:
    one = world()
    one.processor._keys = {}
    tally = Tally(one.program)
    raw = envelope(SPEEDS | {RPM: column("rpm", [1])})
    with pytest.raises(LookupError):
        one.processor.process(raw, NOW_MS, NOW_MS, tally, one.state)
    assert tally.not_collected == 0


def test_a_plain_column_that_nobody_keeps_does_not_leave_the_core() -> None:
    usual = world()
    core = core_path(usual.processor)
    if core is not None:
        raw = envelope(SPEEDS | {RPM: column("rpm", [900, 901])})
        state = usual.program.empty_state(room_for(1_000))
        core.process([(raw, NOW_MS)], NOW_MS, usual.tally, state)
        assert (usual.tally.exact_path, usual.tally.not_collected) == (0, 2)
