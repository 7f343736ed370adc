import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.logs.timeline import STRETCHES_MAX, WILD_FRAMES_MAX, timeline

DRIVE_S = 1_700_000_000
DAY_S = 86_400


def told(*stamps_s: float) -> tuple[list[int], int]:
    """How many frames each part has, and how many are wild."""
    found = timeline(round(stamp * 1_000_000) for stamp in stamps_s)
    assert found.frames == len(stamps_s) == len(list(found.part_of_each()))
    assert found.wild + sum(part.frames for part in found.parts) == len(stamps_s)
    return [part.frames for part in found.parts], found.wild


def drive(seconds: int, start_s: float = DRIVE_S) -> list[float]:
    return [start_s + n for n in range(seconds)]


WILD = {
    "year 33658": 999_999_999_999.5,
    "next month": DRIVE_S + 30 * DAY_S,
    "an hour ahead": DRIVE_S + 3_600,
    "1970": 17.0,
    "an hour ago": DRIVE_S - 3_600,
    "before all clocks": -1e12,
}


@pytest.mark.parametrize("stamp", WILD)
def test_a_wild_stamp_within_a_drive_is_left_out(stamp: str) -> None:
    assert told(*drive(1), WILD[stamp], *drive(1, DRIVE_S + 1)) == ([2], 1)
    assert told(*drive(50), *[WILD[stamp]] * 3, *drive(50, DRIVE_S + 50)) == ([100], 3)


@pytest.mark.parametrize("stamp", ["year 33658", "next month", "1970"])
def test_a_wild_stamp_at_an_end_is_left_out(stamp: str) -> None:
    assert told(WILD[stamp], *drive(50)) == ([50], 1)
    assert told(*drive(50), WILD[stamp]) == ([50], 1)


def test_different_wild_stamps_are_left_out_together() -> None:
    wild = [DRIVE_S + 1e8, DRIVE_S + 2e8, 12.0]
    assert told(*drive(5), *wild, *drive(5, DRIVE_S + 5), 1.5, *drive(5, DRIVE_S + 10)) == ([15], 4)


def test_a_clock_that_is_set_begins_a_part() -> None:
    assert told(17, 17.5, *drive(2)) == ([2, 2], 0)
    assert told(946_684_801, 946_684_802, *drive(2)) == ([2, 2], 0)
    assert told(*drive(50), *drive(50, DRIVE_S - 3_600)) == ([50, 50], 0)


def test_more_than_a_few_out_of_order_are_another_clock() -> None:
    few, many = WILD_FRAMES_MAX, WILD_FRAMES_MAX + 1
    ahead = DRIVE_S + 1e8
    assert told(*drive(50), *drive(few, ahead), *drive(50, DRIVE_S + 60)) == ([100], few)
    parts, wild = told(*drive(50), *drive(many, ahead), *drive(50, DRIVE_S + 60))
    assert (parts, wild) == ([50, many, 50], 0)


def test_a_parked_car_is_no_clock_that_was_set() -> None:
    assert told(*drive(5), *drive(5, DRIVE_S + 3 * DAY_S)) == ([10], 0)
    assert told(*(DRIVE_S + n * DAY_S for n in range(30))) == ([30], 0)


def test_buses_merged_out_of_order_are_one_part() -> None:
    assert told(*(DRIVE_S + n + (n % 3) * -0.5 for n in range(100))) == ([100], 0)


def test_nothing_is_no_part() -> None:
    assert told() == ([], 0)
    assert told(999_999_999_999.5) == ([], 1)


def test_what_only_jumps_is_no_recording() -> None:
    with pytest.raises(OverflowError, match="jumps"):
        timeline((n % 2) * 10**12 for n in range(STRETCHES_MAX + 2))


stamps = st.integers(-(2**62), 2**62) | st.integers(0, 4 * 10**15) | st.sampled_from([0, 10**15])


@given(st.lists(stamps, max_size=80))
def test_every_frame_is_in_one_part_or_wild(stamps_us: list[int]) -> None:
    found = timeline(stamps_us)
    assert found.frames == len(stamps_us)
    for number, part in enumerate(found.parts):
        mine = [us for us, n in zip(stamps_us, found.part_of_each(), strict=True) if n == number]
        assert (part.frames, part.last_us) == (len(mine), max(mine))


@given(st.integers(5, 60), st.integers(0, 60), stamps)
def test_one_stamp_never_makes_a_part(length: int, place: int, stamp_us: int) -> None:
    whole = [round(stamp * 1_000_000) for stamp in drive(length)]
    found = timeline([*whole[:place], stamp_us, *whole[place:]])
    [part] = [part for part in found.parts if part.frames >= length]
    assert part.last_us - whole[-1] <= DAY_S * 1_000_000
