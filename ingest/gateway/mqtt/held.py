"""What all connections of a door hold in hand, in bytes: at the bound nobody reads any more."""

import asyncio


class Held:
    """Grows by what is read after the bound was asked: at most a chunk for each connection."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes, self._bytes_max = 0, bytes_max
        self._room = asyncio.Event()
        self._room.set()

    @property
    def full(self) -> bool:
        """Whether nobody should read."""
        return not self._room.is_set()

    async def room(self) -> None:
        """Wait until something may be read."""
        await self._room.wait()

    def change(self, by: int) -> None:
        """Take more into the hand, or put it down."""
        self._bytes += by
        if self._bytes < self._bytes_max:
            self._room.set()
        else:
            self._room.clear()
