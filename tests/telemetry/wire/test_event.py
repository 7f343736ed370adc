"""An event that is none is refused for a reason that says nothing of it, and nothing else happens."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.topics import EVENTS_REPORTED, is_control, partitions_fixed
from telemetry.wire.event import (
    EVENT_BYTES_MAX,
    EventRefusal,
    RefusedEvent,
    ReportedEvent,
    encode_event,
    encode_refused,
    take_event,
    take_refused,
)

ID = "event-0001"
EVENT = ReportedEvent(
    v=1, id=ID, kind="contract_end", at="2026-11-01T00:00:00.250+09:00", subject="ana"
)
REFUSED = RefusedEvent(
    v=1, topic_id="q1Sh-9", partition=0, offset=4, reason=EventRefusal.UNKNOWN, at_ms=5
)


def laid(**change: Any) -> bytes:
    return json.dumps(msgspec.to_builtins(EVENT) | change).encode()


def test_what_is_encoded_is_taken_under_its_own_key_alone() -> None:
    value = encode_event(EVENT)
    assert take_event(EVENT.key, value) == EVENT
    assert EVENT.at_ms == 1_793_458_800_250
    for other in (None, b"", b"event-0002"):
        assert take_event(other, value) is EventRefusal.FOREIGN


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": None},
        {"id": "short"},
        {"id": "with a blank"},
        {"id": ID + "\n"},
        {"id": "x" * 65},
        {"kind": ""},
        {"kind": 5},
        {"at": "yesterday"},
        {"at": "2026-11-01T00:00:00"},
        {"at": 1_793_458_800_250},
        {"at": "9999-99-99T00:00:00Z"},
        {"subject": ""},
        {"subject": "x" * 129},
        {"device": ["dongle-1"]},
        {"name": "Ana"},
    ],
)
def test_what_no_event_says_is_undecodable(change: dict[str, object]) -> None:
    value = laid(**change)
    own = change.get("id", ID)
    assert take_event(str(own).encode(), value) is EventRefusal.UNDECODABLE


def test_a_tombstone_and_what_is_too_long_are_not_read() -> None:
    assert take_event(EVENT.key, None) is EventRefusal.NO_VALUE
    value = laid()
    padded = value + b" " * (EVENT_BYTES_MAX - len(value))
    assert take_event(EVENT.key, padded) == EVENT
    assert take_event(EVENT.key, padded + b" ") is EventRefusal.OVERSIZED


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_that_no_clock_has_is_none(at: str) -> None:
    assert take_event(EVENT.key, laid(at=at)) is EventRefusal.NO_INSTANT
    with pytest.raises(ValueError, match="none can have"):
        encode_event(msgspec.structs.replace(EVENT, at=at))


@given(st.none() | st.binary(max_size=80), st.none() | st.binary(max_size=200))
def test_any_bytes_are_refused_without_an_error(key: bytes | None, value: bytes | None) -> None:
    assert isinstance(take_event(key, value), EventRefusal)
    assert take_refused(value) is None


@given(st.text(max_size=200), st.text(max_size=80))
def test_any_words_are_taken_or_refused_without_an_error(subject: str, at: str) -> None:
    taken = take_event(EVENT.key, laid(subject=subject, at=at))
    # What is taken, every database takes, too.
    if isinstance(taken, ReportedEvent):
        assert taken.subject is not None
        taken.subject.encode()


def test_an_event_shows_nothing_of_itself() -> None:
    assert "ana" not in repr(EVENT)
    assert ID not in repr(EVENT)


def test_a_refusal_names_a_place_and_a_reason_alone() -> None:
    assert take_refused(encode_refused(REFUSED)) == REFUSED
    assert REFUSED.key == b"q1Sh-9/0@4"
    strange = msgspec.to_builtins(REFUSED)
    for change in ({"reason": "because"}, {"offset": -1}, {"at_ms": 10**18}, {"subject": "ana"}):
        assert take_refused(msgspec.json.encode(strange | change)) is None


def test_the_topic_has_one_order_and_no_heartbeats() -> None:
    assert partitions_fixed(EVENTS_REPORTED) == 1
    assert not is_control(EVENTS_REPORTED)
