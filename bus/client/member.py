"""A member of a consumer group over Kafka's own client."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import CommitFailedError, IllegalStateError

from bus.client import bounded_fetch, metadata_pause
from bus.client.address import Address
from bus.client.closing import end_consumer
from bus.client.translation import translated
from bus.failures import CommitRefusedError
from bus.ports import Committed, Fetched, ReaderSettings, SetAside, Since, TopicPartition

REQUEST_TIMEOUT_MS: Final = 15_000


class KafkaMember:
    """Obeys ``ports.GroupMember``; the prefix goes on and comes off here."""

    def __init__(
        self,
        address: Address,
        group: str,
        topics: Sequence[str],
        *,
        member: str | None,
        settings: ReaderSettings,
        revoked: Callable[[], Awaitable[None]],
    ) -> None:
        self._address = address
        self._group = address.group(group)
        self._topics = [address.topic(name) for name in topics]
        self._member = member
        self._settings = settings
        self._listener = _Listener(revoked)
        self._consumer: Any = None
        self._set_aside: list[SetAside] = []

    @translated
    async def start(self) -> None:
        """Connect and subscribe; BrokerError if the broker or a topic is not there."""
        metadata_pause.install()
        bounded_fetch.install()
        settings = self._settings
        self._consumer = AIOKafkaConsumer(
            **self._address.client_options(),
            group_id=self._group,
            group_instance_id=self._member,
            client_id=self._member or self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # Nothing of ours writes transactions; a foreign one must not hold back deletion.
            isolation_level="read_uncommitted",
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.heartbeat_interval_ms,
            metadata_max_age_ms=settings.metadata_age_ms_max,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            max_partition_fetch_bytes=settings.partition_bytes_max,
            fetch_min_bytes=settings.fetch_bytes_min,
            fetch_max_wait_ms=settings.fetch_wait_ms,
            fetch_max_bytes=settings.fetch_bytes_max,
            check_crcs=settings.check_crcs,
        )
        self._consumer.subscribe(self._topics, listener=self._listener)
        await self._consumer.start()

    async def stop(self, deadline_ms: int) -> None:
        """Leave and close within the deadline. Idempotent."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await end_consumer(consumer, deadline_ms)

    @translated
    async def fetch(self) -> Fetched:
        """The next records; the client's own objects, wrapped in nothing."""
        with bounded_fetch.unpacking(self._address.unpacked_bytes_max) as unpacked:
            fetched = await self._consumer.getmany(
                timeout_ms=self._settings.poll_ms, max_records=self._settings.records_max
            )
        self._set_aside += [
            SetAside(self._plain(one), one.first, one.last) for one in unpacked.set_aside
        ]
        return {self._plain(partition): records for partition, records in fetched.items()}

    def set_aside(self) -> list[SetAside]:
        """What fetches passed over since this was asked last."""
        passed, self._set_aside = self._set_aside, []
        return passed

    def assigned(self) -> set[TopicPartition]:
        """The partitions that are this member's now."""
        return set(map(self._plain, self._consumer.assignment()))

    def paused(self) -> set[TopicPartition]:
        """Those of which nothing is fetched."""
        return set(map(self._plain, self._consumer.paused()))

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Fetch nothing more of these."""
        self._consumer.pause(*map(self._full, partitions))

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Fetch of these again."""
        self._consumer.resume(*map(self._full, partitions))

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from ``offset``."""
        self._consumer.seek(self._full(partition), offset)

    def generation(self) -> int:
        """The generation of the group that the client last joined; -1 while outside."""
        generation: int = self._consumer._coordinator.generation  # noqa: SLF001  # the client has no public one
        return generation

    @translated
    async def committed(self, partition: TopicPartition) -> Committed | None:
        """The group's offset there."""
        full = self._full(partition)
        # The client's own ``committed`` drops the metadata.
        found = await self._consumer._coordinator.fetch_committed_offsets([full])  # noqa: SLF001
        if full not in found or found[full].offset < 0:
            return None
        return Committed(found[full].offset, found[full].metadata or "")

    @translated
    async def since(self, partition: TopicPartition, time_ms: int) -> Since:
        """Where the partition begins, and its first record of this time or later."""
        full = self._full(partition)
        # The beginning is asked last: what is deleted meanwhile shows as lost, never the reverse.
        found = (await self._consumer.offsets_for_times({full: max(0, time_ms)}))[full]
        begin: int = (await self._consumer.beginning_offsets([full]))[full]
        return Since(begin, None if found is None else found.offset)

    @translated
    async def commit(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """Commit; CommitRefusedError if the group has moved on."""
        try:
            await self._consumer.commit({self._full(at): tuple(to) for at, to in offsets.items()})
        except (CommitFailedError, IllegalStateError) as error:
            raise CommitRefusedError(str(error)) from error

    def highwater(self, partition: TopicPartition) -> int | None:
        """The end of the partition as of the last fetch; None if it is not ours."""
        full = self._full(partition)
        if full not in self._consumer.assignment():
            return None
        end: int | None = self._consumer.highwater(full)
        return end

    def _plain(self, partition: Any) -> TopicPartition:
        return TopicPartition(self._address.plain(partition.topic), partition.partition)

    def _full(self, partition: TopicPartition) -> Any:
        return KafkaPartition(self._address.topic(partition.topic), partition.partition)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka publishes no types
    def __init__(self, revoked: Callable[[], Awaitable[None]]) -> None:
        self._revoked = revoked

    async def on_partitions_revoked(self, revoked: object) -> None:
        if revoked:
            await self._revoked()

    async def on_partitions_assigned(self, assigned: object) -> None:
        """Nothing to do: a batch asks for what it needs to know."""
