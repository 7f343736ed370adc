"""A member of a consumer group: reads, commits, steps back, pauses, and leaves in time.

In: topics of one group. Out: the client's records by partition. Offsets are committed only by
an explicit call; while ``busy`` is held, a rebalance waits (up to a deadline) so that the batch
in hand can be finished and committed by the member that read it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from bus import metadata_pause
from bus.connection import Connection
from bus.ending import end_consumer
from bus.observer import LoopObserver
from bus.offset_watch import OffsetWatch

Fetched = Mapping[TopicPartition, Sequence[Any]]
REQUEST_TIMEOUT_MS: Final = 15_000


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """How much is read at once, and how long anything may take. Times in milliseconds."""

    records_max: int = 1_000
    """Most records of one fetch, over all partitions; at least 1000 keeps throughput."""
    poll_ms: int = 200
    """How long a fetch waits for the first record; also how soon a stop is noticed."""
    session_timeout_ms: int = 10_000
    heartbeat_interval_ms: int = 3_000
    rebalance_timeout_ms: int = 30_000
    """How long the group waits for a member that finishes its batch; more than the next."""
    revoke_deadline_ms: int = 20_000
    commit_deadline_ms: int = 10_000
    stop_deadline_ms: int = 10_000
    partition_bytes_max: int = 1024 * 1024
    fetch_bytes_max: int = 4 * 1024 * 1024
    check_crcs: bool = True
    """Compare the checksum of every batch that arrives; off saves a little of the CPU."""


class GroupReader:
    """One consumer in a group. ``member`` is a static member id, unique by a locked slot.

    Static members keep their partitions over a restart within the session timeout.
    """

    def __init__(
        self,
        connection: Connection,
        group: str,
        topics: Sequence[str],
        *,
        member: str | None,
        settings: ReaderSettings,
        observer: LoopObserver,
    ) -> None:
        self.busy = asyncio.Lock()
        self.generation = 0
        """Grows with every rebalance: what was fetched before it is not ours any more."""
        self.taken = 0
        """Grows where a rebalance did not wait for the batch in hand any longer."""
        self._connection = connection
        self._group = connection.group(group)
        self._topics = [connection.topic(name) for name in topics]
        self._member = member
        self._settings = settings
        self._observer = observer
        self._watch = OffsetWatch()
        self._consumer: Any = None
        self._paused = False

    async def start(self) -> None:
        """Connect and subscribe; KafkaError where the broker or a topic is not there."""
        metadata_pause.install()
        settings = self._settings
        self._consumer = AIOKafkaConsumer(
            **self._connection.client_options(),
            group_id=self._group,
            group_instance_id=self._member,
            client_id=self._member or self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # Nothing of ours writes transactions; a foreign one must not hold back deletion.
            isolation_level="read_uncommitted",
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            max_partition_fetch_bytes=settings.partition_bytes_max,
            fetch_max_bytes=settings.fetch_bytes_max,
            check_crcs=settings.check_crcs,
        )
        self._consumer.subscribe(self._topics, listener=_Listener(self))
        await self._consumer.start()

    async def stop(self) -> None:
        """Leave and close within the deadline. Idempotent."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await end_consumer(consumer, self._settings.stop_deadline_ms)

    async def fetch(self) -> Fetched:
        """The next records, empty after ``poll_ms``; keeps the membership also while paused."""
        fetched: Fetched = await self._consumer.getmany(
            timeout_ms=self._settings.poll_ms, max_records=self._settings.records_max
        )
        return fetched

    def assigned(self) -> set[TopicPartition]:
        """The partitions that are ours now."""
        return set(self._consumer.assignment())

    def pause(self, reason: str | None) -> None:
        """Hold every assigned partition for a reason, or let them go on for None."""
        if reason is not None:
            self._consumer.pause(*(self.assigned() - self._consumer.paused()))
            if not self._paused:
                self._observer.paused(reason)
        elif self._paused:
            self._consumer.resume(*self._consumer.paused())
            self._observer.resumed()
        self._paused = reason is not None

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from ``offset``; nothing where the partition is not ours any more."""
        if partition in self._consumer.assignment():
            self._consumer.seek(partition, offset)

    def expect(self, partition: TopicPartition, offset: int) -> None:
        """Say which offset is due, where it is not the committed one."""
        topic, number = partition
        self._watch.expect(topic, number, offset)

    def step_back(self, fetched: Fetched) -> None:
        """Read these records again with the next fetch."""
        for partition, records in fetched.items():
            self.seek(partition, records[0].offset)

    async def learn_due(self, fetched: Fetched) -> None:
        """Ask where the group stood in partitions that are new to us; a failure may be retried."""
        for partition in fetched:
            topic, number = partition
            if not self._watch.knows(topic, number):
                async with asyncio.timeout(self._settings.commit_deadline_ms / 1000):
                    committed = await self._consumer.committed(partition)
                self._watch.expect(topic, number, committed)

    def count_gaps(self, fetched: Fetched) -> None:
        """Tell the observer of offsets that were skipped or came again; once a batch is through."""
        for partition, records in fetched.items():
            topic, number = partition
            first, last = records[0].offset, records[-1].offset
            ahead = self._watch.seen(topic, number, first, last)
            skipped = max(ahead, 0) + last - first + 1 - len(records)
            if skipped:
                self._observer.expired_unread(self._connection.plain(topic), number, skipped)
            if ahead < 0:
                self._observer.rewound(self._connection.plain(topic), number, -ahead)

    async def commit(self, fetched: Fetched) -> bool:
        """Commit past these records; False where the broker did not answer in time.

        A group that has moved on is no failure: its new owner starts at the last commit, and
        what we made durable comes a second time, which the sinks know how to drop.
        """
        offsets = {partition: records[-1].offset + 1 for partition, records in fetched.items()}
        try:
            async with asyncio.timeout(self._settings.commit_deadline_ms / 1000):
                await self._consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            self._observer.commit_missed(type(error).__name__)
        except TimeoutError as error:
            self._observer.commit_missed(type(error).__name__)
            return False
        return True

    def lag(self, fetched: Fetched) -> int:
        """Records that lie unread behind these, as far as the last fetch told."""
        mine = self._consumer.assignment()
        ends = {tp: self._consumer.highwater(tp) for tp in fetched if tp in mine}
        return sum(
            max(0, end - fetched[tp][-1].offset - 1) for tp, end in ends.items() if end is not None
        )

    async def revoked(self) -> None:
        """Let the batch in hand finish; called by the client before it gives partitions up."""
        self.generation += 1
        try:
            async with asyncio.timeout(self._settings.revoke_deadline_ms / 1000), self.busy:
                pass
        except TimeoutError:
            self.taken += 1
            self._observer.commit_missed("RevokeDeadline")
        # Another member may read on from here.
        self._watch.forget()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka publishes no types
    def __init__(self, reader: GroupReader) -> None:
        self._reader = reader

    async def on_partitions_revoked(self, revoked: object) -> None:
        if revoked:
            await self._reader.revoked()

    async def on_partitions_assigned(self, assigned: object) -> None:
        """Nothing to do: a batch asks for what it needs to know."""
