"""What a process says of itself: read back as written, bounded, and nothing else is taken."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.wire.process_report import (
    REPORT_BYTES_MAX,
    ProcessReport,
    encode_report,
    take_report,
)

REPORT = ProcessReport(
    1, "worker-0", "3f2a91c0de45", "running", 1_000, 2_000, 5_000, "0.0.0.0:9464", "0.1.0",
    "1-0f3a", {"roadfade_paused": {"stale control.links": 0}},
)  # fmt: skip
FIGURES = st.dictionaries(
    st.text("abcdefgh_", min_size=1, max_size=40),
    st.dictionaries(
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60),
        st.floats(allow_nan=False, allow_infinity=False),
        max_size=4,
    ),
    max_size=5,
)


@given(FIGURES, st.sampled_from(["running", "ended"]))
def test_what_is_written_is_read_back(figures: dict[str, dict[str, float]], state: str) -> None:
    report = msgspec.structs.replace(REPORT, figures=figures, state=state)
    assert take_report(encode_report(report)) == report


@given(st.integers(0, 3_000))
def test_no_report_is_longer_than_the_bound_and_what_is_left_out_is_counted(many: int) -> None:
    figures = {"roadfade_x": {f"label {number:050d}": 1.5 for number in range(many)}}
    value = encode_report(msgspec.structs.replace(REPORT, figures=figures))
    assert len(value) <= REPORT_BYTES_MAX
    read = take_report(value)
    assert read is not None
    assert sum(map(len, read.figures.values())) + read.left_out == many


@pytest.mark.parametrize(
    "changed",
    [
        {"v": 2},
        {"process": "Worker 0"},
        {"process": ""},
        {"host": "a\x1b[31mb"},
        {"host": "a" * 254},
        {"at_ms": 2**62},
        {"started_ms": -(2**62)},
        {"every_ms": 0},
        {"every_ms": 2**40},
        {"left_out": -1},
        {"version": "日"},
        {"policy_version": "x" * 201},
        {"figures": {"": {"": 1}}},
        {"figures": {"roadfade_x": {"\n": 1}}},
    ],
    ids=str,
)
def test_what_no_process_can_say_is_neither_written_nor_taken(changed: dict[str, object]) -> None:
    report = msgspec.structs.replace(REPORT, **changed)
    with pytest.raises(ValueError, match="no process can have"):
        encode_report(report)
    assert take_report(msgspec.json.encode(report)) is None


@pytest.mark.parametrize(
    "payload",
    [None, b"", b"{}", b"[" * 10_000, b"\xff", b'{"v": 1}', b" " * (REPORT_BYTES_MAX + 1)],
    ids=["tombstone", "empty", "object", "deep", "no text", "half", "long"],
)
def test_what_is_no_report_is_not_taken(payload: bytes | None) -> None:
    assert take_report(payload) is None
    more = msgspec.json.decode(msgspec.json.encode(REPORT)) | {"device": "dongle-1"}
    assert take_report(msgspec.json.encode(more)) is None, "a field that it does not have"


def test_a_number_that_json_cannot_hold_is_not_taken() -> None:
    whole = msgspec.json.encode(REPORT)
    assert take_report(whole.replace(b'links":0', b'links":1e999')) is None


def test_each_process_of_a_host_has_a_key_of_its_own() -> None:
    assert REPORT.key == b"worker-0@3f2a91c0de45"
    assert msgspec.structs.replace(REPORT, at_ms=9, state="ended").key == REPORT.key
