"""What a partition of a compacted topic holds, as two numbers that two sides can compare. Pure.

The digest adds up a hash of every live row, so it does not depend on the order in which rows
came, and a change costs one addition and one subtraction.
"""

from collections.abc import Set as AbstractSet
from hashlib import blake2b
from typing import Final, NamedTuple, Protocol

DIGEST_BYTES: Final = 16
_MODULUS: Final = 1 << (8 * DIGEST_BYTES)


class Contents(NamedTuple):
    """The live rows: how many, and the sum of their hashes modulo 2^128."""

    rows: int
    digest: int


class RowHashes(Protocol):
    """Where the hash of each live row is kept; who keeps the rows may keep it beside them."""

    def row_hash(self, key: bytes) -> int | None:
        """The hash that was kept for the row under this key; None if no such row is live."""

    def keep_hash(self, key: bytes, hashed: int) -> None:
        """Keep the hash of a live row, until it is replaced or deleted."""

    def drop_hash(self, key: bytes) -> None:
        """The row is not live any more: if it was deleted, its hash may be gone already."""


class Taken(NamedTuple):
    """What was taken of records in a row, and how the contents of their partition changed."""

    until: int
    """The place of the first record that was not taken."""
    rows: int
    """More rows than before."""
    digest: int
    """The sum of their hashes, modulo 2^128."""


class UsualRows(Protocol):
    """Takes usual rows many at once, and keeps their hashes as ``RowHashes`` does.

    What a usual row is it knows itself; what becomes of all others is for the caller to see to.
    """

    def take_usual(
        self,
        keys: list[bytes | None],
        values: list[bytes | None],
        start: int,
        partition: int,
        partitions: int,
    ) -> Taken:
        """Take the records from ``start`` on, in order, up to one that is not a usual row.

        None of another partition than its key's (among ``partitions``) is one.
        """


class KeptHashes(dict[bytes, int]):
    """Hashes kept by themselves."""

    def row_hash(self, key: bytes) -> int | None:
        """As ``RowHashes``."""
        return self.get(key)

    def keep_hash(self, key: bytes, hashed: int) -> None:
        """As ``RowHashes``."""
        self[key] = hashed

    def drop_hash(self, key: bytes) -> None:
        """As ``RowHashes``."""
        self.pop(key, None)


class ContentsSum:
    """The contents of one partition while records arrive, summed up; heartbeats are not rows."""

    def __init__(self) -> None:
        self._rows = 0
        self._digest = 0

    def change(self, before: int | None, now: int | None) -> None:
        """A row with one hash is replaced by one with another; None: by, or of, no row."""
        self._rows += (now is not None) - (before is not None)
        self._digest = (self._digest - (before or 0) + (now or 0)) % _MODULUS

    def add(self, rows: int, digest: int) -> None:
        """So many more rows are live, and their hashes sum up to so much more."""
        self._rows += rows
        self._digest = (self._digest + digest) % _MODULUS

    @property
    def contents(self) -> Contents:
        """The rows that are live now."""
        return Contents(self._rows, self._digest)


class RunningContents:
    """The contents of one partition with the keys of its rows."""

    def __init__(self) -> None:
        self._hashes = KeptHashes()
        self._sum = ContentsSum()

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take one record; None deletes its row."""
        before = self._hashes.pop(key, None)
        now = None if value is None else row_hash(key, value)
        if now is not None:
            self._hashes[key] = now
        self._sum.change(before, now)

    @property
    def keys(self) -> AbstractSet[bytes]:
        """The keys of the live rows."""
        return self._hashes.keys()

    @property
    def contents(self) -> Contents:
        """The rows that are live now."""
        return self._sum.contents

    def has_all(self, others: "RunningContents") -> bool:
        """Whether each live row of the others lies here, too, with the same value."""
        return others._hashes.items() <= self._hashes.items()  # noqa: SLF001 - of the same class


def row_hash(key: bytes, value: bytes) -> int:
    """BLAKE2b, 128 bits, of the key's length (8 bytes, big-endian), the key and the value."""
    said = len(key).to_bytes(8, "big") + key + value
    return int.from_bytes(blake2b(said, digest_size=DIGEST_BYTES).digest(), "big")
