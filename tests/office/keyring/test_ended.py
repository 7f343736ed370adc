"""No key goes while a record under it may exist anywhere; every one whose end is known goes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office.keyring.ended import AHEAD_MS, Horizon, ended, needed_until_ms
from office.keyring.wrapping import KeyName
from policy.plan.epochs import TRIP_MS_MAX, epoch_at, epoch_named
from policy.plan.last_rows import rows_end_ms
from policy.plan.plan import Plan, Transport
from policy.vocabulary.periods import add_period, expires_ms
from policy.vocabulary.terms import Epoch, Period
from telemetry.instants import DAY_MS, HOUR_MS, Grain, parse_instant
from tests.support.plans import PLAN

OUTPUT = PLAN.outputs[0]
REPLAY_MS = 42 * DAY_MS
BEGIN_MS, END_MS = 1_600_000_000_000, 1_900_000_000_000
PERIODS = st.builds(
    Period, st.integers(1, 40), st.sampled_from(["minutes", "hours", "days", "months", "years"])
)
EPOCHS = st.one_of(
    st.builds(Epoch, st.integers(1, 12)), st.builds(Epoch, st.just(0), st.integers(1, 90))
)


def plan_with(*periods: Period) -> Plan:
    lanes = tuple(replace(OUTPUT.lanes[0], period=one) for one in periods)
    return replace(PLAN, outputs=(replace(OUTPUT, lanes=lanes), *PLAN.outputs[1:]))


def name_of(epoch: Epoch, at_ms: int) -> KeyName:
    return OUTPUT.purpose, OUTPUT.recipient, epoch_at(epoch, at_ms).name


@given(
    epoch=EPOCHS,
    periods=st.lists(PERIODS, min_size=1, max_size=3),
    trip_ms=st.integers(BEGIN_MS, END_MS),
    into_trip_ms=st.integers(0, TRIP_MS_MAX),
    late_ms=st.one_of(st.integers(-AHEAD_MS, 0), st.integers(0, 1000 * DAY_MS)),
    grain=st.sampled_from(list(Grain)),
    before_ms=st.integers(1, 2 * 366 * DAY_MS),
)
def test_no_record_that_any_lane_could_still_hold_loses_its_key(
    epoch: Epoch,
    periods: list[Period],
    trip_ms: int,
    into_trip_ms: int,
    late_ms: int,
    grain: Grain,
    before_ms: int,
) -> None:
    """Nor does one that is read again from raw or restored, and is decided as it was."""
    name = name_of(epoch, trip_ms)
    event_ms = trip_ms + into_trip_ms
    received_ms = event_ms + late_ms
    plans = [plan_with(one) for one in periods]
    for period in periods:
        gone_ms = expires_ms(event_ms, received_ms, period, grain)
        if received_ms < gone_ms:
            gone_ms = max(gone_ms, received_ms + PLAN.raw.bound_ms + REPLAY_MS)
        assert not ended([name], plans, Horizon(gone_ms - before_ms, REPLAY_MS))


@given(
    epoch=EPOCHS,
    period=PERIODS,
    at_ms=st.integers(BEGIN_MS, END_MS),
    into_trip_ms=st.sampled_from([0, HOUR_MS, TRIP_MS_MAX]),
)
def test_nothing_but_the_sum_itself_holds_a_key_for_the_last_trip_of_its_epoch(
    epoch: Epoch, period: Period, at_ms: int, into_trip_ms: int
) -> None:
    """Without any way on which a record waits; a reading may claim to be a day ahead, besides."""
    at_once = Transport(0, 0, 0)
    lanes = (replace(OUTPUT.lanes[0], period=period),)
    plan = replace(PLAN, raw=at_once, outputs=(replace(OUTPUT, lanes=lanes, transport=at_once),))
    name = name_of(epoch, at_ms)
    event_ms = epoch_at(epoch, at_ms).to_ms - 1 + into_trip_ms + AHEAD_MS
    gone_ms = add_period(event_ms, period)
    assert not ended([name], [plan], Horizon(gone_ms - 1, 0))


@given(
    event_ms=st.integers(BEGIN_MS, END_MS),
    period=PERIODS,
    before_ms=st.integers(0, 4 * DAY_MS),
    grain=st.sampled_from(list(Grain)),
)
def test_no_row_of_an_earlier_reading_ends_later(
    event_ms: int, period: Period, before_ms: int, grain: Grain
) -> None:
    """In a short month the last days of a longer one end together, and not in their order."""
    output = replace(OUTPUT, lanes=(replace(OUTPUT.lanes[0], period=period),))
    rows_ms = rows_end_ms([output], event_ms)
    assert rows_ms is not None
    earlier_ms = event_ms - before_ms
    assert expires_ms(earlier_ms, earlier_ms, period, grain) <= rows_ms


def test_the_last_days_of_a_month_end_together() -> None:
    output = replace(OUTPUT, lanes=(replace(OUTPUT.lanes[0], period=Period(1, "months")),))
    rows_ms = rows_end_ms([output], parse_instant("2026-01-31T01:00:00Z"))
    late_ms = parse_instant("2026-01-30T23:00:00Z")
    assert rows_ms is not None
    assert rows_ms >= expires_ms(late_ms, late_ms, Period(1, "months"), Grain.MINUTE)


@given(epoch=EPOCHS, period=PERIODS, at_ms=st.integers(BEGIN_MS, END_MS))
def test_a_key_goes_once_nothing_can_be_left(epoch: Epoch, period: Period, at_ms: int) -> None:
    name = name_of(epoch, at_ms)
    until_ms = needed_until_ms(name, [plan_with(period)], REPLAY_MS)
    assert until_ms is not None
    assert ended([name], [plan_with(period)], Horizon(until_ms, REPLAY_MS)) == {name}
    assert not ended([name], [plan_with(period)], Horizon(until_ms - 1, REPLAY_MS))


def test_the_longest_period_that_a_recipient_ever_had_counts() -> None:
    name = name_of(Epoch(1), BEGIN_MS)
    short, long = plan_with(Period(30, "days")), plan_with(Period(13, "months"))
    without = replace(PLAN, outputs=PLAN.outputs[1:])
    until_ms = needed_until_ms(name, [long], REPLAY_MS)
    assert until_ms == needed_until_ms(name, [long, short, without], REPLAY_MS)
    assert until_ms != needed_until_ms(name, [short], REPLAY_MS)


@pytest.mark.parametrize(
    "name",
    [
        ("nobody's purpose", OUTPUT.recipient, "2020-01.1m"),
        (OUTPUT.purpose, "nobody", "2020-01.1m"),
        (OUTPUT.purpose, OUTPUT.recipient, "2020-13.1m"),
        (OUTPUT.purpose, OUTPUT.recipient, "2020-02.3m"),
        (OUTPUT.purpose, OUTPUT.recipient, "2020-02-30.7d"),
        (OUTPUT.purpose, OUTPUT.recipient, "spring"),
    ],
)
def test_a_key_of_which_no_end_is_known_stays(name: KeyName) -> None:
    assert needed_until_ms(name, [PLAN], 0) is None
    assert not ended([name], [PLAN], Horizon(END_MS, 0))


def test_a_request_that_was_asked_in_its_time_keeps_it_and_a_later_one_does_not() -> None:
    name = name_of(Epoch(3), BEGIN_MS)
    until_ms = needed_until_ms(name, [PLAN], REPLAY_MS)
    assert until_ms is not None
    now_ms = until_ms + DAY_MS
    assert not ended([name], [PLAN], Horizon(now_ms, REPLAY_MS, until_ms - 1))
    assert ended([name], [PLAN], Horizon(now_ms, REPLAY_MS, until_ms + HOUR_MS)) == {name}


@given(epoch=EPOCHS, at_ms=st.integers(BEGIN_MS, END_MS))
def test_an_epoch_is_found_by_its_name(epoch: Epoch, at_ms: int) -> None:
    span = epoch_at(epoch, at_ms)
    assert epoch_named(span.name) == span
