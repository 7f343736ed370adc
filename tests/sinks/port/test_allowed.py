"""A foreign writer's record is not kept: each is held against the plan of its version."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.plan.plan import Plan
from roadfade.in_force.broker import limits_of
from roadfade.in_force.plans import Plans
from sinks.port.allowed import Judge
from sinks.port.records import RecordReadings, read_record
from sinks.port.results import Unreadable
from telemetry.arrived import Arrived
from telemetry.record import LATITUDE, LONGITUDE
from tests.support.plans import FUEL, PLAN, SPEED
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
    world = World(plan)
    world.register()
    world.link()
    value = envelope({SPEED: column("km/h", [40.0, 50.0], step_ms=20_000)}, NOW_MS - 60_000)
    (one,) = world.feed(value, NOW_MS, NOW_MS)
    return Arrived(one.topic, 0, 0, NOW_MS, one.key, one.value, one.headers)


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
