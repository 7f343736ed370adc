"""Which rights are missing, which are ours to take, and whose are none of ours."""

from typing import Final

import pytest

from bus.access_rights import Right
from bus.memory.access_rights import MemoryRights
from policy.artefacts.acls import GATEWAY, READER, SINK, WORKER, acls
from policy.versions.topic_handover import ActiveVersion
from roadfade.in_force.plans import VersionTimeline
from roadfade.in_force.rights import apply_rights, drift_of, rights_drift, wanted_rights
from roadfade.refusal import NotReady
from tests.support.plans import PLAN, output, plan

PREFIX: Final = "north."
NEXT = plan(*PLAN.outputs, output("spare", PLAN.outputs[0].lanes))
NOW = VersionTimeline((ActiveVersion(PLAN, 0),), None)
WANTED = wanted_rights(NOW, PREFIX)
RAW_READ = Right(SINK, "Read", "topic", "north.telemetry.raw")
"""What no sink may have."""
OURS = (
    RAW_READ,
    Right(WORKER, "All", "topic", "north.purpose.gone"),
    Right(GATEWAY, "Read", "group", "north.roadfade-worker"),
    Right(GATEWAY, "Write", "topic", "north.telemetry.raw", host="10.0.0.1"),
    Right(GATEWAY, "Alter", "cluster", "kafka-cluster"),
)
OTHERS = (
    Right("somebody", "Read", "topic", "north.telemetry.raw"),
    Right("somebody", "Read", "topic", "*"),
    Right("somebody", "Read", "topic", "nor", "prefixed"),
    Right("somebody", "Read", "topic", "north.purpose.service", "prefixed"),
    Right(WORKER, "Read", "topic", "north.", "prefixed"),
    Right("somebody", "Alter", "cluster", "kafka-cluster"),
)
AWAY = (
    Right(SINK, "Read", "topic", "telemetry.raw"),
    Right(SINK, "Read", "topic", "south.telemetry.raw"),
    Right(SINK, "Read", "topic", "north.invoices"),
    Right("somebody", "Read", "topic", "invoices"),
    Right("somebody", "Read", "topic", "nothing", "prefixed"),
    Right("somebody", "Describe", "cluster", "kafka-cluster"),
    Right("somebody", "Write", "transactional_id", "*"),
)
"""Of another installation, of other topics, or of no power over ours."""


def test_the_wanted_rights_are_those_that_the_policy_prints() -> None:
    printed = {(a.principal, a.operation, a.resource, a.name) for a in acls(PLAN, PREFIX)}
    assert {tuple(one[:4]) for one in WANTED} == printed


def test_rights_of_the_next_version_are_wanted_before_its_date() -> None:
    wanted = wanted_rights(VersionTimeline((ActiveVersion(PLAN, 0),), NEXT), PREFIX)
    assert Right(READER + "spare", "Read", "topic", "north.purpose.spare") in wanted - WANTED


def test_of_an_earlier_version_the_sink_reads_on_and_its_readers_do_not() -> None:
    line = VersionTimeline((ActiveVersion(NEXT, 0), ActiveVersion(PLAN, 1)), None)
    more = wanted_rights(line, PREFIX) - WANTED
    assert Right(SINK, "Read", "topic", "north.purpose.spare") in more
    assert not {one for one in more if one.principal.startswith((READER, WORKER))}


def test_what_is_wanted_and_held_is_no_drift() -> None:
    found = drift_of(WANTED, WANTED, PREFIX)
    assert (found.missing, found.surplus, found.others) == ((), (), ())


def test_what_is_not_held_is_missing() -> None:
    right = min(WANTED)
    assert drift_of(WANTED, WANTED - {right}, PREFIX).missing == (right,)


@pytest.mark.parametrize("right", OURS, ids=str)
def test_what_our_principals_have_beyond_the_plan_is_surplus(right: Right) -> None:
    assert drift_of(WANTED, {*WANTED, right}, PREFIX).surplus == (right,)


@pytest.mark.parametrize("right", OTHERS, ids=str)
def test_who_else_reaches_our_topics_is_named_and_is_not_surplus(right: Right) -> None:
    found = drift_of(WANTED, {*WANTED, right}, PREFIX)
    assert (found.surplus, found.others) == ((), (right,))


@pytest.mark.parametrize("right", AWAY, ids=str)
def test_what_reaches_nothing_of_ours_is_none_of_our_business(right: Right) -> None:
    found = drift_of(WANTED, {*WANTED, right}, PREFIX)
    assert (found.surplus, found.others) == ((), ())


def test_without_a_prefix_another_installations_rights_are_not_ours() -> None:
    theirs = WANTED | {RAW_READ}
    wanted = wanted_rights(NOW, "")
    found = drift_of(wanted, wanted | theirs, "")
    assert {one.resource for one in found.surplus} <= {"cluster"}
    assert found.surplus == found.others == ()


async def test_applying_gives_takes_and_leaves_the_rest_and_then_finds_nothing() -> None:
    rights = MemoryRights({*OURS, *OTHERS, *AWAY, *list(WANTED)[:5]})
    async with rights:
        found = await apply_rights(rights, WANTED, PREFIX)
        assert set(found.missing) == WANTED - set(list(WANTED)[:5])
        assert set(found.surplus) == set(OURS)
        assert await rights.held() == {*WANTED, *OTHERS, *AWAY}
        again = await rights_drift(rights, WANTED, PREFIX)
        assert again.missing == again.surplus == ()


async def test_a_broker_without_an_authorizer_is_refused_in_words() -> None:
    with pytest.raises(NotReady, match=r"authorizer\.class\.name"):
        await apply_rights(MemoryRights(guarded=False), WANTED, PREFIX)
