"""How long periods are, which keys are offered, and when one goes: by the promise, never before."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office.keyring import hold_keys
from office.keyring.period_keys import (
    ROUND_S,
    SHARE,
    due,
    due_ms,
    late_door_ms,
    length_s,
    name_of,
    offered,
    period_of,
    wanted,
)
from policy.plan.plan import Plan
from policy.vocabulary.operations import Keep, ThinTime
from processors.program import build_program
from telemetry.instants import HOUR_MS, MINUTE_MS
from telemetry.periods import Period, period_at
from tests.support.plans import PLAN, SPEED, lane, output, plan
from tests.support.worlds import NOW_MS

PROMISES_MS = st.integers(MINUTE_MS, 2_000 * HOUR_MS)


THINNING = plan(output("a", [lane("30d", 30, 1_000, {SPEED: (ThinTime(10_000), Keep())})]))


def promising(bound_ms: int) -> Plan:
    return replace(PLAN, raw=replace(PLAN.raw, bound_ms=bound_ms))


def test_a_promise_of_a_day_has_periods_of_six_hours() -> None:
    assert length_s(promising(24 * HOUR_MS)) == 6 * 3_600
    assert length_s(promising(24 * HOUR_MS - 1)) == 4 * 3_600
    assert length_s(promising(MINUTE_MS)) == 60


@given(PROMISES_MS)
def test_a_period_is_round_and_a_quarter_of_the_promise_at_most(bound_ms: int) -> None:
    length = length_s(promising(bound_ms))
    assert length in ROUND_S
    assert 86_400 % length == 0
    assert length == ROUND_S[0] or length * 1000 * SHARE <= bound_ms


@given(PROMISES_MS, st.integers(0, 10**13))
def test_the_key_of_every_instant_is_offered_and_one_ahead(bound_ms: int, now_ms: int) -> None:
    plan = promising(bound_ms)
    current, following = wanted(plan, now_ms)
    assert current.from_ms <= now_ms < current.to_ms == following.from_ms
    periods = offered(plan, now_ms)
    assert {current, following} <= set(periods)
    behind_ms = now_ms - late_door_ms(length_s(plan))
    assert period_at(behind_ms, length_s(plan)) in periods


@given(PROMISES_MS, st.integers(0, 10**13), st.integers(0, HOUR_MS))
def test_what_is_readable_lives_as_promised_if_that_leaves_time_to_read_it_again(
    bound_ms: int, now_ms: int, late_ms: int
) -> None:
    thinning = replace(THINNING, late_ms=late_ms, raw=replace(PLAN.raw, bound_ms=bound_ms))
    period = period_at(now_ms, length_s(thinning))
    ends_ms = due_ms(period, thinning)
    again_ms = max(build_program(thinning).lives_ms)
    assert again_ms >= late_ms
    assert ends_ms >= period.to_ms + again_ms, "a worker that starts has its key"
    if bound_ms >= length_s(thinning) * 1000 + max(again_ms, late_door_ms(length_s(thinning))):
        assert ends_ms == period.from_ms + bound_ms
        assert ends_ms - now_ms <= bound_ms


def test_a_key_goes_at_its_instant_and_no_other_name_is_taken_for_it() -> None:
    plan = promising(24 * HOUR_MS)
    period = period_at(NOW_MS, length_s(plan))
    names = [name_of(period), ("research", "team", "2026-10.3m"), hold_keys.name_of("command")]
    ends_ms = period.from_ms + 24 * HOUR_MS
    assert due(names, plan, ends_ms - 1) == frozenset()
    assert due(names, plan, ends_ms) == {name_of(period)}


@given(st.integers(0, 2**32 - 1), st.sampled_from(ROUND_S))
def test_a_name_says_its_period(number: int, length: int) -> None:
    assert period_of(name_of(Period(number, length))) == Period(number, length)


@pytest.mark.parametrize("name", [("~raw", "x", "1"), ("~raw", "60", "-1"), ("~hold", "60", "1")])
def test_a_name_of_another_kind_says_none(name: tuple[str, str, str]) -> None:
    assert period_of(name) is None
