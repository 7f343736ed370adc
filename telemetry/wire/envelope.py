"""Envelope v1: one vehicle's batch of readings, one Kafka record on ``telemetry.raw``.

Columnar JSON: a series per signal, ``dt`` in signed milliseconds after ``clock.t0``.
Unknown fields are refused (workers upgrade before gateways) and every string and
array has a limit. Purpose and consent never come from the device.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from telemetry.identity import MASK
from telemetry.instants import as_datetime_text

ENVELOPE_VERSION: Final = 1
ENVELOPE_BYTES_MAX: Final = 256 * 1024
COLUMNS_MAX: Final = 256
READINGS_PER_COLUMN_MAX: Final = 2_000
READINGS_MAX: Final = 10_000
FRAMES_MAX: Final = 2_000
TROUBLE_CODES_MAX: Final = 64
DT_MS_MAX: Final = 24 * 60 * 60 * 1000

Quality = Literal["gnss", "ntp", "rtc", "none"]
"""How good the device's clock was; ``none`` means it never knew the time."""

DeltaMs = Annotated[int, Meta(ge=-DT_MS_MAX, le=DT_MS_MAX)]
Instant = Annotated[datetime, Meta(tz=True)]
TROUBLE_CODE: Final = r"^[PCBU][0-3][0-9A-F]{3}$"
TroubleCode = Annotated[str, Meta(pattern=TROUBLE_CODE, max_length=5)]
"""A diagnostic trouble code as SAE J2012 writes it."""
NAMED: Final = r"^[a-z][a-z0-9_]{0,31}$"
"""How a service or a source is named on the wire, and by the policy that lists it."""
Named = Annotated[str, Meta(pattern=NAMED, max_length=32)]
Opaque = Annotated[str, Meta(min_length=1, max_length=64)]


class Clock(Struct, frozen=True, forbid_unknown_fields=True):
    """``t0``: RFC 3339 with a zone; every reading's time is t0 + dt milliseconds."""

    t0: Instant
    quality: Quality = "none"


class Trip(Struct, frozen=True, forbid_unknown_fields=True):
    """An opaque trip id that rotates, and when the trip started where that is known."""

    id: Annotated[str, Meta(max_length=64)]
    started: Instant | UnsetType = UNSET


class Column(Struct, forbid_unknown_fields=True):
    """One signal's readings: equal numbers of ``dt`` (ms after t0) and ``value``."""

    unit: Annotated[str, Meta(max_length=32)]
    dt: Annotated[list[DeltaMs], Meta(max_length=READINGS_PER_COLUMN_MAX)]
    value: Annotated[list[Any], Meta(max_length=READINGS_PER_COLUMN_MAX)]

    def __repr__(self) -> str:
        return f"Column({MASK}, readings={len(self.dt)})"


class Frame(Struct, frozen=True, forbid_unknown_fields=True):
    """A raw CAN frame: bus name, arbitration id, hexadecimal data of at most 64 bytes."""

    dt: DeltaMs
    bus: Annotated[str, Meta(max_length=16)]
    id: Annotated[int, Meta(ge=0, le=0x1FFFFFFF)]
    data: Annotated[str, Meta(pattern=r"^([0-9a-fA-F]{2})*$", max_length=128)]
    ext: bool = False

    def __repr__(self) -> str:
        return f"Frame({MASK})"


class Envelope(Struct, kw_only=True, forbid_unknown_fields=True, repr_omit_defaults=True):
    """One vehicle's batch. Field meanings: docs/wire.md. Its repr shows no identifier.

    ``id`` is unique per envelope and the same when it is sent again (a ULID, say). ``source``: what
    the readings were read from; one that names none is judged as the policy says.
    """

    v: Literal[1]
    id: Annotated[str, Meta(min_length=16, max_length=64)]
    device: Opaque
    source: Named | UnsetType = UNSET
    clock: Clock
    boot: Annotated[str, Meta(max_length=64)] = ""
    seq: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    resend: bool = False
    sent_at: Instant | UnsetType = UNSET
    trip: Trip | UnsetType = UNSET
    seat: Literal["driver", "passenger", "unknown"] = "unknown"
    series: Annotated[dict[str, Column], Meta(max_length=COLUMNS_MAX)] = {}
    frames: Annotated[list[Frame], Meta(max_length=FRAMES_MAX)] = []
    dtc: Annotated[list[TroubleCode], Meta(max_length=TROUBLE_CODES_MAX)] = []

    def __repr__(self) -> str:
        return f"Envelope({MASK}, readings={self.readings})"

    @property
    def readings(self) -> int:
        """How many readings: values of every series, frames and trouble codes."""
        columns = sum(len(column.dt) for column in self.series.values())
        return columns + len(self.frames) + len(self.dtc)


_ODD_TIME: Final = re.compile(rb":60|\.\d{7}|\\u00")
"""What a text has if one of its instants is unusual: some texts have it for other reasons."""
_decoder = msgspec.json.Decoder(Envelope)
_encoder = msgspec.json.Encoder()


def decode_envelope(payload: bytes) -> Envelope:
    """Decode strictly, columns untyped; msgspec.DecodeError (never to be printed) if not v1.

    A leap second and a fraction of a second finer than microseconds are read as
    ``as_datetime_text`` says. The error's text may quote the payload: report a ``Rejected``
    reason instead.
    """
    if _ODD_TIME.search(payload):
        payload = msgspec.json.encode(with_plain_times(msgspec.json.decode(payload)))
    return _decoder.decode(payload)


def with_plain_times(members: Any) -> Any:
    """An envelope's decoded members, its instants in words that the decoder takes as they are."""
    if not isinstance(members, dict):
        return members
    plain = dict(members)
    for parent, name in (("clock", "t0"), ("trip", "started")):
        inner = members.get(parent)
        if isinstance(inner, dict) and isinstance(inner.get(name), str):
            plain[parent] = inner | {name: as_datetime_text(inner[name])}
    if isinstance(members.get("sent_at"), str):
        plain["sent_at"] = as_datetime_text(members["sent_at"])
    return plain


def encode_envelope(envelope: Envelope) -> bytes:
    """The canonical JSON bytes of an envelope."""
    return _encoder.encode(envelope)
