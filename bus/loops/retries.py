"""What a loop does after a batch that has to be tried again: wait ever longer, and give up."""

from bus.failures import GaveUpError, SinkBackpressureError
from bus.loops.group_reader import REST_MS_MAX, GroupReader
from bus.observer import LoopObserver
from bus.pacing import Patience, Stopping, monotonic_ms


class Retries:
    """The failures in a row of one loop; a batch that comes through forgets them."""

    def __init__(
        self, reader: GroupReader, observer: LoopObserver, stopping: Stopping, give_up_ms: int
    ) -> None:
        self._reader = reader
        self._observer = observer
        self._stopping = stopping
        self._patience = Patience(give_up_ms)

    async def after(self, failure: Exception | None, what: str) -> None:
        """Wait before the next try, or not at all if there is no failure; a stop ends the wait.

        GaveUpError, which says that ``what`` was not done, if failures lasted too long.
        """
        if failure is None:
            self._patience.succeeded()
            return
        wait_ms = self._patience.failed(monotonic_ms())
        if wait_ms is None:
            # No record did that: the process that comes next is not to look for one.
            await self._reader.notes.take_back()
            msg = f"{what} for {self._patience.give_up_ms} ms"
            raise GaveUpError(msg) from failure
        if isinstance(failure, SinkBackpressureError):
            wait_ms = min(failure.retry_after_ms, REST_MS_MAX)
        self._observer.retrying(type(failure.__cause__ or failure).__name__, wait_ms)
        await self._stopping.rest(wait_ms)
