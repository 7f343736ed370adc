"""Work of the office beside its heartbeats: a failure of it ends nothing.

In: a step and its work. Out: whether it was done. What fails is counted, said once, and tried again
by whoever asked.
"""

import logging
from collections.abc import Awaitable, Callable

from office.errors import OfficeError
from roadfade import metrics
from roadfade.processes.say_once import SayOnce


class Attempts:
    """Knows of each step what it said last; a step that was done says its next failure anew."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._say: dict[str, SayOnce] = {}

    async def __call__(self, step: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Do the work of a step; False if it failed."""
        say = self._say.setdefault(step, SayOnce(self._logger))
        try:
            await work()
        except Exception as failure:  # noqa: BLE001  # the office's heartbeats do not depend on it
            metrics.ERASURE_FAILURES.labels(step).inc()
            # The words of others may quote what they had in hand.
            why = str(failure) if isinstance(failure, OfficeError) else type(failure).__name__
            say(f"{step} could not be dealt with, and will be tried again: {why}")
            return False
        say.forget()
        return True
