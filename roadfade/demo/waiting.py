"""Nobody who watches a run waits in silence: what takes long is said, again and again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

Result = TypeVar("Result")

SILENT_S_MAX: Final = 2.5
"""For no longer is nothing said while something is waited for."""


async def say_while(
    say: Callable[[str], object], what: str | Callable[[], str], work: Awaitable[Result]
) -> Result:
    """Say what is waited for, at once and then each time nothing was said for a while.

    ``what`` may change meanwhile: then it is asked each time.
    """
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    task = asyncio.ensure_future(work)
    say(f"{_now(what)} …")
    while not (await asyncio.wait((task,), timeout=SILENT_S_MAX))[0]:
        say(f"{_now(what)}: {loop.time() - began_s:.0f} s so far")
    return await task


def _now(what: str | Callable[[], str]) -> str:
    return what if isinstance(what, str) else what()
