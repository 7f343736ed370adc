"""Lives end by the calendar, floored to the grain, and no clock makes them longer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.vocabulary.periods import add_period, coarsest_grain, expires_ms, shortest_ms
from policy.vocabulary.terms import Period, PeriodUnit
from telemetry.instants import DAY_MS, Grain, format_instant, parse_instant

PERIODS = st.builds(
    Period, st.integers(1, 60), st.sampled_from(["minutes", "hours", "days", "months", "years"])
)
INSTANTS = st.integers(0, parse_instant("2100-01-01T00:00:00Z"))


@pytest.mark.parametrize(
    ("start", "count", "unit", "end"),
    [
        ("2026-11-23T10:15:30Z", 30, "days", "2026-12-23T10:15:30Z"),
        ("2026-11-23T10:15:30Z", 90, "minutes", "2026-11-23T11:45:30Z"),
        ("2026-01-31T00:00:00Z", 1, "months", "2026-02-28T00:00:00Z"),
        ("2024-01-31T00:00:00Z", 1, "months", "2024-02-29T00:00:00Z"),
        ("2024-02-29T12:00:00Z", 1, "years", "2025-02-28T12:00:00Z"),
        ("2026-11-30T00:00:00Z", 13, "months", "2027-12-30T00:00:00Z"),
        ("2026-12-31T23:59:59Z", 2, "months", "2027-02-28T23:59:59Z"),
    ],
)
def test_periods_follow_the_calendar(start: str, count: int, unit: PeriodUnit, end: str) -> None:
    assert format_instant(add_period(parse_instant(start), Period(count, unit))) == end


@given(start_ms=INSTANTS, period=PERIODS)
def test_a_period_is_at_least_its_shortest_length(start_ms: int, period: Period) -> None:
    assert add_period(start_ms, period) - start_ms >= shortest_ms(period)


@given(event_ms=INSTANTS, received_ms=INSTANTS, period=PERIODS, grain=st.sampled_from(Grain))
def test_nothing_outlives_its_period_whatever_the_clock_says(
    event_ms: int, received_ms: int, period: Period, grain: Grain
) -> None:
    end_ms = expires_ms(event_ms, received_ms, period, grain)
    assert end_ms <= add_period(min(event_ms, received_ms), period)
    assert end_ms == expires_ms(min(event_ms, received_ms), 2**42, period, grain)


@pytest.mark.parametrize(
    ("period", "grain"),
    [
        (Period(24, "months"), Grain.MONTH),
        (Period(23, "months"), Grain.DAY),
        (Period(13, "months"), Grain.DAY),
        (Period(30, "days"), Grain.DAY),
        (Period(23, "days"), Grain.HOUR),
        (Period(24, "hours"), Grain.HOUR),
        (Period(23, "hours"), Grain.MINUTE),
        (Period(5, "minutes"), Grain.MINUTE),
    ],
)
def test_the_grain_is_at_most_a_24th_of_the_period(period: Period, grain: Grain) -> None:
    assert coarsest_grain(period) is grain


@given(period=PERIODS)
def test_a_grain_costs_a_life_at_most_a_24th(period: Period) -> None:
    grain = coarsest_grain(period)
    assert grain is Grain.MINUTE or grain.length_ms_min * 24 <= shortest_ms(period)


def test_a_late_upload_lives_from_its_event() -> None:
    event_ms = parse_instant("2026-10-25T09:00:00Z")
    end_ms = expires_ms(event_ms, event_ms + 29 * DAY_MS, Period(30, "days"), Grain.DAY)
    assert format_instant(end_ms) == "2026-11-24T00:00:00Z"
