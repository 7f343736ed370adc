import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from office.errors import OfficeError
from office.registry.intervals import Interval, asked_interval, shortened

INSTANTS = st.integers(0, 12)
INTERVALS = st.builds(Interval, INSTANTS, st.none() | INSTANTS)
EVERY_INSTANT = range(-1, 15)


@given(INTERVALS, INTERVALS)
def test_two_intervals_overlap_exactly_if_an_instant_lies_in_both(
    one: Interval, other: Interval
) -> None:
    shared = any(one.holds(instant) and other.holds(instant) for instant in EVERY_INSTANT)
    assert one.overlaps(other) is shared
    assert other.overlaps(one) is shared


@given(INTERVALS)
def test_an_empty_interval_holds_no_instant_any_other_holds_its_beginning(
    interval: Interval,
) -> None:
    assert interval.empty is not any(interval.holds(instant) for instant in EVERY_INSTANT)


@given(INTERVALS, INSTANTS)
def test_shortening_adds_no_instant_and_removes_those_from_the_end_on(
    interval: Interval, at_ms: int
) -> None:
    assume(not interval.empty)
    ended = shortened(interval, at_ms)
    for instant in EVERY_INSTANT:
        assert ended.holds(instant) is (interval.holds(instant) and instant < at_ms)


def test_an_empty_interval_is_refused() -> None:
    with pytest.raises(OfficeError, match="ends before it begins"):
        asked_interval(5, 5)
