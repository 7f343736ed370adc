"""A route's name enters record ids: it names what a record holds, and nothing else."""

from dataclasses import replace

import pytest

from policy.plan.plan import Lane, Plan
from policy.vocabulary.operations import Bucket, Keep
from policy.vocabulary.terms import Period
from processors.routes import routes_of
from telemetry.instants import Grain
from tests.support.plans import BELT, PUBLISHED, RPM, SPEED, lane, output, plan

BUCKETED = (Bucket(10),)
FIRST = lane("30d", 30, 1_000, {SPEED: (Keep(),), RPM: (Keep(),)})


def names(one: Plan) -> list[str]:
    return [route.name for route in routes_of(one)]


def only(one: Lane, recipient: str = "team") -> Plan:
    return plan(output("service", [one], recipient))


@pytest.mark.parametrize(
    "later",
    [
        replace(FIRST, name="90d", period=Period(90, "days")),
        replace(FIRST, name="30d.trip_end", trigger="trip_end", grain=Grain.HOUR),
        lane("30d", 30, 1_000, {SPEED: (Keep(),), RPM: (Keep(),)}, replace(PUBLISHED, notice="service@2")),
    ],
)  # fmt: skip
def test_a_record_keeps_its_name_where_only_its_life_or_ground_changes(later: Lane) -> None:
    assert names(only(later)) == names(only(FIRST))


@pytest.mark.parametrize(
    "later",
    [
        lane("30d", 30, 60_000, {SPEED: (Keep(),), RPM: (Keep(),)}),
        lane("30d", 30, 1_000, {SPEED: BUCKETED, RPM: (Keep(),)}),
        lane("30d", 30, 1_000, {SPEED: (Keep(),), RPM: (Keep(),), BELT: (Keep(),)}),
        lane("30d", 30, 1_000, {SPEED: (Keep(),)}),
    ],
)
def test_a_record_that_holds_anything_else_has_another_name(later: Lane) -> None:
    assert not set(names(only(later))) & set(names(only(FIRST)))


def test_records_for_another_recipient_have_another_name() -> None:
    assert not set(names(only(FIRST, "lab"))) & set(names(only(FIRST)))


def test_lanes_that_hold_alike_are_told_apart() -> None:
    twice = plan(output("service", [FIRST, replace(FIRST, name="90d", period=Period(90, "days"))]))
    assert len(set(names(twice))) == 2


def test_a_purpose_with_a_second_recipient_keeps_the_firsts_names() -> None:
    first = replace(output("service", [FIRST]), id="service.team", topic="purpose.service.team")
    assert names(plan(first)) == names(only(FIRST))
