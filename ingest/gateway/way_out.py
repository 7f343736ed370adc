"""The way out of the gateway: what many devices bring at once is published together.

In: envelopes of single messages. Out: whether they are durable. What comes while one sending is
under way goes with the next, so that no clock is needed to gather. Bytes on the way are bounded,
and nobody waits longer than the deadline: what is not known to be durable is not acknowledged.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from telemetry.wire.envelope import Envelope

AT_ONCE_MAX: Final = 500
BYTES_AT_ONCE_MAX: Final = 4 * 1024 * 1024


class Raw(Protocol):
    """What this module needs of the way onto the raw topic."""

    async def publish(self, envelopes: Sequence[Envelope]) -> int:
        """Return when they are durable."""


@dataclass(slots=True, eq=False)
class _Waiting:
    envelopes: Sequence[Envelope] = field(repr=False)
    size: int
    durable: "asyncio.Future[bool]"
    then: Callable[[], None]


class WayOut:
    """One sending at a time. ``raw`` is None while nobody knows which policy is in force.

    ``failures`` are the errors of a broker that did not take it; any other ends ``run``.
    """

    def __init__(
        self,
        raw: Callable[[], Raw | None],
        failures: tuple[type[Exception], ...],
        *,
        bytes_max: int,
        deadline_s: float,
    ) -> None:
        self._raw = raw
        self._failures = failures
        self._bytes_max = bytes_max
        self._deadline_s = deadline_s
        self._queue: deque[_Waiting] = deque()
        self._some = asyncio.Event()
        self._ending = False
        self.bytes_in_flight = 0

    async def send(
        self, envelopes: Sequence[Envelope], size: int, then: Callable[[], None]
    ) -> bool:
        """Whether they are durable; False at once if there is no room, and at the deadline.

        ``then`` is called as soon as they are durable, also if nobody waits any more.
        """
        full = self.bytes_in_flight and self.bytes_in_flight + size > self._bytes_max
        if full or self._ending or self._raw() is None:
            return False
        waiting = _Waiting(envelopes, size, asyncio.get_running_loop().create_future(), then)
        self.bytes_in_flight += size
        self._queue.append(waiting)
        self._some.set()
        try:
            async with asyncio.timeout(self._deadline_s):
                return await asyncio.shield(waiting.durable)
        except TimeoutError:
            return False
        finally:
            self._give_up(waiting)

    async def run(self) -> None:
        """Send until ``end``; what waits by then is sent as well."""
        taken: list[_Waiting] = []
        try:
            while not self._ending or self._queue:
                await self._some.wait()
                self._some.clear()
                while taken := self._next():
                    await self._publish(taken)
        finally:
            self._ending = True
            self._settle([*taken, *self._queue], durable=False)
            self._queue.clear()

    def end(self) -> None:
        """Take no more; ``run`` returns when what waits has been dealt with."""
        self._ending = True
        self._some.set()

    def _next(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        count = size = 0
        while self._queue:
            first = self._queue[0]
            count += len(first.envelopes)
            size += first.size
            if taken and (count > AT_ONCE_MAX or size > BYTES_AT_ONCE_MAX):
                break
            taken.append(self._queue.popleft())
        return taken

    async def _publish(self, taken: list[_Waiting]) -> None:
        raw = self._raw()
        durable = False
        if raw is not None:
            try:
                await raw.publish([one for waiting in taken for one in waiting.envelopes])
                durable = True
            except self._failures:
                durable = False
        self._settle(taken, durable=durable)

    def _settle(self, taken: Sequence[_Waiting], *, durable: bool) -> None:
        for waiting in taken:
            if waiting.size:
                self.bytes_in_flight -= waiting.size
                waiting.size = 0
            if durable:
                waiting.then()
            if not waiting.durable.done():
                waiting.durable.set_result(durable)

    def _give_up(self, waiting: _Waiting) -> None:
        """Nobody waits for it any more: it goes, unless it is being sent."""
        if not waiting.durable.done() and waiting in self._queue:
            self._queue.remove(waiting)
            self._settle([waiting], durable=False)
