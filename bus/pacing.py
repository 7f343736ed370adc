"""How a running loop is asked to end, and what happens when it does not."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


async def until(stopping: asyncio.Event, seconds: float) -> bool:
    """Wait this long, or until ``stopping`` is set; return whether it is."""
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
        """Whether the loop was asked to end."""
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
        """Wait, but only until the loop is asked to end."""
        await until(self._asked, wait_ms / 1000)

    async def stop(self) -> None:
        """Ask the loop to end, wait for it, and cancel it at the deadline. Idempotent."""
        self._asked.set()
        if self._task is None:
            return
        try:
            async with asyncio.timeout(self._deadline_ms / 1000):
                await self._ended.wait()
        except TimeoutError:
            self._task.cancel()
            await self._ended.wait()


def monotonic_ms() -> int:
    """Milliseconds on this process's monotonic clock; only differences are meaningful."""
    return int(asyncio.get_running_loop().time() * 1000)


@dataclass(slots=True)
class Patience:
    """Waits that double from ``first_wait_ms`` up to ``wait_ms_max``, until ``give_up_ms``."""

    give_up_ms: int
    first_wait_ms: int = 250
    wait_ms_max: int = 5_000
    _failing_since_ms: int | None = field(default=None, init=False)
    _failures: int = field(default=0, init=False)

    def failed(self, now_ms: int) -> int | None:
        """How long to wait before the next try; None means to give up."""
        if self._failing_since_ms is None:
            self._failing_since_ms = now_ms
        if now_ms - self._failing_since_ms >= self.give_up_ms:
            return None
        wait_ms = min(self.first_wait_ms << min(self._failures, 16), self.wait_ms_max)
        self._failures += 1
        return wait_ms

    def succeeded(self) -> None:
        """Forget earlier failures."""
        self._failing_since_ms = None
        self._failures = 0


async def all_at_once(work: Iterable[Awaitable[T]]) -> list[T]:
    """What each comes to, in their order; the first failure is raised once all have ended."""
    found = await asyncio.gather(*work, return_exceptions=True)
    results = list[T]()
    for one in found:
        if isinstance(one, BaseException):
            raise one
        results.append(one)
    return results
