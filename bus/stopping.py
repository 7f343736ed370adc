"""How a running loop is asked to end, and what happens when it does not."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


async def until(stopping: asyncio.Event, seconds: float) -> bool:
    """Wait so long, but not longer than until ``stopping`` is set; whether it is."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        pass
    return stopping.is_set()


class Stopping:
    """Owned by one loop: ``running`` around its body, ``asked`` in its condition."""

    def __init__(self, deadline_ms: int) -> None:
        self._deadline_ms = deadline_ms
        self._asked = asyncio.Event()
        self._ended = asyncio.Event()
        self._task: asyncio.Task[object] | None = None

    @property
    def asked(self) -> bool:
        """Whether somebody wants the loop to end."""
        return self._asked.is_set()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Mark the body of the loop; it runs in one task, once."""
        if self._task is not None:
            msg = "a loop runs once; make a new one"
            raise RuntimeError(msg)
        self._task = asyncio.current_task()
        try:
            yield
        finally:
            self._ended.set()

    async def rest(self, wait_ms: int) -> None:
        """Wait, but not longer than until somebody asks to end."""
        await until(self._asked, wait_ms / 1000)

    async def stop(self) -> None:
        """Ask, wait until the loop has ended, and cancel it at the deadline. Idempotent."""
        self._asked.set()
        if self._task is None:
            return
        try:
            async with asyncio.timeout(self._deadline_ms / 1000):
                await self._ended.wait()
        except TimeoutError:
            self._task.cancel()
            await self._ended.wait()
