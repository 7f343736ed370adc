"""What the policy's scope does not list leaves nothing but its count, whatever else is true of it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.plan.plan import Plan
from telemetry.wire.envelope_content import content_of
from tests.support.plans import PLAN, SPEED
from tests.support.times import examples
from tests.support.worlds import DEVICE, World, column, envelope, known_world

NAMES = st.sampled_from([None, "obd", "can", "app", "car", "van", "lorry"])
LISTS = st.lists(st.sampled_from(["obd", "can", "app"]), unique=True).map(tuple)
SERVICES = st.lists(st.sampled_from(["car", "van", "lorry"]), unique=True).map(tuple)


def one(readings: int = 3, **fields: Any) -> bytes:
    return envelope({SPEED: column("km/h", [40.0] * readings)}, **fields)


def counted(world: World) -> tuple[dict[str, int], int]:
    """What was rejected, and how many readings entered any output's account."""
    flows, rejected = world.tally.settle()
    return rejected, sum(flow.entered for flow in flows.values())


@settings(max_examples=examples(60), deadline=None)
@given(
    sources=LISTS,
    services=SERVICES,
    without=st.tuples(NAMES, NAMES),
    source=NAMES,
    registered=st.lists(NAMES, min_size=1, max_size=2),
    readings=st.integers(1, 5),
)
def test_out_of_scope_is_nothing_but_its_count(
    sources: tuple[str, ...],
    services: tuple[str, ...],
    without: tuple[str | None, str | None],
    source: str | None,
    registered: list[str | None],
    readings: int,
) -> None:
    plan = replace(
        PLAN, sources=sources, services=services, unstated_source=without[0],
        unstated_service=without[1],
    )  # fmt: skip
    world = known_world(plan)
    for number, service in enumerate(registered):
        # The first takes the place of the row without a service.
        world.register(service=service, key=f"{number}" if number else None)
    out = world.feed(one(readings, **({} if source is None else {"source": source})))
    named = [without[1] if service is None else service for service in registered]
    within = (source or without[0]) in sources and all(service in services for service in named)
    rejected, entered = counted(world)
    assert bool(out) is within
    assert bool(entered) is within
    assert rejected == ({} if within else {"out_of_scope": readings})


@pytest.mark.parametrize("plan", [replace(PLAN, unstated_source=None), replace(PLAN, sources=())])
def test_a_plan_that_says_nothing_of_a_source_takes_no_envelope_without_one(plan: Plan) -> None:
    world = known_world(plan)
    assert world.feed(one()) == []
    assert counted(world) == ({"out_of_scope": 3}, 0)


def test_a_plan_that_says_nothing_of_a_service_takes_no_device_without_one() -> None:
    world = known_world(replace(PLAN, unstated_service=None))
    assert world.feed(one(source="obd")) == []
    world.register(service="van")
    assert world.feed(one(source="obd"))
    assert counted(world)[0] == {"out_of_scope": 3}


def test_what_rules_over_time_remember_does_not_depend_on_a_service() -> None:
    """The state is rebuilt from log and plan alone: nobody is asked as which service it drove."""
    worlds = [known_world(PLAN) for _ in range(2)]
    worlds[1].register(service="lorry")
    for world in worlds:
        world.feed(one(source="obd"))
    assert worlds[0].state.living() == worlds[1].state.living() != {}
    elsewhere = known_world(PLAN)
    elsewhere.feed(one(source="app"))
    assert elsewhere.state.living() == {}


def test_a_service_that_is_listed_later_opens_and_one_that_is_not_closes_what_was_decided() -> None:
    world = known_world(PLAN)
    assert world.feed(one())
    before = world.processor.basis()
    world.register(service="lorry")
    assert world.processor.basis() != before
    assert world.feed(one()) == []
    world.register(service="van")
    assert world.feed(one())


def test_a_source_is_part_of_what_an_envelope_says_and_its_absence_is_not() -> None:
    plain, named, other = (
        content_of(text) for text in (one(), one(source="obd"), one(source="can"))
    )
    assert plain and named and other
    assert len({plain.digest, named.digest, other.digest}) == 3
    assert DEVICE.encode() not in plain.digest
