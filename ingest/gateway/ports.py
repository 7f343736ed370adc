"""What the gateway's doors share: who stands outside, what it brings, and what it is answered.

A door (HTTP, MQTT) knows its protocol alone. A doorkeeper says whose certificate it is, a front
desk takes what is brought: on its return that is on the raw topic, acknowledged by all replicas,
or it was refused under a reason.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from telemetry.identity import MASK, DeviceId


@dataclass(frozen=True, slots=True)
class Peer:
    """A device at the door: by the one subject alternative name of its certificate."""

    device: DeviceId
    serial: int
    """The certificate's serial number; 0 for a bearer token."""
    issuer: bytes = field(default=b"", compare=False)
    """Whose certificate it is: SHA-256 of the authority's own. For the doorkeeper alone."""
    not_after_ms: int | None = field(default=None, compare=False)
    """When the certificate expires. For the doorkeeper alone."""

    def __repr__(self) -> str:
        return f"Peer({MASK})"


class Doorkeeper(Protocol):
    """Knows certificates, by files that are read again when they change. Does not block."""

    def context(self) -> ssl.SSLContext:
        """For listeners: a client without a certificate of our authority gets no connection.

        The same object for as long as the process lives: what it loads is renewed in place.
        """
        ...

    def peer_of(self, connection: ssl.SSLObject) -> Peer | None:
        """Whose connection it is; None if the certificate is revoked or names no device."""
        ...

    def stands(self, peer: Peer) -> bool:
        """Whether the certificate is still good: a door asks again while a connection lives."""
        ...


class Refusal(StrEnum):
    """Why the gateway does not take what was brought. Closed; each door has its own code for it."""

    MALFORMED = "malformed"
    """Not an envelope, or a format's adapter cannot read it."""
    OVERSIZED = "oversized"
    """Longer than an envelope may be, or becomes so when it is opened."""
    OTHER_DEVICE = "other_device"
    """The envelope names a device that the certificate does not."""
    CLONE = "clone"
    """Two live boots of one device: neither is believed until one of them is silent."""
    TOO_FAST = "too_fast"
    """More than the device's share: it may try again."""
    UNAVAILABLE = "unavailable"
    """The broker did not take it in time, or the policy in force is not known: it may try again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of what was brought, in envelopes. It quotes nothing."""

    accepted: int
    """On the raw topic, or there before: a copy is accepted, and not written twice."""
    refused: Mapping[Refusal, int]
    retry_after_s: float | None = None
    """If a refusal is for now only."""


class FrontDesk(Protocol):
    """Takes what devices bring, whatever door they came through."""

    async def take(self, peer: Peer, format_: str, payload: bytes) -> Answer:
        """Take one message of a device; durable on return. Never raises for bad input.

        ``format_`` names an adapter; ``envelope`` is one envelope, an array, or one on each line.
        """
        ...
