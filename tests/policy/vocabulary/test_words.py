"""The words of the document, one line each, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.plan.epochs import epoch_at
from policy.vocabulary import operation_words, words
from policy.vocabulary.operations import (
    Bucket,
    Drop,
    Keep,
    MeshH3,
    MeshJis,
    Operation,
    Round,
    ThinCount,
    ThinTime,
    Unsupported,
)
from policy.vocabulary.periods import expires_ms
from policy.vocabulary.terms import Epoch, Period
from policy.vocabulary.words import Exact, WordError
from telemetry.instants import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Grain,
    floor_to_grain,
    parse_instant,
)


@pytest.mark.parametrize(
    ("said", "operation", "unit"),
    [
        ("keep", Keep(), None),
        ("drop", Drop(), None),
        ("round 1 percent", Round(1), "percent"),
        ("round 0.1 m/s^2", Round(0.1), "m/s^2"),
        ("round 5", Round(5), None),
        ("bucket 10 km/h", Bucket(10), "km/h"),
        ("thin 10 s", ThinTime(10_000), None),
        ("thin 1 in 2", ThinCount(2), None),
        ("mesh jis 500 m", MeshJis(500), None),
        ("mesh h3 8", MeshH3(8), None),
        ("trim_trip_ends 500 m 5 min", Unsupported("trim_trip_ends 500 m 5 min"), None),
        ("hide_home_cells", Unsupported("hide_home_cells"), None),
    ],
)
def test_operations_are_lines_of_words(said: str, operation: Operation, unit: str | None) -> None:
    spoken = operation_words.operation(said)
    assert (spoken.operation, spoken.unit) == (operation, unit)
    assert operation_words.format_operation(operation, unit or "") == said


@pytest.mark.parametrize(
    "said",
    [
        "", "Keep", "keep it", "drop all", "round", "round -1", "round 0", "round 1e3", "bucket x",
        "thin", "thin 1 in 0", "thin 1 of 2", "thin 10", "mesh", "mesh jis 300 m", "mesh jis 500",
        "mesh h3 16", "mesh h3 -1", "blur", 5, None, True,
    ],
)  # fmt: skip
def test_other_words_mean_nothing(said: object) -> None:
    with pytest.raises(WordError) as caught:
        operation_words.operation(said)
    assert caught.value.remedy


def test_lengths_places_and_epochs_are_words() -> None:
    assert words.period("24 months") == Period(24, "months")
    assert words.period("1 month") == Period(1, "months")
    assert words.duration_ms("10 min") == 10 * MINUTE_MS
    assert words.duration_ms("1 day") == DAY_MS
    assert words.epoch("3 months") == Epoch(3)
    assert words.epoch("1 day") == Epoch(0, 1)
    assert words.space("exact") == Exact()
    assert words.space("jis-mesh 10000 m") == MeshJis(10_000)
    assert words.space("h3 7") == MeshH3(7)
    assert words.space("prefecture") == Unsupported("prefecture")


@pytest.mark.parametrize("said", ["0 days", "-1 days", "1.5 days", "days", "1 week", "1  day", 30])
def test_a_period_needs_a_whole_count_and_a_calendar_unit(said: object) -> None:
    with pytest.raises(WordError):
        words.period(said)


@pytest.mark.parametrize(
    "said",
    ["101 years", "9999 years", "1201 months", "36601 days", "878401 hours"],
    ids=["years", "ever", "months", "days", "hours"],
)
def test_a_period_past_all_calendars_is_refused(said: str) -> None:
    with pytest.raises(WordError, match="longer than 100 years"):
        words.period(said)


@pytest.mark.parametrize("said", ["1201 months", "36601 days"], ids=["months", "days"])
def test_an_epoch_past_all_calendars_is_refused(said: str) -> None:
    with pytest.raises(WordError, match="longer than 100 years"):
        words.epoch(said)


@given(
    count=st.integers(1, 999_999),
    unit=st.sampled_from(["minutes", "hours", "days", "months", "years"]),
    at_ms=st.integers(0, parse_instant("2999-12-31T00:00:00Z")),
)
def test_what_is_accepted_never_stops_a_worker(count: int, unit: str, at_ms: int) -> None:
    try:
        length = words.period(f"{count} {unit}")
    except WordError:
        return
    for grain in Grain:
        assert expires_ms(at_ms, at_ms, length, grain) >= floor_to_grain(at_ms, grain)
    if unit in ("days", "months"):
        span = epoch_at(words.epoch(f"{count} {unit}"), at_ms)
        assert span.from_ms <= at_ms < span.to_ms


@given(length_ms=st.integers(1, 1000 * HOUR_MS))
def test_a_length_said_is_the_length_meant(length_ms: int) -> None:
    said = words.format_duration(length_ms)
    if len(said.split()[0]) <= 6:
        assert words.duration_ms(said) == length_ms
