"""Waiting that takes no time: the event loop's clock jumps to the next timer when nothing is due.

For tests without sockets. Work in threads takes the time it takes: while a call is in the loop's
executor the clock stands still, and before every jump others (a database's own thread) get
``grace_s`` to answer.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


@contextmanager
def fast_time(grace_s: float = 0.0) -> Iterator[None]:
    """Let the running loop's waits end as soon as nothing else can happen before."""
    loop: Any = asyncio.get_running_loop()
    select, clock, execute = loop._selector.select, loop.time, loop.run_in_executor
    ahead_s, at_work = 0.0, 0

    def now() -> float:
        return float(clock()) + ahead_s

    def jump(timeout: float | None = None) -> Any:
        nonlocal ahead_s
        if timeout is None or timeout <= 0 or at_work:
            return select(timeout)
        happened = select(grace_s)
        if not happened:
            ahead_s += timeout
        return happened

    def watched(executor: Any, function: Callable[..., Any], *args: Any) -> Any:
        nonlocal at_work

        def done(_: object) -> None:
            nonlocal at_work
            at_work -= 1

        at_work += 1
        future = execute(executor, function, *args)
        future.add_done_callback(done)
        return future

    with (
        patch.object(loop, "time", now),
        patch.object(loop._selector, "select", jump),
        patch.object(loop, "run_in_executor", watched),
    ):
        yield
