"""A life that ends with an event ends on the day on which its period is over."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from office.erasure.ends import LaneEnd, lane_ends
from policy.plan.plan import Plan
from policy.vocabulary.periods import add_period
from policy.vocabulary.terms import Period
from telemetry.instants import DAY_MS, parse_instant
from tests.support.documents import bent, plan_of

AT_MS = parse_instant("2026-03-10T15:30:00Z")


def kept(after: str = "90 days", version: int = 1) -> Plan:
    """A plan that keeps positions so long after a contract's end."""
    files = bent(
        "purposes/study.yaml",
        "at_most: 30 days, from: reading",
        f"at_most: {after}, from: contract_end, cap: 400 days",
    )
    return replace(plan_of(files), version=version)


def test_only_lanes_that_count_from_this_event_end_with_it() -> None:
    (lane,) = [one for one in kept().outputs[0].lanes if one.trigger == "contract_end"]
    due_ms = parse_instant("2026-06-08T00:00:00Z")
    assert lane_ends("contract_end", AT_MS, [kept()]) == [LaneEnd("study", lane.name, due_ms)]
    assert lane_ends("device_retired", AT_MS, [kept()]) == []
    assert lane_ends("contract_end", AT_MS, [plan_of()]) == []


def test_the_newest_version_decides_and_a_lane_that_it_lacks_ends_as_it_did() -> None:
    (longer,) = lane_ends("contract_end", AT_MS, [kept("90 days"), kept("60 days", 2)])
    (alone,) = lane_ends("contract_end", AT_MS, [kept("60 days")])
    assert longer == alone
    assert lane_ends("contract_end", AT_MS, [kept(), plan_of()]) == lane_ends(
        "contract_end", AT_MS, [kept()]
    )


@given(st.integers(0, 4 * 10**12), st.integers(1, 399))
def test_no_end_is_later_than_its_period_and_none_is_a_day_early(at_ms: int, days: int) -> None:
    (end,) = lane_ends("contract_end", at_ms, [kept(f"{days} days")])
    over_ms = add_period(at_ms, Period(days, "days"))
    assert over_ms - DAY_MS < end.due_ms <= over_ms
    assert end.due_ms % DAY_MS == 0


@given(st.integers(0, 4 * 10**12), st.integers(1, 200), st.integers(1, 300))
def test_no_event_ends_a_life_before_the_statutory_minimum(
    at_ms: int, days: int, least: int
) -> None:
    plan = kept(f"{days} days")
    minimum = Period(least, "days")
    (output,) = plan.outputs
    bound = replace(
        plan,
        outputs=(
            replace(output, lanes=tuple(replace(one, at_least=minimum) for one in output.lanes)),
        ),
    )
    (end,) = lane_ends("contract_end", at_ms, [bound])
    # No reading that is meant is later than the event itself.
    assert end.due_ms >= add_period(at_ms, minimum)
    assert end.due_ms - DAY_MS < max(
        add_period(at_ms, minimum), add_period(at_ms, Period(days, "days"))
    )
