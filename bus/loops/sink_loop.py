"""Topics into a store that keeps its own position: read, write durably, then commit.

In: records of several topics. Out: ``write`` of gathered records, and only after it the
offsets; a rebalance waits for what is gathered, too. If the store knows its position, that wins
over the committed offset, so a crash between its write and our commit costs nothing. A position is
one in the topic that the store began with: whether the name still stands for it is asked before
each write.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from bus.failures import BrokerError, SinkBackpressureError
from bus.loops.gathering import Gathering, SinkSettings
from bus.loops.group_progress import Skip
from bus.loops.group_reader import GroupReader
from bus.loops.retries import Retries
from bus.observer import BatchDone, LoopObserver
from bus.pacing import Stopping, monotonic_ms
from bus.ports import Broker, Fetched, TopicPartition
from bus.records import arrived_from
from telemetry.arrived import Arrived

Position = Callable[[str, int], int | None]
"""The next offset of a topic's partition that the store has not got; None if it does not know.

Must not block.
"""
Write = Callable[[Sequence[Arrived]], Awaitable[None]]
"""Keeps records; durable on return. Grouped by (topic, partition), in order of offset.

The same records may come again after a failure: the store drops what it has. It raises
SinkBackpressureError before anything of the batch is kept to have it come later.
"""


Verify = Callable[[], Awaitable[None]]
"""Raises TopicRemadeError if a name stands for another topic now, BrokerError if none can say."""


async def _never() -> None:
    return


class SinkLoop:
    """One group over some topics, into one store. ``member`` as in ``BatchLoop``.

    A record that ends every process that has it in hand is found as in ``BatchLoop``, by what the
    group notes beside its offsets; ``skip`` moves the store's own position past it. An OSError of
    ``write`` says nothing about a record.
    """

    def __init__(
        self,
        broker: Broker,
        topics: Sequence[str],
        group: str,
        position: Position,
        write: Write,
        *,
        skip: Skip | None = None,
        member: str | None = None,
        verify: Verify = _never,
        pause_reason: Callable[[], str | None] = lambda: None,
        observer: LoopObserver | None = None,
        settings: SinkSettings | None = None,
    ) -> None:
        self._position = position
        self._keep = write
        self._verify = verify
        self._verified_ms: int | None = None
        self._pause_reason = pause_reason
        self._observer = observer or LoopObserver()
        self._settings = settings or SinkSettings()
        self._stopping = Stopping(self._settings.reader.stop_deadline_ms)
        self._placed: set[TopicPartition] = set()
        self._untold: dict[TopicPartition, int] = {}
        """The store's positions in partitions placed since, of which the group may not know."""
        self._gathered = Gathering()
        self._generation = 0
        self._reader = GroupReader(
            broker,
            group,
            topics,
            member=member,
            settings=self._settings.reader,
            observer=self._observer,
            skip=skip,
        )
        self._reader.handing_over.closing = self._close_before_handing_over
        self._retries = Retries(
            self._reader, self._observer, self._stopping, self._settings.give_up_ms
        )

    async def run(self) -> None:
        """Work until ``stop``. Any exception of ``write`` but backpressure ends it.

        TopicRewoundError if a topic went back behind the store's position, TopicRemadeError if
        there is another topic in its place: nothing of it is written.
        """
        with self._stopping.running():
            try:
                await self._reader.start()
                while not self._stopping.asked:
                    await self._turn()
                await self._flush()
            finally:
                await self._reader.stop()

    async def stop(self) -> None:
        """Write and commit what is gathered, then end ``run``; cut at the deadline. Idempotent."""
        await self._stopping.stop()

    async def _turn(self) -> None:
        self._reader.pause(self._pause_reason())
        self._place(self._reader.assigned())
        fetched = await self._reader.fetch()
        self._reader.handing_over.raise_what_closing_raised()
        if self._reader.generation != self._generation:
            await self._begin_generation()
        for partition, records in fetched.items():
            if partition in self._placed:
                self._gathered.add(partition, records)
                self._untold.pop(partition, None)  # the commit after the write tells it
        for partition, records in fetched.items():
            if partition not in self._placed:
                self._reader.seek(partition, records[0].offset)
        self._place(set(fetched) - self._placed)
        if self._due():
            await self._flush()
        if not fetched:
            async with self._reader.busy:
                await self._reader.progress.pass_aside()
        await self._verify_in_time()

    async def _begin_generation(self) -> None:
        """Whoever owns the partitions now reads again what could not be written in time.

        A closing that a rebalance did not wait for may still write: where the store is in a
        partition that came back is known after it.
        """
        async with self._reader.busy:
            self._reader.handing_over.raise_what_closing_raised()
            self._generation = self._reader.generation
            self._gathered.take()
            self._placed.clear()
            self._untold.clear()
            self._verified_ms = None

    async def _verify_in_time(self) -> None:
        now_ms = monotonic_ms()
        if (
            self._verified_ms is not None
            and now_ms - self._verified_ms < self._settings.verify_every_ms
        ):
            return
        # What is not known now is asked again; nothing is written meanwhile without an answer.
        with suppress(BrokerError, TimeoutError):
            await self._verify()
            await self._tell_positions()
        self._verified_ms = now_ms

    def _place(self, partitions: set[TopicPartition]) -> None:
        """Set newly assigned partitions to the store's own position."""
        for partition in partitions - self._placed:
            topic, number = partition
            position = self._position(topic, number)
            if position is not None:
                self._reader.seek(partition, position)
                self._reader.gaps.expect(partition, position)
                self._untold[partition] = position
                self._verified_ms = None
            self._placed.add(partition)

    async def _tell_positions(self) -> None:
        """Commit where the store is: a process may have died before it could."""
        async with self._reader.busy:
            ours = self._reader.generation == self._generation
            if self._untold and ours and await self._reader.progress.move(self._untold):
                self._untold = {}

    def _knows(self, partition: TopicPartition) -> bool:
        """Whether the store goes by a position of its own there, and drops what lies before it."""
        return self._position(*partition) is not None

    def _due(self) -> bool:
        suspects = self._reader.progress.suspects(self._gathered.records)
        return bool(self._gathered) and (suspects or self._gathered.is_due(self._settings))

    async def _flush(self) -> None:
        async with self._reader.busy:
            self._reader.handing_over.raise_what_closing_raised()
            if not self._may_write():
                return
            failure = await self._write()
        await self._retries.after(failure, "nothing was made durable")

    async def _close_before_handing_over(self) -> None:
        """Write what is gathered before a rebalance gives the partitions to others.

        What cannot be written now is read again by whoever has them then.
        """
        async with self._reader.busy:
            if self._may_write():
                await self._write()

    def _may_write(self) -> bool:
        """Whether anything is gathered that is to be written now; under a pause it is read again.

        It is not kept in memory until the pause ends: that could outlast the topic's promise.
        """
        if not self._gathered or self._reader.generation != self._generation:
            self._gathered.take()
            return False
        if self._pause_reason() is not None:
            self._reader.step_back(self._gathered.take())
            return False
        return True

    async def _write(self) -> Exception | None:
        """Write and commit what is gathered; return the failure if it has to be tried again.

        Nothing is written, or read again, of partitions that a rebalance took meanwhile.
        """
        gathered = self._gathered.take()
        started_ms, generation = monotonic_ms(), self._reader.generation
        try:
            # Fetched before and verified now: none of it is of a topic that was made since.
            await self._verify()
            # What is still to be told is told after this write: busy partitions put it off else.
            self._verified_ms = None if self._untold else started_ms
            await self._reader.progress.learn_due(gathered)
            self._reader.gaps.check_forward(
                {at: gathered[at] for at in gathered if self._knows(at)}
            )
            portion = await self._reader.progress.begin(gathered)
        except (TimeoutError, BrokerError) as failure:
            if self._reader.generation != generation:
                return None
            self._reader.step_back(gathered)
            return failure
        if not portion or self._reader.generation != generation:
            return None
        return await self._through(portion, started_ms)

    async def _through(self, portion: Fetched, started_ms: int) -> Exception | None:
        batch: list[Arrived] = []
        for partition, records in portion.items():
            batch += arrived_from(partition.topic, records)
        generation = self._reader.generation
        try:
            async with self._reader.notes.blaming():
                await self._keep(batch)
        except SinkBackpressureError as failure:
            if self._reader.generation != generation:
                return None
            self._reader.step_back(portion)
            return failure
        if self._reader.generation == generation:  # else the store says what is due next
            self._reader.gaps.count(portion)
        committed = await self._reader.progress.commit(portion)
        took_ms, lag = monotonic_ms() - started_ms, self._reader.lag(portion)
        self._observer.batch_done(BatchDone(len(batch), 0, took_ms, lag))
        return None if committed else TimeoutError("commit")
