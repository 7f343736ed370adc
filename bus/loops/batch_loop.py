"""The data plane's loop: read, hand over, send, wait for every acknowledgement, then commit.

In: records of one topic and a function that turns them into what is sent. Out: that, durable, and
only then the offset. No offset may be committed past a record whose outputs are not acknowledged.
Delivery is at least once; record ids must make duplicates harmless.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Final

from bus.failures import BrokerError, SendFailedError, TopicRemadeError
from bus.loops.group_reader import GroupReader
from bus.loops.notes import BLAMELESS
from bus.loops.outbound import KeptBack, Outbound
from bus.loops.recollecting import Recollecting, Recollection
from bus.loops.retries import Retries
from bus.loops.slices import sliced
from bus.observer import BatchDone, LoopObserver
from bus.pacing import Stopping, monotonic_ms
from bus.ports import Broker, Fetched, Producer, ReaderSettings
from bus.records import Sendable, arrived_from, records_in
from bus.topic_watch import TopicWatch
from telemetry.arrived import Arrived

Handle = Callable[[int, Sequence[Arrived]], Awaitable[Sequence[Sendable]]]
"""``handle(partition, records)``: at most a slice of one partition's records, in order.

Its answer is judged by the ``basis`` of the moment in which it returns.
"""
REBALANCED: Final = "rebalanced"
DECIDED_ANEW: Final = "decided anew"
ANEW_MAX: Final = 2
"""After so many batches in a row that had to be decided anew, each slice is sent by itself."""


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """The loop's own limits; times in milliseconds."""

    reader: ReaderSettings = field(default_factory=ReaderSettings)
    slice_records_max: int = 500
    slice_bytes_max: int = 512 * 1024
    """Records or bytes after which the event loop gets a turn, so that heartbeats go out."""
    held_bytes_max: int = 3 * 1024 * 1024
    """Most output bytes that are sent, and acknowledged, before more of a batch is handled.

    More make larger batches, which cost less; each byte of them is several in memory as it leaves.
    """
    give_up_ms: int = 10 * 60 * 1000
    """A batch that cannot be made durable for this long ends the loop with GaveUpError."""


