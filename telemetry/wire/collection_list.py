"""The collection list: what one device needs to collect, so that minimisation begins in the car.

In: a list, or a signed one as it travels. Out: JSON bytes, or the list; nothing if it is none.
It names no person, purpose, recipient or consent. It travels as a JWS in compact form (RFC 7515):
its middle part is these bytes. Whoever reads it here has not checked who signed it.
"""

import base64
import binascii
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from telemetry.identity import MASK
from telemetry.instants import parse_instant

LIST_VERSION: Final = 1
SIGNALS_MAX: Final = 1_000
SIGNED_BYTES_MAX: Final = 128 * 1024
"""Of a list as it travels: JOSE libraries refuse much larger ones."""


class ListedSignal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signal that is needed; latitude and longitude of one instant count as one reading."""

    path: str
    rate_ms: Annotated[int, Meta(ge=1)] | None
    """The first reading of each bin of so many milliseconds suffices; None: each is needed."""
    precision: str | None
    """As the policy words it, ``round 1 percent``: no more is needed; None: as it is measured."""


class CollectionList(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one device is to collect until the list ends; nothing that is not in it."""

    v: int
    device: str
    policy_version: str
    issued_at: str
    valid_until: str
    serial: Annotated[int, Meta(ge=1)]
    """Of two lists the one with the higher number holds."""
    signals: Annotated[list[ListedSignal], Meta(max_length=SIGNALS_MAX)]
    """By path, ascending."""
    location: bool
    """Whether a signal that tells a position is among them; if not, receivers may be off."""

    def __repr__(self) -> str:
        return f"CollectionList({MASK})"


_list: msgspec.json.Decoder[CollectionList] = msgspec.json.Decoder(CollectionList)


def encode_list(one: CollectionList) -> bytes:
    """The bytes that are signed."""
    return msgspec.json.encode(one)


def take_list(payload: bytes) -> CollectionList | None:
    """The list in these bytes; None if there is none that this program knows."""
    try:
        one = _list.decode(payload)
        parse_instant(one.issued_at)
        parse_instant(one.valid_until)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return one if one.v == LIST_VERSION else None


def take_signed(signed: bytes) -> CollectionList | None:
    """What a signed list says, whoever signed it; None if it is none."""
    parts = signed.split(b".")
    if len(signed) > SIGNED_BYTES_MAX or len(parts) != 3:  # noqa: PLR2004  # header, payload, signature
        return None
    try:
        padded = parts[1] + b"=" * (-len(parts[1]) % 4)
        payload = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return take_list(payload)
