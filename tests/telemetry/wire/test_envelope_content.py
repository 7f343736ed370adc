"""The content of an envelope: one digest however it is written, and nothing said twice."""

import json
from typing import Any

import pytest

from telemetry.wire.envelope_content import content_of, readings_said

SAID: dict[str, Any] = {
    "v": 1,
    "id": "01K0000000000000000000TEST",
    "device": "dév",
    "clock": {"t0": "2026-11-20T10:15:30Z"},
    "series": {"Vehicle.Speed": {"unit": "km/h", "dt": [0, 1], "value": [40, 41.5]}},
    "dtc": ["P0301"],
}


def digest(said: object, **how: Any) -> bytes | None:
    content = content_of(json.dumps(said, **how).encode())
    return None if content is None else content.digest


def changed(**members: Any) -> dict[str, Any]:
    return SAID | members


@pytest.mark.parametrize(
    ("said", "how"),
    [
        (SAID, {"indent": 2}),
        (SAID, {"sort_keys": True}),
        (SAID, {"ensure_ascii": False}),
        (changed(resend=True), {}),
        (changed(resend=False, sent_at="2026-11-20T10:16:00Z"), {}),
        (changed(v=1.0), {}),
        (
            changed(
                series={"Vehicle.Speed": SAID["series"]["Vehicle.Speed"] | {"value": [40.0, 41.5]}}
            ),
            {},
        ),
    ],
    ids=["spaces", "order", "escapes", "sent again", "and when", "1.0 for 1", "40.0 for 40"],
)
def test_one_content_has_one_digest_however_it_is_written(said: Any, how: Any) -> None:
    assert digest(said, **how) == digest(SAID) is not None


@pytest.mark.parametrize(
    "other",
    [
        changed(id="01K0000000000000000000TOST"),
        changed(device="dev"),
        changed(seq=1),
        changed(dtc=[]),
        changed(series={}),
        changed(clock={"t0": "2026-11-20T10:15:31Z"}),
        changed(series={"Vehicle.Speed": SAID["series"]["Vehicle.Speed"] | {"value": [40, 41.6]}}),
        changed(series={"Vehicle.Speed": SAID["series"]["Vehicle.Speed"] | {"value": [41.5, 40]}}),
        changed(series={"Vehicle.Speed": SAID["series"]["Vehicle.Speed"] | {"value": [10**30]}}),
    ],
    ids=["id", "device", "seq", "codes", "series", "time", "value", "order", "a huge value"],
)
def test_another_content_has_another_digest(other: Any) -> None:
    assert None is not digest(other) != digest(SAID)


TWICE = {
    "a signal": b'{"series":{"a":{"dt":[0],"value":[1]},"a":{"dt":[0,1],"value":[2,3]}}}',
    "an escaped signal": b'{"series":{"a":{"dt":[0],"value":[1]},"\\u0061":{"dt":[0,1],"value":[2,3]}}}',
    "the series": b'{"series":{"a":{"dt":[0],"value":[1]}},"series":{"b":{"dt":[0,1],"value":[2,3]}}}',
    "the values": b'{"series":{"a":{"dt":[0],"value":[1],"value":[1,2,3]}}}',
    "the codes": b'{"dtc":["P0301"],"dtc":["P0302","P0303"]}',
    "the same": b'{"series":{"a":{"dt":[0,1],"value":[1,1]},"b":{"dt":[0],"value":[1],"unit":"","unit":""}}}',
}  # fmt: skip


@pytest.mark.parametrize("text", TWICE.values(), ids=list(TWICE))
def test_what_says_a_name_twice_is_refused_and_counts_all_it_says(text: bytes) -> None:
    assert content_of(text) is None
    assert readings_said(text) == (4 if b'"value":[1],"value"' in text else 3)


@pytest.mark.parametrize(
    "text",
    [b"", b"[1]", b"{", b"\xff", b'"x"', b"[" * 100_000, b'{"a":' * 50_000, b'{"a":' + b"1" * 5_000 + b"}"],
    ids=["nothing", "list", "cut", "no text", "word", "deep list", "deep object", "endless number"],
)  # fmt: skip
def test_what_is_no_object_is_refused_and_counts_once(text: bytes) -> None:
    assert content_of(text) is None
    assert readings_said(text) == 1


@pytest.mark.parametrize(
    "text",
    [b'{"series":[1,2]}', b'{"series":{"a":3}}', b'{"dtc":{"a":[1,2]}}', b'{"series":{"a":{"dt":{"b":1}}}}'],
    ids=["series", "column", "codes", "times"],
)  # fmt: skip
def test_what_has_another_shape_counts_once(text: bytes) -> None:
    assert readings_said(text) == 1