class BatchLoop:
    """One input topic, one group, one producer.

    ``begin`` decides once per turn, before the fetch, what its batch will be handled with;
    ``pause_reason`` only answers, before it is handled, whether that still holds (and is all
    there is to ask if nothing is to decide). While either names a reason nothing is handled or
    committed, and the membership is kept. ``basis`` is equal as long as a decision would be the
    same; both are asked again right before a batch is sent, however long it lay in hand: what
    does not hold any more is decided anew. ``watch`` is asked before each batch is handled whether
    the topic is still the one that offsets are of: one that was made anew is read from its
    beginning. ``member`` is a static member id that no other living process may hold (see
    ``slots``). ``blameless`` as in ``GroupReader``. ``recollection`` is what the handler remembers
    of earlier records: before a partition is handled, it has remembered what matters there.
    ``kept_back`` is what the handler does not answer with, because it goes with more of its kind.
    """

    def __init__(
        self,
        broker: Broker,
        topic: str,
        group: str,
        handle: Handle,
        producer: Producer,
        *,
        member: str | None = None,
        watch: TopicWatch | None = None,
        pause_reason: Callable[[], str | None] = lambda: None,
        begin: Callable[[], str | None] | None = None,
        basis: Callable[[], object] = lambda: None,
        observer: LoopObserver | None = None,
        settings: BatchSettings | None = None,
        blameless: tuple[type[Exception], ...] = BLAMELESS,
        recollection: Recollection | None = None,
        kept_back: KeptBack | None = None,
    ) -> None:
        self._topic = topic
        self._handle = handle
        self._kept_back = kept_back
        self._producer = producer
        self._watch = watch
        self._pause_reason = pause_reason
        self._begin = begin or pause_reason
        self._basis = basis
        self._anew = 0
        self._observer = observer or LoopObserver()
        self._settings = settings or BatchSettings()
        self._stopping = Stopping(self._settings.reader.stop_deadline_ms)
        self._reader = GroupReader(
            broker,
            group,
            [topic],
            member=member,
            settings=self._settings.reader,
            observer=self._observer,
            blameless=blameless,
            noting_places=recollection is not None,
        )
        self._recollecting: Recollecting | None = None
        if recollection is not None:
            self._recollecting = Recollecting(topic, self._reader, recollection, self._observer)
        self._retries = Retries(
            self._reader, self._observer, self._stopping, self._settings.give_up_ms
        )

    async def run(self) -> None:
        """Work until ``stop``. Any exception but a failed send ends it and is raised."""
        with self._stopping.running():
            async with AsyncExitStack() as ending:
                ending.push_async_callback(self._producer.stop)
                ending.push_async_callback(self._reader.stop)
                if self._watch is not None:
                    ending.push_async_callback(self._watch.aclose)
                await self._reader.start()
                if self._watch is not None:
                    await self._watch.check()
                while not self._stopping.asked:
                    await self._turn()

    async def stop(self) -> None:
        """Finish and commit the batch in hand, then end ``run``; cut at the deadline.

        Idempotent. A batch that was cut comes again after the next start.
        """
        await self._stopping.stop()

    async def _turn(self) -> None:
        self._reader.pause(self._begin())
        fetched = await self._reader.fetch()
        if not fetched:
            async with self._reader.busy:
                await self._reader.progress.pass_aside()
            return
        # Asked now: after a freeze the client may be in a later generation than its batch.
        self._observer.fetched(self._reader.group_generation())
        # No await between fetch and lock: a rebalance finds the batch either whole or not begun.
        async with self._reader.busy:
            if self._pause_reason() is not None:
                self._reader.step_back(fetched)
                return
            failure = await self._carry(fetched)
        await self._retries.after(failure, "no batch was made durable")
        if failure is not None:
            await self._producer.settled()

    async def _carry(self, fetched: Fetched) -> Exception | None:
        """Take one batch all the way; return the failure if it has to be tried again."""
        started_ms, taken = monotonic_ms(), self._reader.taken
        try:
            if self._watch is not None:
                await self._watch.check()
            await self._reader.progress.learn_due(fetched)
            if self._recollecting is not None:
                fetched = await self._recollecting.to_handle(fetched, taken)
                if not fetched:
                    return None
            portion = await self._reader.progress.begin(fetched)
        except TopicRemadeError as remade:
            return await self._begin_anew(remade)
        except (TimeoutError, BrokerError) as failure:
            self._reader.step_back(fetched)
            return failure
        return await self._through(portion, started_ms) if portion else None

    async def _begin_anew(self, remade: TopicRemadeError) -> Exception | None:
        """Read another topic of this name from its beginning; a failure is found out again."""
        try:
            if self._recollecting is not None:
                self._recollecting.anew()
            await self._reader.begin_anew()
        except (TimeoutError, BrokerError) as failure:
            return failure
        if self._watch is not None:
            self._watch.accept(remade)
        self._observer.remade(remade.topic, str(remade))
        return None

    async def _through(self, fetched: Fetched, started_ms: int) -> Exception | None:
        """Handle, send and commit; return the failure if it has to be tried again."""
        try:
            async with self._reader.notes.blaming():
                sent = await self._handle_all(fetched)
        except SendFailedError as failure:
            self._reader.step_back(fetched)
            return failure
        if isinstance(sent, str):
            self._again(sent, fetched)
            return None
        self._anew = 0
        self._reader.gaps.count(fetched)
        committed = await self._reader.progress.commit(fetched)
        records = sum(map(len, fetched.values()))
        took_ms, lag = monotonic_ms() - started_ms, self._reader.lag(fetched)
        self._observer.batch_done(BatchDone(records, sent, took_ms, lag))
        return None if committed else TimeoutError("commit")

    def _again(self, why: str, fetched: Fetched) -> None:
        """Send nothing of what is in hand; after a rebalance it is the new owner's to do."""
        if why == DECIDED_ANEW:
            self._anew += 1
            self._reader.step_back(fetched)
        self._observer.retrying(why, 0)

    def _outdated(self, taken: int, basis: object) -> str | None:
        """Why what was handled must not be sent any more; ask without an await before the send."""
        if self._reader.taken != taken:
            return REBALANCED
        if self._pause_reason() is not None or self._basis() != basis:
            return DECIDED_ANEW
        return None

    async def _handle_all(self, fetched: Fetched) -> int | str:
        """Handle slice by slice and send; return how many outputs, all acknowledged.

        Or why the rest is not sent: the partitions were taken from us meanwhile, and an old
        owner's records must not land behind those of the new one; or decisions have changed.
        """
        taken, basis = self._reader.taken, self._basis()
        by_slice = self._anew >= ANEW_MAX
        outbound, sent, settings = Outbound(self._kept_back), 0, self._settings
        for partition, records in fetched.items():
            for piece in sliced(
                records,
                records_max=settings.slice_records_max,
                bytes_max=settings.slice_bytes_max,
            ):
                arrived = arrived_from(self._topic, piece)
                outbound.add(await self._handle(partition.partition, arrived))
                if by_slice or outbound.held_bytes >= settings.held_bytes_max:
                    # A slice alone was decided just now, on whatever basis there is.
                    why = self._outdated(taken, self._basis() if by_slice else basis)
                    if why is not None:
                        return why
                    sent += await self._send(outbound)
                    basis = self._basis()
                elif self._reader.taken != taken:
                    return REBALANCED
                await asyncio.sleep(0)
        why = self._outdated(taken, basis) if outbound else None
        return sent + await self._send(outbound) if why is None else why

    async def _send(self, outbound: Outbound) -> int:
        """How many records, all acknowledged."""
        count = records_in(outgoing := outbound.take())
        sending = self._producer.send_all(outgoing)
        del outgoing  # the producer alone holds it now, for as long as it has to
        await sending
        return count
