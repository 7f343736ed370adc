"""What a message says: envelopes, each read strictly, or why it is none.

In: opened bytes in a named format. Out: envelopes with the digest of their content. Nothing that a
reader says of bad bytes is passed on: it may quote them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from ingest.gateway.ports import Refusal
from telemetry.identity import MASK, DeviceId
from telemetry.wire.envelope import (
    ENVELOPE_BYTES_MAX,
    Envelope,
    decode_envelope,
    encode_envelope,
)
from telemetry.wire.envelope_content import content_of

ENVELOPE_FORMAT: Final = "envelope"
MESSAGE_BYTES_MAX: Final = 1024 * 1024
"""Of one message, opened."""
ENVELOPES_MAX: Final = 100
"""In one message."""
GROWS_AT_MOST: Final = 8
"""So many times longer, at most, are the bytes that we write of an envelope: 1e15 is 18 of them."""
UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class AdapterContext:
    """What an adapter knows beside the bytes."""

    device: DeviceId
    received_ms: int

    def __repr__(self) -> str:
        return f"AdapterContext({MASK})"


Adapter = Callable[[bytes, AdapterContext], Sequence[Envelope] | Refusal]
Adapters = Mapping[str, Adapter]


@dataclass(frozen=True, slots=True)
class Read:
    """One envelope. ``digest``: of its content; empty if it does not name its boot."""

    envelope: Envelope
    digest: bytes = field(repr=False)
    size: int


Reading = Sequence[Read | Refusal] | Refusal
"""By envelope; or of the whole message, if it is no envelopes at all."""


def read_message(
    format_: str, payload: bytes, adapters: Adapters, context: AdapterContext
) -> Reading:
    """The envelopes of one message."""
    if len(payload) > MESSAGE_BYTES_MAX:
        return Refusal.OVERSIZED
    if format_ == ENVELOPE_FORMAT:
        pieces = _pieces(payload)
        return pieces if isinstance(pieces, Refusal) else [_read(piece) for piece in pieces]
    adapter = adapters.get(format_)
    if adapter is None:
        return Refusal.MALFORMED
    made = adapter(payload, context)
    if isinstance(made, Refusal):
        return made
    if len(made) > ENVELOPES_MAX:
        return Refusal.OVERSIZED
    return [_made(envelope) for envelope in made]


def _pieces(payload: bytes) -> Sequence[bytes] | Refusal:
    try:
        if payload.lstrip()[:1] == b"[":
            pieces = [bytes(one) for one in msgspec.json.decode(payload, type=list[msgspec.Raw])]
        elif payload.count(b"\n") == 0 or _is_one(payload):
            pieces = [payload]
        else:
            pieces = [line for line in payload.split(b"\n") if line.strip()]
    except UNDECODABLE:
        return Refusal.MALFORMED
    if not pieces:
        return Refusal.MALFORMED
    return pieces if len(pieces) <= ENVELOPES_MAX else Refusal.OVERSIZED


def _is_one(payload: bytes) -> bool:
    """Whether it is one JSON value, whatever lines it has."""
    try:
        msgspec.json.decode(payload, type=msgspec.Raw)
    except UNDECODABLE:
        return False
    return True


def _read(piece: bytes) -> Read | Refusal:
    if len(piece) > ENVELOPE_BYTES_MAX:
        return Refusal.OVERSIZED
    content = content_of(piece)
    if content is None:
        return Refusal.MALFORMED
    try:
        envelope = decode_envelope(piece)
    except UNDECODABLE:
        return Refusal.MALFORMED
    if len(piece) * GROWS_AT_MOST > ENVELOPE_BYTES_MAX and _is_too_long(envelope):
        return Refusal.OVERSIZED
    return Read(envelope, content.digest if envelope.boot else b"", len(piece))


def _made(envelope: Envelope) -> Read | Refusal:
    written = encode_envelope(envelope)
    if len(written) > ENVELOPE_BYTES_MAX:
        return Refusal.OVERSIZED
    content = content_of(written) if envelope.boot else None
    return Read(envelope, b"" if content is None else content.digest, len(written))


def _is_too_long(envelope: Envelope) -> bool:
    return len(encode_envelope(envelope)) > ENVELOPE_BYTES_MAX
