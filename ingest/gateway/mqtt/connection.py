"""One connection: reads, offers each message to the front desk, answers in order, and ends.

Messages of one connection are offered one after the other: a rule that thins by time passes the
first of a bin, so their order is part of what they say. What comes meanwhile waits, so bounded
that pings are still answered.

In: streams, and what the door's parts are. Out: messages to the desk, acknowledgements after it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from moat.lib.mqtt import ReasonCode

from ingest.gateway.mqtt.held import Hand, Held
from ingest.gateway.mqtt.limits import MqttLimits
from ingest.gateway.mqtt.observer import MqttObserver, Outcome
from ingest.gateway.mqtt.session import NOTHING_IN_PARTICULAR, Message, Session
from ingest.gateway.mqtt.verdicts import AGAIN, verdict
from ingest.gateway.ports import Answer, Doorkeeper, FrontDesk, Peer

CHUNK_BYTES: Final = 65_536
PAUSE_S: Final = 0.5
"""Between two offers of a message, if the desk does not say how long to wait."""
CLOSING_S: Final = 5.0
CLOSED: Final = "closed"
"""Why a connection ended, if the client ended it."""
ACCEPTED: Final = "accepted"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the connections of a door share."""

    desk: FrontDesk
    doorkeeper: Doorkeeper
    limits: MqttLimits
    observer: MqttObserver
    held: Held


