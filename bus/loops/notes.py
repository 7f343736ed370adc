"""What a member tells its group: offsets, and beside them what was begun, or is read again.

In: what ``attempts`` and ``recall`` know. Out: commits within a deadline.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from bus.failures import BrokerError, HandlerWaitsError
from bus.loops.attempts import Attempts
from bus.loops.recall import Places
from bus.ports import Committed, GroupMember, TopicPartition

TAKE_BACK_S_MAX: Final = 2.0
BLAMELESS: Final = (OSError,)
"""A disk that is full, a right that is missing: such would be so with any record."""


class Notes:
    """``places`` is None if nobody goes by what was before. ``blameless`` as in ``GroupReader``."""

    def __init__(
        self,
        member: GroupMember,
        deadline_ms: int,
        attempts: Attempts,
        places: Places | None,
        blameless: tuple[type[Exception], ...],
    ) -> None:
        self._member = member
        self._deadline_s = deadline_ms / 1000
        self._attempts = attempts
        self._places = places
        self._blameless: tuple[type[Exception], ...] = (HandlerWaitsError, *blameless)

    async def hand_in(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """Commit these with what is to be noted; BrokerError or TimeoutError if that failed."""
        async with asyncio.timeout(self._deadline_s):
            await self._commit(offsets)

    async def recalling(self, partition: TopicPartition, recalls: int) -> None:
        """Note that what was before a partition's place is read again now, for this time."""
        if self._places is None:
            return
        before = self._places.of(partition)
        if before.offset is None:
            return
        self._places.recalling(partition, recalls)
        try:
            await self.hand_in({partition: self._attempts.move(partition, before.offset)})
        except (BrokerError, TimeoutError):
            self._places.recalling(partition, before.recalls)
            raise

    @asynccontextmanager
    async def blaming(self) -> AsyncIterator[None]:
        """Around what is done with records in hand: what says nothing about them is no death."""
        try:
            yield
        except asyncio.CancelledError:
            await self.take_back()
            raise
        except self._blameless:
            await self.take_back()
            raise

    async def take_back(self) -> None:
        """Note that what was begun is given up alive; what cannot be noted counts as an attempt."""
        await self._note_alive(self._attempts.commits(self._attempts.to_take_back()))

    async def give_up_recalls(self) -> None:
        """Note that what was being read again is given up alive; if that fails, it counts."""
        begun = {} if self._places is None else self._places.give_up()
        await self._note_alive({at: self._attempts.move(at, to) for at, to in begun.items()})

    async def _note_alive(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        if offsets:
            with suppress(BrokerError, TimeoutError):
                async with asyncio.timeout(TAKE_BACK_S_MAX):
                    await self._commit(offsets)

    async def _commit(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        noted = offsets if self._places is None else self._places.noted(offsets)
        await self._member.commit(noted)
