"""The records a topic-partition kept most recently: a worker's duplicate has a new offset.

A worker that dies between its send and its commit sends the same records again; their
``ce_id`` is the same, their offset is not. The window remembers the last ``size`` kept
records, each until it expires: after that a duplicate is refused as expired on arrival
(the same input gives the same ``expires_at``), so no id outlives its record.
"""

from collections.abc import Iterable
from hashlib import blake2b
from itertools import islice

Seen = tuple[bytes, int]
"""A kept record: 128 bits of its id's hash, and when it expires. Plain: there are many."""


def digest_of(ce_id: str) -> bytes:
    """The 16 bytes under which a record id is remembered."""
    return blake2b(ce_id.encode(), digest_size=16).digest()


class Window:
    """The newest ``size`` kept records of one topic-partition, oldest first."""

    def __init__(self, size: int) -> None:
        if size < 1:
            msg = "a duplicate window holds at least one record"
            raise ValueError(msg)
        self._size = size
        self._expires: dict[bytes, int] = {}

    def __contains__(self, digest: object) -> bool:
        return digest in self._expires

    def has_none_of(self, digests: Iterable[bytes]) -> bool:
        """Whether each of them is new."""
        return self._expires.keys().isdisjoint(digests)

    def __len__(self) -> int:
        return len(self._expires)

    def remember(self, seen: Iterable[Seen]) -> None:
        """Add kept records, forgetting the oldest beyond the size."""
        self._expires.update(seen)
        excess = len(self._expires) - self._size
        for digest in list(islice(self._expires, max(excess, 0))):
            del self._expires[digest]

    def forget(self, now_ms: int) -> int:
        """Drop the ids of expired records; how many."""
        gone = [digest for digest, expires_ms in self._expires.items() if expires_ms <= now_ms]
        for digest in gone:
            del self._expires[digest]
        return len(gone)

    def entries(self) -> list[Seen]:
        """Everything remembered, oldest first."""
        return list(self._expires.items())