class Connection:
    """``opened`` is called when the client is let in."""

    def __init__(
        self,
        peer: Peer | None,
        session: Session,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        around: Surroundings,
        opened: Callable[["Connection"], None],
    ) -> None:
        self.peer = peer
        self._session, self._around, self._opened = session, around, opened
        self._reader, self._writer = streams
        self._waiting: deque[Message] = deque()
        self._hand = Hand(around.held, around.limits.held_of_one_bytes_max)
        self._changed, self._leaving = asyncio.Event(), asyncio.Event()
        self._dropped = self._deaf = False
        self._goodbye: ReasonCode | None = None
        self._reading: asyncio.Task[None] | None = None
        self._heard_at = asyncio.get_running_loop().time()

    async def run(self) -> None:
        """Serve until either side ends it. What fails within ends this connection alone."""
        reading = self._reading = asyncio.create_task(self._read())
        taking = asyncio.create_task(self._take_all())
        watching = asyncio.create_task(self._watch())
        try:
            await asyncio.wait({reading, taking, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not any(map(_error_of, (reading, taking, watching))):
                self._leave()
                await asyncio.wait({taking})
        finally:
            await self._end(reading, taking, watching)

    def finish(self, goodbye: ReasonCode) -> None:
        """Read nothing more, but take and acknowledge what is in hand, then say goodbye."""
        self._goodbye = goodbye
        if self._reading is not None:
            self._reading.cancel()

    def cut(self, code: ReasonCode) -> None:
        """End now: only what the desk has in hand comes to its end, and is not acknowledged."""
        if not self._dropped:
            self._write(self._session.end(code))
            self._drop()
            self.finish(code)

    async def _read(self) -> None:
        with contextlib.suppress(OSError):
            while self._session.ended is None:
                self._deaf = True
                await self._hand.room()
                self._deaf = False
                data = await self._reader.read(CHUNK_BYTES)
                if not data:
                    return
                self._receive(data)
                await self._writer.drain()

    def _receive(self, data: bytes) -> None:
        was_open, packets = self._session.opened, self._session.packets
        step = self._session.receive(data)
        if self._session.packets > packets:
            self._heard_at = asyncio.get_running_loop().time()
        self._write(step.out)
        for message in step.messages:
            self._waiting.append(message)
            self._hand.change(len(message.payload))
        for _ in range(step.lost):
            self._around.observer.message(Outcome.LOST)
        if self._session.opened and not was_open:
            self._opened(self)
        if step.ended is not None and step.ended is not NOTHING_IN_PARTICULAR:
            self._drop()
        self._changed.set()

    async def _take_all(self) -> None:
        while (message := await self._next()) is not None:
            code = None
            try:
                code = message.refused or await self._offer(message)
            finally:
                self._put_down(message, code)
            if code is None:
                return
            self._write(self._session.settle(message, code))

    async def _next(self) -> Message | None:
        while not self._dropped:
            if self._waiting:
                return self._waiting.popleft()
            if self._leaving.is_set():
                break
            self._changed.clear()
            await self._changed.wait()
        return None

    async def _offer(self, message: Message) -> ReasonCode | None:
        """Offer one message until it is settled; None: it is not, and the connection has ended."""
        loop, desk = asyncio.get_running_loop(), self._around.desk
        until = loop.time() + self._around.limits.retry_s
        while True:
            if self.peer is None or not self._around.doorkeeper.stands(self.peer):
                self.cut(ReasonCode.NOT_AUTHORIZED)
                return None
            answer = await desk.take(self.peer, message.format_, message.payload)
            code, final = verdict(answer)
            left = until - loop.time()
            if final or code not in AGAIN or left <= 0 or self._leaving.is_set():
                self._count_envelopes(answer)
                if not final:
                    self.cut(code)
                return None if self._dropped else code
            self._around.observer.tried_again()
            pause = PAUSE_S if answer.retry_after_s is None else answer.retry_after_s
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leaving.wait(), min(pause, left))
            if self._dropped:
                return None

    async def _watch(self) -> None:
        """End what is silent for too long, and what its certificate no longer lets in."""
        loop, limits = asyncio.get_running_loop(), self._around.limits
        began = loop.time()
        while not self._dropped:
            now = loop.time()
            if self._deaf:
                self._heard_at = now  # it is we who do not listen
            if self._session.opened:
                due = self._heard_at + 1.5 * self._session.keep_alive_s
                code = ReasonCode.KEEP_ALIVE_TIMEOUT
            else:
                due, code = began + limits.connect_s, NOTHING_IN_PARTICULAR
            if now >= due:
                self.cut(code)
            elif self.peer is not None and not self._around.doorkeeper.stands(self.peer):
                self.cut(ReasonCode.NOT_AUTHORIZED)
            else:
                await asyncio.sleep(min(due - now, limits.recheck_s))

    def _leave(self) -> None:
        """Nothing more comes in."""
        self._leaving.set()
        self._changed.set()

    def _drop(self) -> None:
        """What waits is not taken: the client sends it again, or it was of QoS 0."""
        self._dropped = True
        self._leave()

    def _write(self, data: bytes) -> None:
        if data and not self._writer.is_closing():
            self._writer.write(data)

    async def _end(self, *tasks: asyncio.Task[None]) -> None:
        failed = [error for task in tasks if (error := _error_of(task)) is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for error in failed:
            self._around.observer.failed(type(error).__name__)
        for message in self._waiting:
            self._put_down(message, None)
        goodbye = ReasonCode.UNSPECIFIED_ERROR if failed else self._goodbye
        if goodbye is not None:
            self._write(self._session.end(goodbye))
        ended = self._session.ended
        named = ended.name.lower() if ended not in (None, NOTHING_IN_PARTICULAR) else CLOSED
        self._around.observer.ended(named)
        await _close(self._writer)

    def _put_down(self, message: Message, code: ReasonCode | None) -> None:
        self._hand.change(-len(message.payload))
        if code is None:
            waits = message.packet_id is not None
            outcome = Outcome.SENT_BACK if waits else Outcome.LOST
        else:
            outcome = Outcome.TAKEN if code is ReasonCode.SUCCESS else Outcome.REFUSED
        self._around.observer.message(outcome)

    def _count_envelopes(self, answer: Answer) -> None:
        self._around.observer.envelopes(ACCEPTED, answer.accepted)
        for why, count in answer.refused.items():
            self._around.observer.envelopes(why.value, count)


def _error_of(task: asyncio.Task[None]) -> BaseException | None:
    """What a task that is done failed with."""
    return None if not task.done() or task.cancelled() else task.exception()


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close, and wait for a client that reads no answers only so long."""
    writer.close()
    try:
        async with asyncio.timeout(CLOSING_S):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()
