"""Times are floored, a leap second is a time, and no clock lengthens a life."""

import pytest

from telemetry.instants import DAY_MS, HOUR_MS, format_instant
from telemetry.wire.record import EXPIRES_AT, decode_record
from tests.support.plans import PLAN, SPEED
from tests.support.worlds import NOW_MS, World, column, envelope, known_world

SERIES = {SPEED: column("km/h", [40.0])}


def sent_at(text: str) -> bytes:
    return envelope(SERIES, clock={"t0": text, "quality": "gnss"})


def service(one: World, raw: bytes, received_ms: int = NOW_MS, now_ms: int = NOW_MS) -> list[str]:
    """The record's time, and its end."""
    return [
        text
        for record in one.feed(raw, received_ms, now_ms)
        if record.topic == "purpose.service"
        for text in (decode_record(record.value).t0, dict(record.headers)[EXPIRES_AT].decode())
    ]


@pytest.mark.parametrize(
    "fraction",
    [".999", ".999400", ".999600", ".9996", ".999999", ".9999996", ".999999999", ".99999999999999"],
)
def test_what_is_finer_than_a_millisecond_is_cut_off(fraction: str) -> None:
    sent = sent_at(f"2026-11-18T23:59:59{fraction}Z")
    coarse = service(known_world(PLAN), sent_at("2026-11-18T23:59:59Z"))
    assert (
        service(known_world(PLAN), sent)
        == coarse
        == ["2026-11-18T23:59:59Z", "2027-12-23T00:00:00Z"]
    )


@pytest.mark.parametrize(
    "leap",
    [
        "2026-11-18T23:59:60Z",
        "2026-11-18t23:59:60z",
        "2026-11-18T23:59:60.75Z",
        "2026-11-19T08:59:60+09:00",
        "2026-11-18T18:59:60-05:00",
    ],
)
def test_a_leap_second_is_the_last_of_its_day(leap: str) -> None:
    one = known_world(PLAN)
    assert service(one, sent_at(leap))[0] == "2026-11-18T23:59:59Z"
    assert one.rejected() == {}


@pytest.mark.parametrize(
    "none",
    [
        "2026-11-18T23:59:61Z", "2026-11-18T10:15:60Z", "2026-11-18T23:59:60+09:00",
        "2026-11-18T24:00:00Z", "2026-11-18T10:15Z", "20261118T101530Z", "2026-02-30T00:00:00Z",
        "2026-11-18T10:15:30", "2026-02-30T23:59:60Z", "",
    ],
)  # fmt: skip
def test_what_is_no_time_is_counted_as_malformed(none: str) -> None:
    one = known_world(PLAN)
    assert one.feed(sent_at(none)) == []
    assert one.rejected() == {"malformed": 1}


def test_a_leap_second_in_the_trips_start_is_one_too() -> None:
    trip = {"id": "t", "started": "2026-11-18T23:59:60Z"}
    one = known_world(PLAN)
    assert one.feed(envelope(SERIES, trip=trip, sent_at="2026-11-18T23:59:60Z")) != []


@pytest.mark.parametrize("years", [1, 74])
def test_an_append_time_of_the_future_lengthens_no_life(years: int) -> None:
    far_ms = NOW_MS + years * 365 * DAY_MS
    raw = envelope(SERIES, at_ms=far_ms)
    here = service(known_world(PLAN), envelope(SERIES, at_ms=NOW_MS))
    assert service(known_world(PLAN), raw, received_ms=far_ms)[1] == here[1]


def test_a_life_begins_no_later_than_reading_arrival_and_now() -> None:
    ends = {
        service(known_world(PLAN), envelope(SERIES, at_ms=read_ms), received_ms, now_ms)[1]
        for read_ms, received_ms, now_ms in (
            (NOW_MS, NOW_MS + DAY_MS, NOW_MS + DAY_MS),
            (NOW_MS + 12 * HOUR_MS, NOW_MS, NOW_MS + DAY_MS),
            (NOW_MS + DAY_MS, NOW_MS + DAY_MS, NOW_MS),
        )
    }
    assert ends == {format_instant((NOW_MS + 400 * DAY_MS) // DAY_MS * DAY_MS)}
