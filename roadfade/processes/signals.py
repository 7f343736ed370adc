"""How a process is asked to end: SIGTERM from whoever supervises it, SIGINT from a keyboard."""

import asyncio
import signal
from collections.abc import Callable


def on_stop(callback: Callable[[], object]) -> None:
    """Have either signal call back: on the running event loop, or in the thread that has none.

    Only the main thread may ask for it.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: callback())
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, callback)
