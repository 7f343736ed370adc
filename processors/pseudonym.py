"""Pseudonyms and record ids: keyed, one way, different for every purpose and recipient.

What is pseudonymised is the link's secret, never a device or a vehicle: deleting the link
row unlinks even for someone who keeps the keys. Still personal data while the link lives.
"""

import base64
import hashlib
import hmac

from telemetry.identity import EpochKey, LinkSecret, Pseudonym

PSEUDONYM_BYTES = 16


def pseudonym(key: EpochKey, secret: LinkSecret) -> Pseudonym:
    """First 128 bits of HMAC-SHA256(epoch key, link secret), base32 without padding."""
    digest = hmac.digest(key, secret, "sha256")[:PSEUDONYM_BYTES]
    return Pseudonym(base64.b32encode(digest).decode().rstrip("="))


def consent_reference(key: EpochKey, consent: str) -> str:
    """A consent row as one output may see it: 64 bits of HMAC under that output's epoch key."""
    return hmac.digest(key, b"consent|" + consent.encode(), "sha256")[:8].hex()


def lane_key(key: EpochKey, lane: str) -> bytes:
    """The key under which one lane's record ids are made for one pseudonym.

    Whose record it is enters, so that two devices with one envelope id are told apart.
    """
    return hmac.digest(key, b"ce_id|" + lane.encode(), "sha256")


def record_id(key: bytes, envelope_id: bytes) -> bytes:
    """``ce_id``: stable over replays, different per lane and epoch, one way.

    Keyed BLAKE2b (RFC 7693), 128 bits, hexadecimal: see docs/decisions/001-record-ids.md.
    """
    return hashlib.blake2b(envelope_id, key=key, digest_size=16).hexdigest().encode()
