"""Envelope ids as ULIDs that depend on their source alone, so a replay makes the same ids.

In: the instant of the first reading and what makes the envelope unique in its source.
Out: 26 characters. No randomness: an id drawn anew would defeat the duplicate filters.
"""

import hashlib
from typing import Final

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_BITS: Final = 48
_HASH_BYTES: Final = 10


def envelope_id(instant_ms: int, *source: str | int) -> str:
    """A ULID: 48 bits of time (floored at 0), 80 bits of BLAKE2b over ``source``."""
    text = "\x1f".join(str(part) for part in source).encode()
    tail = int.from_bytes(hashlib.blake2b(text, digest_size=_HASH_BYTES).digest())
    number = (min(max(instant_ms, 0), 2**_TIME_BITS - 1) << 8 * _HASH_BYTES) | tail
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def opaque_id(*source: str | int) -> str:
    """A 16-character token over ``source``: device, trip and boot ids of simulated vehicles."""
    text = "\x1f".join(str(part) for part in source).encode()
    return hashlib.blake2b(text, digest_size=8).hexdigest()
