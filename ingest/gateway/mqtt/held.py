"""What a door holds in hand, in bytes, of each connection and of all: at a bound none is read."""

import asyncio


class Held:
    """Grows by what is read after the bound was asked: at most a packet and a chunk each."""

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


class Hand:
    """What one connection holds, within what all of them do."""

    def __init__(self, of_all: Held, bytes_max: int) -> None:
        self._of_all, self._own = of_all, Held(bytes_max)

    async def room(self) -> None:
        """Wait until this connection may be read."""
        await self._own.room()
        await self._of_all.room()

    def change(self, by: int) -> None:
        """Take more into the hand, or put it down."""
        self._own.change(by)
        self._of_all.change(by)
