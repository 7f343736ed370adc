"""Which records of a purpose topic are read, and why others are not."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sinks.port.records import RecordReadings, read_record
from sinks.port.results import Unreadable
from telemetry.arrived import Arrived
from telemetry.wire.record import RECORD_BYTES_MAX
from tests.sinks.records import EXPIRES_MS, OUTPUTS, SPEED, A, B, headers, record, value


def arrived(
    payload: Mapping[str, Any] | bytes | None = None,
    named: Mapping[str, str] | None = None,
    key: bytes | None = b"PSEUDONYM",
) -> Arrived:
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload or value())
    listed = [(name, text.encode()) for name, text in (named or headers()).items()]
    return Arrived(A, 0, 0, 0, key, body, listed)


def with_value(values: list[Any], dt: list[int] | None = None) -> Arrived:
    return arrived(
        value(series={SPEED: ("km/h", range(len(values)) if dt is None else dt, values)})
    )


SOUND = msgspec.json.encode(value())

BROKEN: list[tuple[str, Arrived, Unreadable]] = [
    ("a tombstone", replace(record(0), value=None), Unreadable.NO_PAYLOAD),
    ("no key", arrived(key=None), Unreadable.NO_PAYLOAD),
    ("too large", arrived(b" " * (RECORD_BYTES_MAX + 1)), Unreadable.OVERSIZED),
    ("not JSON", arrived(b"\xff{"), Unreadable.MALFORMED),
    ("half a record", arrived(SOUND[:-3]), Unreadable.MALFORMED),
    ("an unknown field", arrived(value() | {"device": "x"}), Unreadable.MALFORMED),
    ("another version", arrived(value() | {"v": 2}), Unreadable.MALFORMED),
    ("no time", arrived(value() | {"t0": "noon"}), Unreadable.MALFORMED),
    ("a time without zone", arrived(value() | {"t0": "2026-11-22T10:00:00"}), Unreadable.MALFORMED),
    ("before all time", arrived(value() | {"t0": "0001-01-01T00:00:00Z"}), Unreadable.MALFORMED),
    ("after all time", arrived(value() | {"t0": "9999-12-31T23:59:59Z"}), Unreadable.MALFORMED),
    ("a reading years away", with_value([1.0], [10**14]), Unreadable.MALFORMED),
    ("another's key", arrived(key=b"SOMEONE"), Unreadable.KEY_MISMATCH),
    ("fewer values than times", with_value([1.0], [0, 1]), Unreadable.COLUMN_MISMATCH),
    ("values without times", with_value([1.0], []), Unreadable.COLUMN_MISMATCH),
    ("a null", with_value([1.0, None]), Unreadable.WRONG_TYPE),
    ("a list", with_value([[1.0]]), Unreadable.WRONG_TYPE),
    ("text among numbers", with_value([1.0, "fast"]), Unreadable.WRONG_TYPE),
    ("a number beyond doubles", with_value([10**400]), Unreadable.WRONG_TYPE),
    ("no id", arrived(named=headers(ce_id=None)), Unreadable.MISSING_HEADER),
    ("no expiry", arrived(named=headers(expires_at=None)), Unreadable.MISSING_HEADER),
    ("no policy", arrived(named=headers(policy_version=None)), Unreadable.MISSING_HEADER),
    ("no purpose", arrived(named=headers(purpose=None)), Unreadable.MISSING_HEADER),
    ("no count", arrived(named=headers(readings=None)), Unreadable.MISSING_HEADER),
    ("an empty id", arrived(named=headers(ce_id="")), Unreadable.BAD_HEADER),
    ("an endless id", arrived(named=headers(ce_id="x" * 129)), Unreadable.BAD_HEADER),
    ("an id beyond ASCII", arrived(named=headers(ce_id="ü")), Unreadable.BAD_HEADER),
    ("an expiry that is no date", arrived(named=headers(expires_at="soon")), Unreadable.BAD_HEADER),
    ("an expiry to the second", arrived(named=headers(expires_at="2026-12-22T00:00:01Z")), Unreadable.BAD_HEADER),
    ("a count in words", arrived(named=headers(readings="two")), Unreadable.BAD_HEADER),
    ("a count below nothing", arrived(named=headers(readings="-1")), Unreadable.BAD_HEADER),
    ("a count no counter holds", arrived(named=headers(readings="1" + "0" * 30)), Unreadable.BAD_HEADER),
    ("another purpose", arrived(named=headers(purpose="product_rnd")), Unreadable.WRONG_PURPOSE),
    ("a purpose's beginning", arrived(named=headers(purpose="service")), Unreadable.WRONG_PURPOSE),
]  # fmt: skip


@pytest.mark.parametrize(
    ("broken", "reason"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN]
)
def test_a_record_that_breaks_its_contract_is_named_by_reason(
    broken: Arrived, reason: Unreadable
) -> None:
    assert read_record(broken, OUTPUTS[A]) is reason


def test_a_header_given_twice_is_refused() -> None:
    sound = record(0)
    twice = replace(sound, headers=[*sound.headers, ("expires_at", b"2999-01-01T00:00:00Z")])
    assert read_record(twice, OUTPUTS[A]) is Unreadable.BAD_HEADER


def test_a_header_without_a_value_is_refused() -> None:
    sound = record(0)
    empty: list[tuple[str, Any]] = [(k, None if k == "ce_id" else v) for k, v in sound.headers]
    assert read_record(replace(sound, headers=empty), OUTPUTS[A]) is Unreadable.BAD_HEADER


def test_a_sound_record_is_read_whole() -> None:
    found = read_record(record(0, dtc=["P0301"]), OUTPUTS[A])
    assert isinstance(found, RecordReadings)
    assert (found.rows, found.readings, found.expires_ms) == (3, 2, EXPIRES_MS)


def test_a_recipients_topic_takes_its_own_purpose_and_its_own_name() -> None:
    for purpose in ("third_party", "third_party.insurer"):
        named = [(k, v.encode()) for k, v in headers(B, purpose=purpose).items()]
        assert isinstance(
            read_record(replace(record(0, B), headers=named), OUTPUTS[B]), RecordReadings
        )


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise(payload: bytes) -> None:
    assert isinstance(read_record(arrived(payload or b"x"), OUTPUTS[A]), Unreadable)


@given(
    st.lists(st.one_of(st.floats(), st.integers(), st.text(max_size=3), st.booleans(), st.none())),
    st.lists(st.integers(), max_size=5),
)
def test_no_column_makes_the_reader_raise(values: list[Any], dt: list[int]) -> None:
    assert isinstance(read_record(with_value(values, dt), OUTPUTS[A]), Unreadable | RecordReadings)
