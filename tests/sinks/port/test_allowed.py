"""A foreign writer's record is not kept: each is held against the plan of its version."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.plan.plan import Plan
from policy.vocabulary.operations import Keep, Mesh, MeshH3, MeshJis, Operation, Round
from roadfade.in_force.broker import limits_of
from roadfade.in_force.plans import Plans
from sinks.port.allowed import Judge
from sinks.port.records import RecordReadings, Run, read_record
from sinks.port.results import Unreadable
from telemetry.arrived import Arrived
from telemetry.grids import h3_cell
from telemetry.instants import DAY_MS, SECOND_MS
from telemetry.signals import Catalogue, Kind, Signal
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH, TROUBLE_CODES
from tests.support.documents import FILES
from tests.support.documents import plan_of as document_plan
from tests.support.plans import BELT, CATALOGUE, FUEL, PLAN, RPM, SPEED, lane, output
from tests.support.plans import plan as plan_of
from tests.support.small_house import FIRST, NOW_MS, settings_in
from tests.support.times import examples
from tests.support.worlds import NOW_MS as WORLD_MS
from tests.support.worlds import World, column, envelope, known_world

STUDY = "study"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    here = settings_in(tmp_path_factory.mktemp("state"))
    return Plans(limits_of(here, 1_000, 1_000), here.state_dir).plan(FIRST)


@pytest.fixture(scope="module")
def sent(plan: Plan) -> Arrived:
    """What a worker sends."""
    return _sent(plan)


def verdict(plan: Plan, arrived: Arrived, output: str = STUDY) -> Unreadable | None:
    found = read_record(arrived, STUDY)
    assert isinstance(found, RecordReadings)
    return Judge({FIRST.version: plan}.get)(found, output, NOW_MS)


def bent(sent: Arrived, bend: Callable[[dict[str, Any]], None], **headers: str) -> Arrived:
    value = msgspec.json.decode(sent.value or b"")
    bend(value)
    named = {**dict(sent.headers), **{name: text.encode() for name, text in headers.items()}}
    return msgspec.structs.replace(
        sent, value=msgspec.json.encode(value), headers=list(named.items())
    )


def _leave(value: dict[str, Any]) -> None:
    """Change nothing."""


def _name_a_signal(value: dict[str, Any]) -> None:
    value["series"]["1HGCM82633A004352"] = value["series"][SPEED]


def _add_a_latitude(value: dict[str, Any]) -> None:
    value["series"][LATITUDE] = {"unit": "degrees", "dt": [0], "value": [35.681236]}


def _other_unit(value: dict[str, Any]) -> None:
    value["series"][SPEED]["unit"] = "mph"


def _finer_value(value: dict[str, Any]) -> None:
    value["series"][SPEED]["value"][0] = 43.5


def _past_the_range(value: dict[str, Any]) -> None:
    value["series"][SPEED]["value"][0] = 100_000


def _text(value: dict[str, Any]) -> None:
    value["series"][SPEED]["value"] = ["x"] * len(value["series"][SPEED]["value"])


def _add_trouble_codes(value: dict[str, Any]) -> None:
    value["dtc"] = ["P0301"]


def _of_tomorrow(value: dict[str, Any]) -> None:
    value["t0"] = "2099-01-01T00:00:00Z"


FOREIGN = [
    ("a signal nobody has", _name_a_signal, {}, Unreadable.NOT_ALLOWED),
    ("an exact latitude", _add_a_latitude, {}, Unreadable.NOT_ALLOWED),
    ("trouble codes", _add_trouble_codes, {}, Unreadable.NOT_ALLOWED),
    ("another unit", _other_unit, {}, Unreadable.WRONG_UNIT),
    ("a value between the steps", _finer_value, {}, Unreadable.TOO_PRECISE),
    ("a value out of range", _past_the_range, {}, Unreadable.OUT_OF_RANGE),
    ("text for a number", _text, {}, Unreadable.WRONG_TYPE),
    ("an end in 9999", _leave, {"expires_at": "9999-12-31T23:59:00Z"}, Unreadable.KEPT_TOO_LONG),
    ("a time of the future", _of_tomorrow, {"expires_at": "2099-06-01T00:00:00Z"}, Unreadable.KEPT_TOO_LONG),
    ("an unknown version", _leave, {"policy_version": "77-0123456789ab"}, Unreadable.UNKNOWN_POLICY),
    ("a version that is no number", _leave, {"policy_version": "x"}, Unreadable.UNKNOWN_POLICY),
]  # fmt: skip


def test_what_a_worker_sends_is_kept(plan: Plan, sent: Arrived) -> None:
    assert verdict(plan, sent) is None
    assert verdict(plan, bent(sent, _leave, policy_version=f"{FIRST.version}-other")) is None


@pytest.mark.parametrize(
    ("bend", "headers", "reason"),
    [case[1:] for case in FOREIGN],
    ids=[case[0] for case in FOREIGN],
)
def test_what_the_plan_does_not_hold_is_refused(
    plan: Plan,
    sent: Arrived,
    bend: Callable[[dict[str, Any]], None],
    headers: dict[str, str],
    reason: Unreadable,
) -> None:
    assert verdict(plan, bent(sent, bend, **headers)) is reason


def test_another_output_holds_nothing_of_it(plan: Plan, sent: Arrived) -> None:
    assert verdict(plan, sent, "survey") is Unreadable.NOT_ALLOWED


def one_run(path: str, unit: str, value: float | str) -> RecordReadings:
    texts, numbers = ([value], None) if isinstance(value, str) else (None, [float(value)])
    run = Run(path, unit, [WORLD_MS], numbers, texts)
    return RecordReadings("r", "p", WORLD_MS, "3-other", 1, [run])


def holding(
    path: str, *operations: Operation, more: tuple[Operation, ...] | None = None
) -> Callable[[RecordReadings, str, int], Unreadable | None]:
    signals = {path: operations, **({LONGITUDE: more} if more else {})}
    made = replace(plan_of(output("one", [lane("9d", 9, SECOND_MS, signals)])), catalogue=KNOWN)
    return Judge(lambda _: made)


FIX_TYPE = "Vehicle.CurrentLocation.GNSSReceiver.FixType"
_FIX = Signal(
    path=FIX_TYPE, unit="", datatype="string", kind=Kind.POSITION, allowed=("NONE", "TWO_D")
)
KNOWN = Catalogue("test", {**CATALOGUE.by_path, FIX_TYPE: _FIX})
MESH_1KM, ABROAD, H3 = MeshJis(1_000), MeshJis(1_000, elsewhere=True), MeshH3(7)
TOKYO_JIS, TOKYO_H3, FINER_H3 = "53394611", h3_cell(35.68, 139.76, 7), h3_cell(35.68, 139.76, 8)
_ARABIC = {ord(digit): 0x660 + int(digit) for digit in "0123456789"}
CELLS = [
    ("a code of its size", MESH_1KM, "jis-1000m", TOKYO_JIS, None),
    ("a finer code", MESH_1KM, "jis-1000m", TOKYO_JIS + "1", Unreadable.OUT_OF_RANGE),
    ("digits of no cell", MESH_1KM, "jis-1000m", "53399911", Unreadable.OUT_OF_RANGE),
    ("digits of no area", MESH_1KM, "jis-1000m", "99394611", Unreadable.OUT_OF_RANGE),
    ("a phone number", MESH_1KM, "jis-1000m", "+8190123", Unreadable.OUT_OF_RANGE),
    ("digits of another script", MESH_1KM, "jis-1000m", TOKYO_JIS.translate(_ARABIC), Unreadable.OUT_OF_RANGE),
    ("another grid", MESH_1KM, "jis-1000m", TOKYO_H3, Unreadable.OUT_OF_RANGE),
    ("another unit", MESH_1KM, "degrees", TOKYO_JIS, Unreadable.WRONG_UNIT),
    ("a number", MESH_1KM, "jis-1000m", 35.681236, Unreadable.WRONG_TYPE),
    ("a cell abroad", ABROAD, "jis-1000m or h3-7", TOKYO_H3, None),
    ("a finer cell abroad", ABROAD, "jis-1000m or h3-7", FINER_H3, Unreadable.OUT_OF_RANGE),
    ("an index of its resolution", H3, "h3-7", TOKYO_H3, None),
    ("a finer index", H3, "h3-7", FINER_H3, Unreadable.OUT_OF_RANGE),
    ("an index in capitals", H3, "h3-7", TOKYO_H3.upper(), Unreadable.OUT_OF_RANGE),
    ("a name", H3, "h3-7", "Taro", Unreadable.OUT_OF_RANGE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("mesh", "unit", "cell", "reason"), [one[1:] for one in CELLS], ids=[one[0] for one in CELLS]
)
def test_a_cell_is_one_of_its_own_grid(
    mesh: Mesh, unit: str, cell: float | str, reason: Unreadable | None
) -> None:
    judge = holding(LATITUDE, mesh, more=(mesh,))
    assert judge(one_run(MESH, unit, cell), "one", WORLD_MS) is reason


RANGES = [
    ("a word of the list", FIX_TYPE, (), "TWO_D", None),
    ("a word of no list", FIX_TYPE, (), "Taro Yamada", Unreadable.OUT_OF_RANGE),
    ("a trouble code", TROUBLE_CODES, (), "P0301", None),
    ("a VIN for a trouble code", TROUBLE_CODES, (), "1HGCM82633A004352", Unreadable.OUT_OF_RANGE),
    ("a trouble code and a line", TROUBLE_CODES, (), "P0301\n", Unreadable.OUT_OF_RANGE),
    ("the highest", FUEL, (), 100, None),
    ("more than the highest", FUEL, (), 100.5, Unreadable.OUT_OF_RANGE),
    ("less than the lowest", FUEL, (), -1, Unreadable.OUT_OF_RANGE),
    ("the highest rounded up", FUEL, (Round(30),), 90, None),
    ("past the highest", FUEL, (Round(30),), 120, Unreadable.OUT_OF_RANGE),
    ("the highest rounded down", FUEL, (Round(40),), 80, None),
    ("yes", BELT, (), 1, None),
    ("more than yes", BELT, (), 2, Unreadable.OUT_OF_RANGE),
    ("neither yes nor no", BELT, (), 0.5, Unreadable.TOO_PRECISE),
    ("a whole number", RPM, (), 3, None),
    ("a part of a whole number", RPM, (), 2.9, Unreadable.TOO_PRECISE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "steps", "value", "reason"),
    [one[1:] for one in RANGES],
    ids=[one[0] for one in RANGES],
)
def test_a_value_is_one_that_its_signal_can_have(
    path: str, steps: tuple[Operation, ...], value: float | str, reason: Unreadable | None
) -> None:
    judge = holding(path, *(steps or (Keep(),)))
    assert judge(one_run(path, KNOWN[path].unit, value), "one", WORLD_MS) is reason


speeds = st.lists(st.floats(0, 250), min_size=1, max_size=20)
places = st.tuples(st.floats(30, 45), st.floats(130, 145))


@settings(max_examples=examples(50), deadline=None)
@given(speeds=speeds, place=places, fuel=st.floats(0, 100), late_ms=st.integers(0, 10**9))
def test_whatever_a_worker_makes_of_an_envelope_is_kept(
    speeds: list[float], place: tuple[float, float], fuel: float, late_ms: int
) -> None:
    series = {
        SPEED: column("km/h", speeds),
        FUEL: column("percent", [fuel]),
        LATITUDE: column("degrees", [place[0]] * 2),
        LONGITUDE: column("degrees", [place[1]] * 2),
    }
    value = envelope(series, WORLD_MS - late_ms, dtc=["P0301"])
    judge, outputs = Judge(lambda _: PLAN), {one.topic: one.id for one in PLAN.outputs}
    for one in known_world(PLAN).feed(value):
        arrived = Arrived(one.topic, 0, 0, WORLD_MS, one.key, one.value, one.headers)
        found = read_record(arrived, outputs[one.topic])
        assert isinstance(found, RecordReadings)
        assert judge(found, outputs[one.topic], WORLD_MS) is None


def test_what_was_passed_before_a_last_day_is_kept_whenever_it_is_read() -> None:
    """The last day is the worker's to keep: a sink may read days later what was passed in time."""
    page = FILES["purposes/study.yaml"].replace("[JP]}", "[JP], until: 2026-11-23}")
    ending = document_plan({**FILES, "purposes/study.yaml": page})
    sent = _sent(ending)
    found = read_record(sent, STUDY)
    assert isinstance(found, RecordReadings)
    assert Judge({1: ending}.get)(found, STUDY, NOW_MS + 3 * DAY_MS) is None


def test_a_version_in_which_the_purpose_is_suspended_lets_nothing_be_kept() -> None:
    page = FILES["purposes/study.yaml"].replace("seed:", "suspended: true\nseed:")
    suspended = document_plan({**FILES, "purposes/study.yaml": page})
    found = read_record(_sent(document_plan(FILES)), STUDY)
    assert isinstance(found, RecordReadings)
    assert Judge({1: suspended}.get)(found, STUDY, NOW_MS) is Unreadable.NOT_ALLOWED


def _sent(plan: Plan) -> Arrived:
    world = World(plan)
    world.register()
    world.link()
    value = envelope({SPEED: column("km/h", [40.0, 50.0], step_ms=20_000)}, NOW_MS - 60_000)
    (one,) = world.feed(value, NOW_MS, NOW_MS)
    return Arrived(one.topic, 0, 0, NOW_MS, one.key, one.value, one.headers)
