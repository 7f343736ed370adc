"""The keyed hashes by which people, consents and records are known outside: one way without keys.

Whoever holds the keys can compute them again: a worker as it stamps records, the office as it looks
for those of one person.
"""

import base64
import hashlib
import hmac
from typing import Final

from telemetry.identity import EpochKey, LinkSecret, Pseudonym

PSEUDONYM_BYTES: Final = 16
CONSENT_BYTES: Final = 8


def pseudonym(key: EpochKey, secret: LinkSecret) -> Pseudonym:
    """First 128 bits of HMAC-SHA256(epoch key, link secret), base32 without padding."""
    digest = hmac.digest(key, secret, "sha256")[:PSEUDONYM_BYTES]
    return Pseudonym(base64.b32encode(digest).decode().rstrip("="))


def consent_reference(key: EpochKey, consent: str) -> str:
    """A consent row as one output may see it: 64 bits of HMAC under that output's epoch key."""
    return hmac.digest(key, b"consent|" + consent.encode(), "sha256")[:CONSENT_BYTES].hex()


def consent_mark(key: EpochKey, notice: str, consent: str) -> str:
    """What a record says of the consent it rests on: its notice, and the reference under a key."""
    return f"{notice}:{consent_reference(key, consent)}"


def lane_key(key: EpochKey, lane: str) -> bytes:
    """The key under which one lane's record ids are made for one pseudonym.

    The pseudonym is part of it, so that one content of two owners gets different ids.
    """
    return hmac.digest(key, b"ce_id|" + lane.encode(), "sha256")


def record_id(key: bytes, content: bytes) -> bytes:
    """``ce_id``: stable over replays, different per lane, epoch and content, one way.

    Keyed BLAKE2b (RFC 7693), 128 bits, hexadecimal: see docs/decisions/001-record-ids.md.
    """
    return hashlib.blake2b(content, key=key, digest_size=16).hexdigest().encode()
