"""How a local run ends: in the order of the flow, every end awaited aloud, and none left out."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Protocol

from roadfade.demo.process_group import STOP_ORDER
from roadfade.demo.waiting import say_while

Say = Callable[[str], object]


class Stage(Protocol):
    """What was started for the run; both methods block, and do nothing if nothing is there."""

    def stop(self, role: str) -> None:
        """End one process."""

    def close(self) -> None:
        """End what only watches."""


def unbroken(say: Say) -> Say:
    """The same, but nobody who listens no more keeps the run from ending as it should."""

    def told(text: str) -> None:
        # A closed pipe, a terminal that is gone.
        try:
            say(text)
        except OSError:
            return

    return told


async def end_all(say: Say, stage: Stage, roles: Sequence[str] = STOP_ORDER) -> None:
    """End every process, the source's side first; one that does not end leaves none out."""

    async def ended(what: str, work: Callable[..., Any], *args: str) -> None:
        await say_while(say, f"stopping {what}", asyncio.to_thread(work, *args))

    async with AsyncExitStack() as ends:
        ends.push_async_callback(ended, "what watches", stage.close)
        for role in reversed(roles):
            ends.push_async_callback(ended, role, stage.stop, role)
