"""Bodies are opened piece by piece, and never beyond a bound, whatever they would become.

In: pieces of a body as they come. Out: the bytes it says, or that it is none. One gzip member and
nothing after it: what follows would be read by some and not by others.
"""

import zlib
from typing import Final

from ingest.gateway.ports import Refusal

GZIP_WINDOW: Final = 31
"""Of zlib: the largest window, and a gzip header (RFC 1952)."""


class ClosedError(Exception):
    """What was brought is no body that can be taken."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(str(why))
        self.why = why


class Room:
    """What all requests of a door have opened and not yet answered, in bytes."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_held, self._bytes_max = 0, bytes_max

    def take(self, size: int) -> None:
        """Hold so much more; ClosedError if that is too much."""
        if self.bytes_held + size > self._bytes_max:
            raise ClosedError(Refusal.UNAVAILABLE)
        self.bytes_held += size

    def give_back(self, size: int) -> None:
        """Hold so much less."""
        self.bytes_held -= size


class Opening:
    """One body. Memory: its bound, and one piece; ``close`` gives back what it has of ``room``."""

    def __init__(self, *, gzip: bool, bytes_max: int, room: Room) -> None:
        self._room = room
        self._held = 0
        self._unpack = zlib.decompressobj(GZIP_WINDOW) if gzip else None
        self._bytes_max = bytes_max
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> None:
        """Take the next piece; ClosedError if it is too much, or no gzip."""
        if self._unpack is None:
            self._add(piece)
            return
        if self._unpack.eof and piece:
            raise ClosedError(Refusal.MALFORMED)
        room = self._bytes_max - self._size
        try:
            # One more than fits: without it nobody could tell that there is more.
            self._add(self._unpack.decompress(piece, room + 1))
        except zlib.error:
            raise ClosedError(Refusal.MALFORMED) from None
        if self._unpack.unused_data:
            raise ClosedError(Refusal.MALFORMED)

    def whole(self) -> bytes:
        """All of it, after the last piece; ClosedError if it was cut short."""
        if self._unpack is not None and not self._unpack.eof:
            raise ClosedError(Refusal.MALFORMED)
        return b"".join(self._pieces)

    def close(self) -> None:
        """Nobody needs it any more."""
        self._room.give_back(self._held)
        self._held = 0

    def _add(self, opened: bytes) -> None:
        self._size += len(opened)
        if self._size > self._bytes_max:
            raise ClosedError(Refusal.OVERSIZED)
        if opened:
            self._room.take(len(opened))
            self._held += len(opened)
            self._pieces.append(opened)
