"""Days of a document: in its zone, within the calendar, and refused where they stand if not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.vocabulary.words import YEARS_MAX, WordError, duration_ms
from policy.vocabulary.zones import zone
from telemetry.instants import HOUR_MS, day_start_ms, format_instant
from tests.support.documents import bent, errors, plan_of

POLICY = "policy.yaml"


def test_a_document_without_a_zone_is_refused_since_its_days_begin_nowhere() -> None:
    assert errors(bent(POLICY, "zone: Asia/Tokyo\n", "")) == [
        "policy.yaml:1:1: error: `zone` is missing; add `zone: Asia/Tokyo`"
    ]


@pytest.mark.parametrize(
    "said", ["Tokyo", "JST", "+09:00", "asia/tokyo", "Asia", "Asia/Edo", "localtime", "posixrules",
             "right/Asia/Tokyo", "posix/Asia/Tokyo", "../etc/passwd", "Asia/../UTC", "9", "UTC\\n"],
)  # fmt: skip
def test_what_is_no_place_of_the_zone_database_is_no_zone(said: str) -> None:
    (error,) = errors(bent(POLICY, "zone: Asia/Tokyo", f'zone: "{said}"'))
    assert error.startswith("policy.yaml:12:7: error: `zone`: no zone of the IANA database has")
    assert error.endswith("write its area and place, as `Asia/Tokyo`, or `UTC`")


def test_a_day_begins_once_even_if_its_midnight_is_skipped_or_comes_twice() -> None:
    skipped = plan_of(
        bent(POLICY, "zone: Asia/Tokyo", "zone: America/Sao_Paulo")
        | {"notices/study@1.yaml": bent("notices/study@1.yaml", "2026-09-01", "2018-01-01")["notices/study@1.yaml"]}
        | {POLICY: bent(POLICY, "effective: 2026-10-01", "effective: 2018-11-04")[POLICY].replace("Asia/Tokyo", "America/Sao_Paulo")}
    )  # fmt: skip
    assert format_instant(skipped.effective_ms) == "2018-11-04T03:00:00Z"
    twice = bent(POLICY, "effective: 2026-10-01", "effective: 2026-11-01")
    twice[POLICY] = twice[POLICY].replace("Asia/Tokyo", "America/Havana")
    assert format_instant(plan_of(twice).effective_ms) == "2026-11-01T04:00:00Z"


@given(day=st.dates())
@pytest.mark.parametrize("name", ["UTC", "Asia/Tokyo", "America/New_York", "Pacific/Apia"])
def test_every_day_of_every_calendar_begins_within_a_day_of_utc(name: str, day: object) -> None:
    begins_ms = day_start_ms(day, zone(name))  # type: ignore[arg-type]  # a date
    assert abs(begins_ms - day_start_ms(day, zone("UTC"))) <= 26 * HOUR_MS  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("2026-02-30", "not readable as YAML 1.2: day is out of range for month"),
        ("2026-13-01", "not readable as YAML 1.2: month must be in 1..12"),
        ("0000-01-01", "not readable as YAML 1.2: year 0 is out of range"),
        ("2026-10-01 25:00:00", "not readable as YAML 1.2: hour must be in 0..23"),
        ("9999-12-31", "`effective`: a day before 1970 or after 2999 (here: 9999-12-31)"),
        ("1969-12-31", "`effective`: a day before 1970 or after 2999 (here: 1969-12-31)"),
        ("2026-10-01T09:00:00Z", "`effective` is not a date, as 2026-12-01"),
        ("2026-10-01 00:00:00", "`effective` is not a date, as 2026-12-01"),
        ("99999-01-01", "`effective` is not a date, as 2026-12-01 (here: 99999-01-01)"),
    ],
)
def test_a_day_that_cannot_be_is_refused_where_it_stands(said: str, shown: str) -> None:
    found = errors(bent(POLICY, "effective: 2026-10-01", f"effective: {said}"))
    (of_day,) = (one for one in found if one.startswith("policy.yaml:3:12: error: "))
    assert shown in of_day


@given(count=st.integers(0, 999_999), unit=st.sampled_from(["ms", "s", "min", "h", "day", "days"]))
def test_a_length_of_time_is_at_most_a_century(count: int, unit: str) -> None:
    try:
        length_ms = duration_ms(f"{count} {unit}")
    except WordError:
        return
    assert 0 < length_ms <= YEARS_MAX * 366 * 24 * HOUR_MS
