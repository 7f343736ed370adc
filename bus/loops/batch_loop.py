"""The data plane's loop: read, hand over, send, wait for every acknowledgement, then commit.

In: records of one topic and a function that turns them into what is sent. Out: that, durable, and
only then the offset. No offset may be committed past a record whose outputs are not acknowledged.
Delivery is at least once; record ids must make duplicates harmless.
"""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from bus.failures import BrokerError, HandlerWaitsError, SendFailedError, TopicRemadeError
from bus.loops.group_reader import GroupReader
from bus.loops.handling import PAUSED, Handle, Handling
from bus.loops.notes import BLAMELESS
from bus.loops.outbound import KeptBack
from bus.loops.recollecting import Recollecting, Recollection
from bus.loops.retries import Retries
from bus.observer import BatchDone, LoopObserver
from bus.pacing import Stopping, monotonic_ms
from bus.ports import Broker, Fetched, Producer, ReaderSettings
from bus.topic_watch import TopicWatch


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
        self._producer = producer
        self._watch = watch
        self._pause_reason = pause_reason
        self._begin = begin or pause_reason
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
        self._handling = Handling(
            topic,
            handle,
            producer,
            self._reader,
            self._settings,
            pause_reason=pause_reason,
            basis=basis,
            observer=self._observer,
            kept_back=kept_back,
        )
        self._recollecting: Recollecting | None = None
        if recollection is not None:
            self._recollecting = Recollecting(topic, self._reader, recollection, self._observer)
        self._retries = Retries(
            self._reader, self._observer, self._stopping, self._settings.give_up_ms
        )

    async def run(self) -> None:
        """Work until ``stop``. Any exception ends it and is raised, but for what is tried again.

        That is a failed send, and a handler that waits.
        """
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
        except (TimeoutError, BrokerError, HandlerWaitsError) as failure:
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
                sent = await self._handling.handle_and_send(fetched)
        except (SendFailedError, HandlerWaitsError) as failure:
            self._reader.step_back(fetched)
            return failure
        if isinstance(sent, str):
            self._again(sent, fetched)
            return None
        self._reader.gaps.count(fetched)
        committed = await self._reader.progress.commit(fetched)
        records = sum(map(len, fetched.values()))
        took_ms, lag = monotonic_ms() - started_ms, self._reader.lag(fetched)
        self._observer.batch_done(BatchDone(records, sent, took_ms, lag))
        return None if committed else TimeoutError("commit")

    def _again(self, why: str, fetched: Fetched) -> None:
        """Send nothing of what is in hand; after a rebalance it is the new owner's to do."""
        if why == PAUSED:
            self._reader.step_back(fetched)
        self._observer.retrying(why, 0)
