from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.instants import Grain, floor_to_grain, format_instant, parse_instant, to_ms

INSTANTS = st.integers(0, 4_000_000_000_000)


@given(INSTANTS)
def test_an_instant_survives_being_written(instant_ms: int) -> None:
    assert parse_instant(format_instant(instant_ms)) == instant_ms


@given(INSTANTS, st.sampled_from(list(Grain)))
def test_a_floor_never_lies_later_and_is_its_own_floor(instant_ms: int, grain: Grain) -> None:
    floored = floor_to_grain(instant_ms, grain)
    assert floored <= instant_ms
    assert floor_to_grain(floored, grain) == floored


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        parse_instant("2026-08-22T10:15:30")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
        ("2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.999Z"),
        ("2017-01-01T08:59:60+09:00", "2016-12-31T23:59:59.999Z"),
        ("2016-12-31T18:29:60-0530", "2016-12-31T23:59:59.999Z"),
        ("2016-12-31T23:59:59.9999999Z", "2016-12-31T23:59:59.999Z"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
    ],
)
def test_an_instant_is_floored_and_a_leap_second_is_one(text: str, plain: str) -> None:
    assert format_instant(parse_instant(text)) == plain


@pytest.mark.parametrize(
    "none", ["2016-12-31T10:15:60Z", "2016-12-31T23:59:60+09:00", "2026-02-30T23:59:60Z"]
)
def test_second_60_of_another_minute_or_day_is_no_time(none: str) -> None:
    with pytest.raises(ValueError, match=r"must be in|out of range"):
        parse_instant(none)


def test_grains_are_ordered_from_fine_to_coarse() -> None:
    assert [grain.fineness for grain in Grain] == [0, 1, 2, 3]


def test_what_is_finer_than_a_millisecond_is_floored() -> None:
    just_before = "2026-11-22T09:59:59.999999Z"
    assert parse_instant(just_before) == parse_instant("2026-11-22T10:00:00Z") - 1
    assert format_instant(parse_instant(just_before)) == "2026-11-22T09:59:59.999Z"
    assert format_instant(parse_instant("1969-12-31T23:59:59.9999Z")) == "1969-12-31T23:59:59.999Z"
    assert format_instant(to_ms(datetime.max.replace(tzinfo=UTC))) == "9999-12-31T23:59:59.999Z"
