"""Waiting that takes no time: the event loop's clock jumps to the next timer when nothing is due.

For tests without sockets. Work in threads takes the time it takes: while a call is in the loop's
executor, or in an SQLite connection's own thread, the clock does not jump.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch


@contextmanager
def fast_time() -> Iterator[None]:
    """Make the running loop's waits end as soon as nothing else can happen before."""
    loop: Any = asyncio.get_running_loop()
    select, clock, execute = loop._selector.select, loop.time, loop.run_in_executor
    ahead_s, at_work = 0.0, 0

    def now() -> float:
        return float(clock()) + ahead_s

    def jump(timeout: float | None = None) -> Any:
        nonlocal ahead_s
        if timeout is None or timeout <= 0 or at_work:
            return select(timeout)
        happened = select(0)
        if not happened:
            ahead_s += timeout
        return happened

    def begun() -> None:
        nonlocal at_work
        at_work += 1

    def ended(_: object = None) -> None:
        nonlocal at_work
        at_work -= 1

    def in_executor(executor: Any, function: Callable[..., Any], *args: Any) -> Any:
        begun()
        future = execute(executor, function, *args)
        future.add_done_callback(ended)
        return future

    with ExitStack() as patches:
        patches.enter_context(patch.object(loop, "time", now))
        patches.enter_context(patch.object(loop._selector, "select", jump))
        patches.enter_context(patch.object(loop, "run_in_executor", in_executor))
        # A test that uses a database has loaded it by now.
        if (sqlite := sys.modules.get("aiosqlite.core")) is not None:
            for name in ("_connect", "_execute", "close"):
                counted = _counted(getattr(sqlite.Connection, name), begun, ended)
                patches.enter_context(patch.object(sqlite.Connection, name, counted))
        yield


def _counted(
    method: Callable[..., Awaitable[Any]], begun: Callable[[], None], ended: Callable[[], None]
) -> Callable[..., Awaitable[Any]]:
    async def call(*args: Any, **options: Any) -> Any:
        begun()
        try:
            return await method(*args, **options)
        finally:
            ended()

    return call
