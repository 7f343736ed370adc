"""The expected outputs of the job, computed by hand-written plain Python.

Shares no code with policy/ or processors/. As the wire demands, times of readings are
floored together with t0: each ``dt`` is the floored time of its reading minus the floored t0.
"""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import floor
from typing import Any, NamedTuple

from bench.job import (
    BATTERY,
    EPOCH,
    FUEL,
    LATITUDE,
    LONGITUDE,
    RECIPIENT,
    RPM,
    SPEED,
    epoch_key,
    link_secret,
)  # fmt: skip
from telemetry.identity import LinkSecret

FLOOR_MS = {"a": 1_000, "b": 900_000, "c": 60_000}
DAYS = {"a": 30, "b": 365, "c": 90}
BASES = {"a": b"explicit", "b": b"published", "c": b"opt_in"}


class Expected(NamedTuple):
    """One output record: its value, and the headers that both sides know."""

    value: dict[str, Any]
    headers: dict[str, bytes]


def pseudonym(purpose: str, device: str) -> str:
    """Who a device is to a purpose."""
    return pseudonym_of(purpose, link_secret(device))


def pseudonym_of(purpose: str, secret: LinkSecret) -> str:
    """Who the person of a link is to a purpose."""
    key = epoch_key((purpose, RECIPIENT, EPOCH))
    mac = hmac.new(key, secret, "sha256").digest()[:16]
    return base64.b32encode(mac).decode().rstrip("=")


def reference(value: bytes, *, consented: bool) -> dict[str, Expected]:
    """The outputs of one envelope, by purpose."""
    envelope = json.loads(value)
    treatments: dict[str, dict[str, Callable[[float], float] | None]] = {
        "a": {SPEED: None, RPM: None, FUEL: lambda x: floor(x / 5 + 0.5) * 5},
        "b": {
            SPEED: lambda x: floor(x / 10) * 10,
            LATITUDE: lambda x: floor(x * 100 + 0.5) / 100,
            LONGITUDE: lambda x: floor(x * 100 + 0.5) / 100,
        },
        "c": {BATTERY: None, RPM: lambda x: floor(x / 100 + 0.5) * 100},
    }
    if not consented:
        del treatments["c"]
    return {p: _output(p, envelope, columns) for p, columns in treatments.items()}


def _output(
    purpose: str, envelope: dict[str, Any], columns: dict[str, Callable[[float], float] | None]
) -> Expected:
    t0 = datetime.fromisoformat(envelope["clock"]["t0"])
    t0_ms = round(t0.timestamp() * 1000)
    floor_ms = FLOOR_MS[purpose]
    start_ms = t0_ms - t0_ms % floor_ms
    series = {}
    for path, treat in columns.items():
        column = envelope["series"][path]
        every = 2 if purpose == "b" else 1
        times = [t0_ms + delta for delta in column["dt"][::every]]
        values = column["value"][::every]
        series[path] = {
            "unit": column["unit"],
            "dt": [time - time % floor_ms - start_ms for time in times],
            "value": [treat(x) for x in values] if treat else values,
        }
    start = datetime.fromtimestamp(start_ms / 1000, UTC)
    value = {
        "v": 1,
        "pseudonym": pseudonym(purpose, envelope["device"]),
        "t0": f"{start:%Y-%m-%dT%H:%M:%S}Z",
        "series": series,
    }
    ends = t0 + timedelta(days=DAYS[purpose])
    headers = {
        "purpose": purpose.encode(),
        "basis": BASES[purpose],
        "pseudonym_epoch": EPOCH.encode(),
        "readings": str(sum(len(column["dt"]) for column in series.values())).encode(),
        "expires_at": f"{ends:%Y-%m-%d}T00:00:00Z".encode(),
    }
    return Expected(value, headers)
