"""A promise about bytes holds for the sum of everything Kafka waits for."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.compiler.promises import transport
from policy.language.fields import Promise
from policy.language.problems import Findings
from policy.plan.bounds import PASS_MS
from policy.plan.limits import Limits
from policy.plan.plan import Transport
from policy.vocabulary.periods import shortest_ms
from policy.vocabulary.terms import Period, Where
from telemetry.instants import DAY_MS, MINUTE_MS, SECOND_MS
from tests.support.documents import bent, errors, plan_of

HERE = Where("policy.yaml", 7)


def settings(words: str, at_most_ms: int | None, limits: Limits) -> tuple[Transport, Findings]:
    findings = Findings()
    promise = Promise(topic_at_most=words, cites=("C1-04",))  # type: ignore[arg-type]  # words become a period while reading
    return transport(promise, at_most_ms, limits, HERE, findings), findings


def test_a_week_is_kept_with_ten_minute_segments() -> None:
    made, findings = settings("7 days", None, Limits())
    assert not findings.refused
    assert made.segment_ms == 10 * MINUTE_MS
    assert made.retention_ms == 7 * DAY_MS - 16 * MINUTE_MS - PASS_MS
    assert made.bound_ms == 7 * DAY_MS


def test_a_demonstration_deletes_within_two_minutes() -> None:
    quick = Limits(check_interval_ms=SECOND_MS, delete_delay_ms=SECOND_MS)
    made, findings = settings("7 days", MINUTE_MS, quick)
    assert not findings.refused
    assert made == Transport(MINUTE_MS, 15 * SECOND_MS, 77 * SECOND_MS + PASS_MS)


@given(
    minutes=st.integers(1, 60 * 24 * 40),
    at_most_ms=st.none() | st.integers(SECOND_MS, 100 * DAY_MS),
    check_ms=st.integers(1, DAY_MS),
    delay_ms=st.integers(0, DAY_MS),
)
def test_what_compiles_keeps_its_promise(
    minutes: int, at_most_ms: int | None, check_ms: int, delay_ms: int
) -> None:
    limits = Limits(check_interval_ms=check_ms, delete_delay_ms=delay_ms)
    made, findings = settings(f"{minutes} minutes", at_most_ms, limits)
    if not findings.refused:
        assert made.retention_ms > 0
        broker_ms = check_ms + PASS_MS + delay_ms
        assert made.bound_ms == made.retention_ms + made.segment_ms + broker_ms
        assert made.bound_ms <= minutes * MINUTE_MS
        assert at_most_ms is None or made.retention_ms <= at_most_ms


@given(minutes=st.integers(1, 40), check_ms=st.integers(SECOND_MS, DAY_MS // 8))
def test_a_refused_promise_names_one_that_can_be_kept(minutes: int, check_ms: int) -> None:
    limits = Limits(check_interval_ms=check_ms)
    _, findings = settings(f"{minutes} minutes", None, limits)
    for problem in findings.problems:
        found = re.search(r"at least (\d+) minutes", problem.remedy)
        assert found is not None
        assert not settings(f"{found[1]} minutes", None, limits)[1].refused
        assert settings(f"{int(found[1]) - 1} minutes", None, limits)[1].refused


def test_a_purpose_with_a_short_life_needs_a_short_topic() -> None:
    page = "purposes/study.yaml"
    short = bent(page, "at_most: 30 days", "at_most: 5 days")
    (error,) = errors(short)
    assert "every record would be too late" in error
    mended = short[page] + "transport: {topic_at_most: 1 day, cites: [C1-04]}\n"
    plan = plan_of({**short, page: mended})
    assert plan.outputs[0].transport.bound_ms == DAY_MS


def test_settings_shorten_topics_and_never_lengthen_them() -> None:
    usual = plan_of().outputs[0].transport
    shorter = plan_of(limits=Limits(topic_retention_ms_at_most=DAY_MS)).outputs[0].transport
    longer = plan_of(limits=Limits(topic_retention_ms_at_most=99 * DAY_MS)).outputs[0].transport
    assert shorter.retention_ms == DAY_MS
    assert longer == usual


def test_the_raw_topic_has_a_setting_of_its_own() -> None:
    plan = plan_of(limits=Limits(raw_retention_ms_at_most=MINUTE_MS, late_ms=1))
    assert plan.raw.retention_ms == MINUTE_MS
    assert plan.outputs[0].transport == plan_of().outputs[0].transport
    assert plan.ledger == plan_of().ledger


@pytest.mark.parametrize("unit", ["minutes", "hours", "days", "months", "years"])
def test_a_shortest_length_is_never_longer_than_the_calendar(unit: str) -> None:
    days = {"minutes": 1 / 1440, "hours": 1 / 24, "days": 1, "months": 28, "years": 365}
    assert shortest_ms(Period(1, unit)) <= days[unit] * DAY_MS  # type: ignore[arg-type]  # units of the table
