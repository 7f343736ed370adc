"""A suspended purpose takes nothing in; what lies of it keeps its ends, and no other stops."""

from typing import Any

from policy.diff.diff import diff
from policy.explain.explain import explain
from policy.explain.question import Consent, Question
from policy.versions.succession import Succession
from telemetry.instants import DAY_MS, Grain, floor_to_grain
from telemetry.kept import Kept
from telemetry.outcome import Withheld
from tests.support.documents import FILES, FUEL, SPEED, bent, plan_of, policy_of, warnings
from tests.support.worlds import NOW_MS, World, column, envelope

PAGE = "purposes/study.yaml"
SUSPENDED = bent(PAGE, "seed: 第2(8)\n", "seed: 第2(8)\nsuspended: true\n")
OTHER = "purposes/other.yaml"


def two() -> dict[str, str]:
    """Beside the suspended purpose one that goes on, and needs speed alone."""
    page = FILES[PAGE].replace("purpose: study", "purpose: other")
    head, _, _ = page.partition("  C11:\n")
    return {**SUSPENDED, OTHER: head}


def drive() -> dict[str, Any]:
    return {SPEED: column("km/h", [40.0, 41.0]), FUEL: column("percent", [50.0])}


def world(files: dict[str, str]) -> World:
    one = World(plan_of(files))
    one.register()
    one.link()
    return one


def test_a_suspended_purpose_streams_nothing_and_the_ledger_says_so() -> None:
    one = world(two())
    out = one.feed(envelope(drive()))
    assert {record.topic for record in out} == {"purpose.other"}
    flows = one.ledger()
    assert all(flow.closes for flow in flows.values())
    assert flows["study"].withheld == {"suspended": 2, "not_collected": 1}
    assert flows["other"].delivered == 1


def test_what_only_a_suspended_purpose_needs_is_not_collected() -> None:
    plan = plan_of(two())
    assert FUEL not in plan.collected and SPEED in plan.collected
    assert plan.suspended == {"study"}


def test_its_topic_and_its_lanes_stay_so_that_what_lies_there_is_held_to_its_end() -> None:
    before, after = plan_of(FILES), plan_of(SUSPENDED)
    lanes = [[(lane.name, lane.period) for lane in one.lanes] for one in after.outputs]
    assert lanes == [[(lane.name, lane.period) for lane in one.lanes] for one in before.outputs]
    assert [one.transport for one in after.outputs] == [one.transport for one in before.outputs]
    assert after.forbids == before.forbids


def test_an_explanation_says_that_the_purpose_is_suspended() -> None:
    asked = Question(SPEED, "study", None, Consent.NONE, NOW_MS - 60_000, NOW_MS)
    answer = explain(plan_of(two()), asked)
    assert (answer.decision, answer.reason) == ("withhold", Withheld.SUSPENDED)
    alone = explain(plan_of(SUSPENDED), asked)
    assert (alone.decision, alone.reason) == ("withhold", Withheld.NOT_COLLECTED)
    assert any("the purpose is suspended" in said for said in alone.alternatives)


def test_suspending_tightens_and_going_on_again_needs_a_decision() -> None:
    running, stopped = policy_of(FILES), policy_of(SUSPENDED)
    (suspends,) = diff(running, stopped).changes
    assert suspends.sentence == "study: is suspended: TIGHTENS"
    (resumes,) = diff(stopped, running).changes
    assert resumes.sentence == "study: is no longer suspended: LOOSENS, NEEDS_DECISION"


def test_a_check_warns_of_it() -> None:
    (said,) = [one for one in warnings(SUSPENDED) if "suspended" in one.message]
    assert str(said.where).startswith("purposes/study.yaml:5:")


def test_rows_of_before_keep_the_end_they_have() -> None:
    first = policy_of(FILES)
    second = policy_of(
        {**SUSPENDED, "policy.yaml": FILES["policy.yaml"].replace("version: 1", "version: 2")}
    )
    line = Succession([first, second])
    read_ms = NOW_MS - DAY_MS
    expires_ms = floor_to_grain(read_ms + 300 * DAY_MS, Grain.DAY)
    rows = Kept(
        output="study", signal=FUEL, policy_version=first.plan.policy_version,
        expires_ms=expires_ms, decided_by=0, last_ms=read_ms,
    )  # fmt: skip
    end = line.end_of(rows)
    assert end is not None and end.expires_ms == expires_ms
