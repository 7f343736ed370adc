"""What is finished before partitions are given up, and how long a rebalance waits for it.

In: the client's word that a rebalance begins. Out: ``generation``, which tells those who work in
batches that what they fetched before is not theirs any more. A batch in hand is waited for; then
``closing`` may close what was gathered, so that its next owner does not read it again. What lasts
longer than the bound goes on, and whatever it commits then is refused, or was not lost.
"""

import asyncio
from collections.abc import Awaitable, Callable

from bus.observer import LoopObserver

Closing = Callable[[], Awaitable[None]]
"""Makes what is gathered durable, and commits it. It takes ``busy`` itself."""


class HandingOver:
    """The turns of one member: what is in hand, and who waits for it."""

    def __init__(self, deadline_ms: int, observer: LoopObserver) -> None:
        self.busy = asyncio.Lock()
        """Held while a batch is in hand."""
        self.generation = 0
        """Grows with every rebalance."""
        self.taken = 0
        """Grows if a rebalance did not wait for the batch in hand any longer."""
        self.closing: Closing | None = None
        self._deadline_s = deadline_ms / 1000
        self._observer = observer
        self._closing: asyncio.Future[None] | None = None

    async def begin(self) -> bool:
        """A rebalance begins: wait until nothing is in hand; False if that lasted too long."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._deadline_s
        # One whose end the loop has not seen stays: what it raised is the loop's to raise, and
        # nothing was gathered since.
        if self.closing is not None and self._closing is None:
            # Not cut at the bound: a store that writes in a thread would go on all the same.
            self._closing = asyncio.ensure_future(self.closing())
            await asyncio.wait({self._closing}, timeout=self._deadline_s)
        self.generation += 1
        try:
            async with asyncio.timeout_at(end), self.busy:
                return True
        except TimeoutError:
            self.taken += 1
            self._observer.commit_missed("RevokeDeadline")
            return False

    def raise_what_closing_raised(self) -> None:
        """For the loop: whatever ends a batch ends it, wherever the batch was closed."""
        if self._closing is not None and self._closing.done():
            closed, self._closing = self._closing, None
            closed.result()

    async def end(self, deadline_ms: int) -> None:
        """Wait for a closing that is still at work; cut it at the deadline."""
        if self._closing is not None and not self._closing.done():
            await asyncio.wait({self._closing}, timeout=deadline_ms / 1000)
            self._closing.cancel()
