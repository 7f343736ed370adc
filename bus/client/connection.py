"""The broker itself: every port over Kafka's own client."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bus.client.address import Address
from bus.client.admin import TopicAdmin
from bus.client.member import KafkaMember
from bus.client.positions import Positions
from bus.client.producer import AckedProducer
from bus.client.topic_ids import KafkaTopicIds
from bus.client.topic_reader import KafkaTopicReader
from bus.ports import (
    Admin,
    GroupMember,
    OffsetReader,
    Producer,
    ReaderSettings,
    TopicIds,
    TopicReader,
)


@dataclass(frozen=True, slots=True)
class Connection(Address):
    """The way to one cluster; obeys ``ports.Broker``. Connects to nothing by itself."""

    def admin(self) -> Admin:
        """Topics as the cluster has them."""
        return TopicAdmin(self)

    def positions(self) -> OffsetReader:
        """How far topics are written and read."""
        return Positions(self)

    def topic_ids(self) -> TopicIds:
        """Which topics the names stand for now."""
        return KafkaTopicIds(self)

    def producer(
        self,
        *,
        clock: Callable[[], int],
        client_id: str = "roadfade",
        compression: str | None = "zstd",
        deadline_ms: int = 30_000,
    ) -> Producer:
        """An idempotent producer."""
        return AckedProducer(
            self,
            clock=clock,
            client_id=client_id,
            compression=compression,
            deadline_ms=deadline_ms,
        )

    def group_member(
        self,
        group: str,
        topics: Sequence[str],
        *,
        member: str | None,
        settings: ReaderSettings,
        revoked: Callable[[], Awaitable[None]],
    ) -> GroupMember:
        """A member of a consumer group."""
        return KafkaMember(self, group, topics, member=member, settings=settings, revoked=revoked)

    def reader(
        self,
        topic: str,
        partitions: int,
        *,
        since: Mapping[int, int] | None = None,
        committed: bool = False,
    ) -> TopicReader:
        """A reader of a whole topic."""
        return KafkaTopicReader(self, topic, partitions, since, committed=committed)
