"""What a partition of a compacted topic holds, as two numbers that two sides can compare. Pure.

The digest adds up a hash of every live row, so it does not depend on the order in which rows
came, and a change costs one addition and one subtraction.
"""

from collections.abc import Set as AbstractSet
from hashlib import blake2b
from typing import Final, NamedTuple

DIGEST_BYTES: Final = 16
_MODULUS: Final = 1 << (8 * DIGEST_BYTES)


class Contents(NamedTuple):
    """The live rows: how many, and the sum of their hashes modulo 2^128."""

    rows: int
    digest: int


class RunningContents:
    """The contents of one partition while records arrive; heartbeats are not rows."""

    def __init__(self) -> None:
        self._hashes: dict[bytes, int] = {}
        self._digest = 0

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take one record; None deletes its row."""
        before = self._hashes.pop(key, 0)
        now = 0 if value is None else row_hash(key, value)
        if value is not None:
            self._hashes[key] = now
        self._digest = (self._digest - before + now) % _MODULUS

    @property
    def keys(self) -> AbstractSet[bytes]:
        """The keys of the live rows."""
        return self._hashes.keys()

    @property
    def contents(self) -> Contents:
        """The rows that are live now."""
        return Contents(len(self._hashes), self._digest)


def row_hash(key: bytes, value: bytes) -> int:
    """BLAKE2b, 128 bits, of the key's length (8 bytes, big-endian), the key and the value."""
    hashed = blake2b(len(key).to_bytes(8, "big") + key, digest_size=DIGEST_BYTES)
    hashed.update(value)
    return int.from_bytes(hashed.digest(), "big")
