"""Events that were taken back, in the memory: no topic, backup or sender brings one again.

In: an event's row id, and digests of the ids under which other systems reported it. Out: which
digests are of such events. The office's own tables know nothing of them any more.
"""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path

from office.registry.events import TakenBack
from office.replay_memory.items import EVENT, REPORTED, Ended
from office.replay_memory.memory import FILE, ReplayMemory


class TakenBackEvents:
    """What an office remembers of take-backs; the memory lies beside its database."""

    def __init__(self, database: Path, clock: Callable[[], int]) -> None:
        self._file = database.with_name(FILE)
        self._clock = clock

    async def remember(self, gone: TakenBack) -> None:
        """Keep that an event was taken back; durable on return."""
        items = [Ended(EVENT, gone.event, None)]
        items += [Ended(REPORTED, one, None) for one in gone.digests]
        await asyncio.to_thread(self._remember, items)

    async def known(self, digests: Collection[str]) -> set[str]:
        """Those under which an event was reported that was taken back."""
        return await asyncio.to_thread(self._known, digests) if digests else set()

    def _remember(self, items: Collection[Ended]) -> None:
        now_ms = self._clock()
        ReplayMemory.made(self._file, now_ms).remember(items, now_ms)

    def _known(self, digests: Collection[str]) -> set[str]:
        if not self._file.is_file():
            return set()  # nothing was ever removed; who removes first makes it
        with ReplayMemory(self._file).known() as known:
            return {one for one in digests if known.ended(REPORTED, one) is not None}
