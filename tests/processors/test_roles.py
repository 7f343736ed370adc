"""A forbid for people in some roles, at run time: it closes its own routes and no others."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.plan.plan import Plan
from policy.vocabulary.operations import Keep
from processors.core import room_for
from processors.core_path import core_path
from processors.routes import routes_of
from telemetry.instants import SECOND_MS
from telemetry.wire.control import Role
from telemetry.wire.record import LATITUDE, LONGITUDE, decode_record
from tests.support.plans import FUEL, LOCATION, RPM, SPEED, lane, output, plan
from tests.support.times import examples
from tests.support.worlds import NOW_MS, World, column, envelope, known_world

KEPT = (Keep(),)
CLOSED: tuple[Role, ...] = ("minor", "unknown")


def advice() -> Plan:
    """One lane on one ground: speed is not for minors nor unconfirmed drivers, fuel is for all."""
    signals = {SPEED: KEPT, FUEL: KEPT}
    place = {LATITUDE: KEPT, LONGITUDE: KEPT}
    return plan(
        output(
            "service",
            [
                lane("30d", 30, SECOND_MS, signals, not_for={SPEED: CLOSED}),
                lane(
                    "60d", 60, SECOND_MS, place, LOCATION, not_for=dict.fromkeys(place, ("minor",))
                ),
            ],
        )
    )


def drive(n: int = 5) -> bytes:
    return envelope(
        {
            SPEED: column("km/h", [50.0] * n),
            FUEL: column("percent", [40.0] * n),
            LATITUDE: column("degrees", [35.6] * n),
            LONGITUDE: column("degrees", [139.7] * n),
        }
    )


def test_a_minors_consent_opens_nothing() -> None:
    world = known_world(advice(), role="minor")
    out = world.feed(drive())
    assert {path for m in out for path in decode_record(m.value).series} == {FUEL}
    flow = world.ledger()["service"]
    assert flow.closes
    assert (flow.entered, flow.delivered, flow.withheld) == (20, 5, {"forbidden": 15})


def test_a_driver_nobody_confirmed_leaves_no_driving_behind() -> None:
    world = known_world(advice(), role="unknown")
    out = world.feed(drive())
    assert {path for m in out for path in decode_record(m.value).series} == {
        FUEL, LATITUDE, LONGITUDE
    }  # fmt: skip
    assert world.ledger()["service"].withheld == {"forbidden": 5}


def test_a_role_that_no_forbid_names_keeps_everything() -> None:
    world = known_world(advice(), role="driver")
    world.feed(drive())
    assert world.ledger()["service"].delivered == 20


def test_a_consent_that_is_missing_comes_before_the_forbid() -> None:
    world = World(advice())
    world.register()
    world.link(role="minor")
    world.feed(drive())
    assert world.ledger()["service"].withheld == {"no_consent": 10, "forbidden": 5}


def test_two_roles_in_one_batch_are_counted_apart() -> None:
    world = known_world(advice(), role="driver")
    world.register("dev-2")
    world.link("dev-2", "subject-1", role="minor")
    world.feed(drive())
    world.feed(drive().replace(b"dev-000001", b"dev-2"))
    flow = world.ledger()["service"]
    assert flow.closes
    assert (flow.delivered, flow.withheld) == (25, {"forbidden": 15})


def test_two_minors_of_whom_one_agreed_are_counted_apart() -> None:
    world = known_world(advice(), role="minor")
    world.register("dev-2")
    world.link("dev-2", "subject-2", role="minor")
    world.feed(drive())
    world.feed(drive().replace(b"dev-000001", b"dev-2"))
    assert world.ledger()["service"].withheld == {"forbidden": 20, "no_consent": 10}


def test_the_role_counts_that_the_person_had_when_it_was_recorded() -> None:
    world = World(advice())
    world.register()
    start = NOW_MS - 60_000
    world.link(to_ms=start + 2_000, role="minor")
    world.link(from_ms=start + 2_000, role="driver")
    world.feed(envelope({SPEED: column("km/h", [50.0] * 5)}, at_ms=start))
    assert world.ledger()["service"].withheld == {"forbidden": 2}
    assert world.ledger()["service"].delivered == 3


def test_a_role_told_later_replaces_the_answer_that_was_kept() -> None:
    world = known_world(advice(), role="driver")
    world.feed(drive())
    world.link(role="minor")
    assert not [m for m in world.feed(drive()) if SPEED in decode_record(m.value).series]


def test_no_key_is_asked_for_what_cannot_leave() -> None:
    world = World(
        plan(output("service", [lane("a", 30, SECOND_MS, {SPEED: KEPT}, not_for={SPEED: CLOSED})]))
    )
    world.register()
    world.link(role="minor")
    assert world.feed(envelope({SPEED: column("km/h", [1.0])})) == []
    assert dict(world.keys) == {}


def test_passages_are_split_by_people_and_named_apart() -> None:
    found = routes_of(advice())
    assert [(set(p.chains), p.not_for) for p in found] == [
        ({SPEED}, CLOSED), ({FUEL}, ()), ({LATITUDE, LONGITUDE}, ("minor",))
    ]  # fmt: skip
    assert len({p.name for p in found}) == len(found)


def test_where_no_forbid_names_a_role_a_lane_on_one_ground_is_one_passage() -> None:
    kept = {SPEED: KEPT, RPM: KEPT}
    (route,) = routes_of(plan(output("service", [lane("30d", 30, SECOND_MS, kept)])))
    assert (set(route.chains), route.not_for) == ({SPEED, RPM}, ())


@pytest.mark.parametrize("exact", [False, True])
@settings(max_examples=examples(60), deadline=None)
@given(
    role=st.sampled_from(["driver", "minor", "unknown", "employee"]),
    closed=st.sets(st.sampled_from(["minor", "unknown", "employee"])),
    consented=st.booleans(),
)
def test_the_ledger_closes_for_every_role(
    *, exact: bool, role: Role, closed: set[Role], consented: bool
) -> None:
    roles = tuple(sorted(closed))
    place = {LATITUDE: KEPT, LONGITUDE: KEPT}
    lanes = [
        lane("a", 30, SECOND_MS, {SPEED: KEPT, FUEL: KEPT}, not_for={SPEED: roles}),
        lane("b", 60, SECOND_MS, place, LOCATION, not_for=dict.fromkeys(place, roles)),
    ]
    world = World(plan(output("service", lanes)))
    world.register()
    world.link(role=role)
    if consented:
        world.consent("service", "location", "service@1")
    core = core_path(world.processor)
    if exact or core is None:
        world.feed(drive())
    else:
        state = world.program.empty_state(room_for(1_000))
        core.process([(drive(), NOW_MS)], NOW_MS, world.tally, state)
    flow = world.ledger()["service"]
    assert flow.closes
    assert flow.entered == 20
    speed = 0 if role in closed else 5
    position = 10 if consented and role not in closed else 0
    assert flow.delivered == 5 + speed + position
    assert flow.withheld.get("no_consent", 0) == (0 if consented else 10)
