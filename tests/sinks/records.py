"""Purpose records as they would arrive, built for tests."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sinks.port.selection import Selection
from telemetry.arrived import Arrived
from telemetry.identity import Pseudonym
from telemetry.instants import DAY_MS, format_instant, parse_instant
from telemetry.wire.record import CONSENT, TROUBLE_CODES

T0_MS = parse_instant("2026-11-22T10:00:00Z")
NOW_MS = T0_MS + 1_000
EXPIRES_MS = parse_instant("2026-12-22T00:00:00Z")
AFTER_MS = EXPIRES_MS + DAY_MS
A = "purpose.service_improve"
B = "purpose.third_party.insurer"
OUTPUT_A, OUTPUT_B = "service_improve", "third_party.insurer"
OUTPUTS = {A: OUTPUT_A, B: OUTPUT_B}
SPEED = "Vehicle.Speed"
CODES = TROUBLE_CODES
OLD_VERSION, NEW_VERSION = "1-0123456789ab", "2-0123456789ab"


def whose(*pseudonyms: str) -> Selection:
    """All rows that lie under these."""
    return Selection(frozenset(map(Pseudonym, pseudonyms)))


def value(
    pseudonym: str = "PSEUDONYM",
    series: Mapping[str, tuple[str, Sequence[int], Any]] | None = None,
    dtc: Sequence[str] = (),
    t0_ms: int = T0_MS,
) -> dict[str, Any]:
    columns = {SPEED: ("km/h", (0, 1_000), (43.5, 44.0))} if series is None else series
    return {
        "v": 1,
        "pseudonym": pseudonym,
        "t0": format_instant(t0_ms),
        "series": {
            path: {"unit": unit, "dt": list(dt), "value": list(values)}
            for path, (unit, dt, values) in columns.items()
        },
        "dtc": list(dtc),
    }


def headers(topic: str = A, **changed: str | None) -> dict[str, str]:
    named: dict[str, str | None] = {
        "ce_id": "record-1",
        "ce_type": "roadfade.purpose.v1",
        "ce_source": "roadfade",
        "ce_specversion": "1.0",
        "policy_version": OLD_VERSION,
        "purpose": OUTPUTS[topic].split(".")[0],
        "basis": "published",
        "pseudonym_epoch": "1",
        "readings": "2",
        "expires_at": format_instant(EXPIRES_MS),
    }
    return {name: text for name, text in (named | changed).items() if text is not None}


def record(
    offset: int,
    topic: str = A,
    partition: int = 0,
    *,
    pseudonym: str = "PSEUDONYM",
    ce_id: str | None = None,
    expires_ms: int = EXPIRES_MS,
    series: Mapping[str, tuple[str, Sequence[int], Any]] | None = None,
    dtc: Sequence[str] = (),
    t0_ms: int = T0_MS,
    policy_version: str = OLD_VERSION,
    consent: str | None = None,
) -> Arrived:
    """A sound record: two speeds unless given; its id is its topic, partition and offset."""
    payload = msgspec.json.encode(value(pseudonym, series, dtc, t0_ms))
    named = headers(
        topic,
        ce_id=ce_id or f"{topic}/{partition}/{offset}",
        expires_at=format_instant(expires_ms),
        policy_version=policy_version,
        **{CONSENT: consent},
    )
    listed = [(name, text.encode()) for name, text in named.items()]
    return Arrived(topic, partition, offset, T0_MS, pseudonym.encode(), payload, listed)
