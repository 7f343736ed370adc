"""A row of ``control.sealing``: for which key front doors seal what is sent in a period.

Public keys alone: whoever has them seals, and opens nothing. The Kafka key is the period, as
``row_of`` writes it; a null value says that the period is over.
"""

import base64
import binascii
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from telemetry.periods import Period

PUBLIC_KEY_BYTES: Final = 32
LENGTH_S_MAX: Final = 86_400


class SealingKeyError(ValueError):
    """Not such a row; its words quote nothing of it."""


class SealingKeyWire(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The row as JSON."""

    period: Annotated[int, Meta(ge=0, lt=2**32)]
    length_s: Annotated[int, Meta(ge=1, le=LENGTH_S_MAX)]
    public_key: Annotated[str, Meta(min_length=44, max_length=44)]
    """X25519, base64."""


class SealingKey(Struct, frozen=True):
    """A period and its public key."""

    period: Period
    public_key: bytes


_decoder: Final = msgspec.json.Decoder(SealingKeyWire)


def row_of(period: Period) -> str:
    """The name of a period's row."""
    return f"{period.length_s}.{period.number}"


def encode_sealing_key(key: SealingKey) -> bytes:
    """The value of a row."""
    public = base64.b64encode(key.public_key).decode()
    number, length_s = key.period
    return msgspec.json.encode(SealingKeyWire(period=number, length_s=length_s, public_key=public))


def decode_sealing_key(payload: bytes) -> SealingKey:
    """The row; SealingKeyError if it is none."""
    try:
        wire = _decoder.decode(payload)
        public = binascii.a2b_base64(wire.public_key, strict_mode=True)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        msg = "not a row of a sealing key"
        raise SealingKeyError(msg) from None
    if len(public) != PUBLIC_KEY_BYTES:
        msg = "not an X25519 public key"
        raise SealingKeyError(msg)
    return SealingKey(Period(wire.period, wire.length_s), public)
