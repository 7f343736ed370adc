"""Bad input by kind: bytes as they may arrive on the raw topic, and the reason they count under."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from telemetry.instants import DAY_MS, format_instant
from telemetry.wire.record import MESH, TROUBLE_CODES

DEVICE = "dongle-of-the-malformed"
OF_A_SERVICE = "dongle-of-another-service"
ODOMETER = "Vehicle.TraveledDistance"
SPEED = "Vehicle.Speed"
SINCE_DAYS = 30


class Kind(NamedTuple):
    """``readings`` is what the ledger's rejected grows by."""

    name: str
    value: bytes | None
    reason: str
    readings: int = 1


def good(number: int, now_ms: int, **fields: Any) -> bytes:
    """An envelope with one odometer reading, which is its number."""
    body = {
        "v": 1,
        "id": f"envelope-of-number-{number:06d}",
        "device": DEVICE,
        "clock": {"t0": format_instant(now_ms - 60_000), "quality": "gnss"},
        "series": {ODOMETER: {"unit": "m", "dt": [0], "value": [number]}},
    }
    return json.dumps(body | fields).encode()


def kinds(now_ms: int) -> Iterator[Kind]:
    """Every kind once."""
    one = good(999_999, now_ms)

    def bent(**fields: Any) -> bytes:
        return good(999_999, now_ms, **fields)

    def at(instant_ms: int) -> bytes:
        return bent(clock={"t0": format_instant(instant_ms)})

    def column(path: str = SPEED, unit: str = "km/h", dt: Any = (0,), value: Any = (1,)) -> bytes:
        return bent(series={path: {"unit": unit, "dt": list(dt), "value": list(value)}})

    yield Kind("a tombstone", None, "no_payload")
    yield Kind("nothing", b"", "malformed")
    yield Kind("not UTF-8", b"\xff\xfe\x00", "malformed")
    yield Kind("cut off", one[:-20], "malformed")
    yield Kind("an array", b"[1, 2]", "malformed")
    yield Kind("null", b"null", "malformed")
    yield Kind("a deep nest", b"[" * 100_000, "malformed")
    yield Kind(
        "a deep nest in a value", column().replace(b"[1]", b"[" * 900 + b"]" * 900), "wrong_type"
    )
    yield Kind("not a number", column().replace(b"[1]", b"[NaN]"), "malformed")
    yield Kind("too many bytes", b" " * 300_000 + one, "oversized")
    yield Kind("another version", bent(v=2), "unknown_version")
    yield Kind("the version as text", bent(v="1"), "unknown_version")
    yield Kind("no version", one.replace(b'"v": 1,', b""), "unknown_version")
    yield Kind("a field of its own", bent(owner="someone"), "unknown_field")
    yield Kind(
        "a field within", bent(clock={"t0": format_instant(now_ms), "drift": 1}), "malformed"
    )
    yield Kind("a short id", bent(id="short"), "malformed")
    yield Kind(
        "half a character in the id", one.replace(b"envelope", b"\\ud800velope"), "malformed"
    )
    yield Kind(
        "a signal that stands twice",
        column(dt=[0, 1], value=[1, 2]).replace(
            b'"series": {', b'"series": {"Vehicle.Speed": {}, '
        ),
        "malformed",
        2,
    )
    yield Kind("a negative sequence", bent(seq=-1), "malformed")
    yield Kind("a sequence beyond 64 bits", bent(seq=2**64), "malformed")
    yield Kind("a fourth seat", bent(seat="boot"), "malformed")
    yield Kind("a time without a zone", bent(clock={"t0": "2026-11-20T12:00:00"}), "malformed")
    yield Kind("a day that is none", bent(clock={"t0": "2026-02-30T12:00:00Z"}), "malformed")
    yield Kind("a trouble code that is none", bent(series={}, dtc=["P9999"]), "out_of_range")
    yield Kind("a delta of two days", column(dt=[2 * DAY_MS]), "malformed")
    yield Kind(
        "a frame that is no hexadecimal",
        bent(frames=[{"dt": 0, "bus": "a", "id": 1, "data": "x"}]),
        "malformed",
        2,
    )
    yield Kind(
        "300 columns",
        bent(series={f"Vehicle.X{n}": {"unit": "", "dt": [0], "value": [1]} for n in range(300)}),
        "malformed",
        300,
    )
    yield Kind("no readings", bent(series={}), "no_readings")
    yield Kind(
        "too many readings",
        bent(
            series={
                f"Vehicle.X{n}": {"unit": "", "dt": [0] * 1_800, "value": [1] * 1_800}
                for n in range(6)
            }
        ),
        "too_many_readings",
        10_800,
    )
    yield from (
        Kind("of a source that no policy lists", bent(source="toaster"), "out_of_scope"),
        Kind("of a service that no policy lists", bent(device=OF_A_SERVICE), "out_of_scope"),
    )
    yield Kind("a dongle nobody knows", bent(device="dongle-of-nobody"), "unknown_device")
    yield Kind(
        "before the dongle was known", at(now_ms - (SINCE_DAYS + 1) * DAY_MS), "before_registration"
    )
    yield Kind("the year 1", bent(clock={"t0": "0001-01-01T00:00:00+14:00"}), "before_registration")
    yield Kind("two days ahead", at(now_ms + 2 * DAY_MS), "from_the_future")
    yield Kind(
        "the last second there is",
        bent(clock={"t0": "9999-12-31T23:59:59-14:00"}),
        "from_the_future",
    )
    yield Kind("a signal nobody knows", column("Vehicle.Unheard"), "unknown_signal")
    yield Kind("a signal that only we make", column(MESH, "", value=["53394611"]), "unknown_signal")
    yield Kind(
        "trouble codes as a column", column(TROUBLE_CODES, "", value=["P0301"]), "unknown_signal"
    )
    yield Kind("columns of two lengths", column(dt=[0, 1, 2]), "column_mismatch", 3)
    yield Kind("another unit", column(unit="mph"), "wrong_unit")
    yield Kind("text for a number", column(value=["fast"]), "wrong_type")
    yield Kind("true for a number", column(value=[True]), "wrong_type")
    yield Kind("a fraction for a whole number", column(ODOMETER, "m", value=[0.5]), "wrong_type")
    yield Kind("faster than can be", column(value=[10_000]), "out_of_range")
    yield Kind("a number of 400 digits", column(ODOMETER, "m", value=[10**400]), "out_of_range")
