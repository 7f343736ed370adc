"""A broker in this process that obeys every port, and fails on request.

For unit tests and trials: nothing is durable, nothing is encoded, and no thread or socket is
used. Time is the ``clock``'s. Its failures are in ``faults``: a marker for the next send or
commit, an event between two records, or a call here.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from bus.memory.administration import MemoryAdmin, MemoryOffsets, MemoryTopicIds
from bus.memory.clients import MemoryProducer, MemoryReader
from bus.memory.cluster import Cluster, Stored
from bus.memory.faults import Event, Fault, Faults
from bus.memory.groups import Group, MemoryMember
from bus.partitions import partition_for
from bus.ports import BrokerSettings, Offsets, ReaderSettings
from bus.records import Outgoing

SETTINGS: Final = BrokerSettings(1_000, 1_000, 1_000, creates_topics_unasked=False)


class FakeBroker:
    """Obeys ``ports.Broker``; lives on one event loop but for its records."""

    def __init__(
        self, clock: Callable[[], int] = lambda: 0, settings: BrokerSettings = SETTINGS
    ) -> None:
        self._cluster = Cluster(clock, settings)
        self._cluster.deleted = self._forget
        self._faults = Faults()
        self._committed: dict[str, Offsets] = {}
        self._groups: dict[str, Group] = {}

    def answers(self) -> bool:
        """Whether the broker is not away."""
        return not self._cluster.away

    def admin(self) -> MemoryAdmin:
        """Topics as the cluster has them."""
        return MemoryAdmin(self._cluster, self._groups.keys())

    def positions(self) -> MemoryOffsets:
        """How far topics are written and read."""
        return MemoryOffsets(self._cluster, self._committed, self._read_by)

    def topic_ids(self) -> MemoryTopicIds:
        """Which topics the names stand for now."""
        return MemoryTopicIds(self._cluster)

    def producer(
        self,
        *,
        clock: Callable[[], int],
        client_id: str = "roadfade",
        compression: str | None = "zstd",
        deadline_ms: int = 30_000,
    ) -> MemoryProducer:
        """A producer; it fails at once, not at its deadline."""
        del client_id, compression, deadline_ms
        return MemoryProducer(self._cluster, self._faults, clock)

    def group_member(
        self,
        group: str,
        topics: Sequence[str],
        *,
        member: str | None,
        settings: ReaderSettings,
        revoked: Callable[[], Awaitable[None]],
    ) -> MemoryMember:
        """A member of a consumer group."""
        return MemoryMember(
            self._cluster, self._group(group), self._faults, topics,
            member=member, settings=settings, revoked=revoked,
        )  # fmt: skip

    def reader(
        self,
        topic: str,
        partitions: int,
        *,
        since: Mapping[int, int] | None = None,
        committed: bool = False,
    ) -> MemoryReader:
        """A reader of a whole topic; nobody writes transactions here."""
        del committed
        return MemoryReader(self._cluster, topic, partitions, since)

    def feed(self, topic: str, partition: int, *items: Outgoing | bytes | Event) -> None:
        """Write records as others would, in the broker's time; events take effect between them."""
        log = self._cluster.log(topic, partition)
        if log is None:
            raise LookupError(topic)
        for item in items:
            if isinstance(item, Event):
                log.events.setdefault(log.end, []).append(item)
            else:
                record = item if isinstance(item, Outgoing) else Outgoing(topic, None, b"", item)
                placed = record._replace(topic=topic, partition=partition)
                self._cluster.append(placed, self._cluster.clock())
        self._cluster.changed()

    def put(self, topic: str, key: bytes, value: bytes | None) -> None:
        """Write a record as others would, into the partition that its key belongs to."""
        partition = partition_for(key, len(self._cluster.topics[topic].logs))
        self.feed(topic, partition, Outgoing(topic, partition, key, value))

    def drop_bomb(self, topic: str, partition: int) -> None:
        """Write a batch of one record that every reader passes over."""
        log = self._cluster.log(topic, partition)
        if log is None:
            raise LookupError(topic)
        log.bombs.add(log.end)
        self.feed(topic, partition, Outgoing(topic, None, b"k", b""))

    def records(self, topic: str) -> list[Stored]:
        """The records of a topic, partition by partition."""
        return [record for log in self._cluster.topics[topic].logs for record in log.records]

    def committed(self, group: str) -> Mapping[tuple[str, int], int]:
        """The offsets a group has committed."""
        return dict(self._committed.get(group, {}))

    def fail_next(self, *faults: Fault) -> None:
        """Make the next sends and commits fail, each once, in this order."""
        for fault in faults:
            self._faults.add(fault)

    def go_away(self) -> None:
        """Answer nothing until ``come_back``; what was written stays."""
        self._cluster.away = True

    def come_back(self) -> None:
        """Answer again."""
        self._cluster.away = False
        self._cluster.changed()

    async def rebalance(self, group: str) -> None:
        """Share a group out anew, as when a member joins or leaves."""
        await self._group(group).share()

    def forget_member(self, group: str, member: str) -> None:
        """End the session of a static member that does not come back."""
        self._group(group).forget(member)

    def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Delete the oldest records, as a retention pass does."""
        log = self._cluster.log(topic, partition)
        if log is None:
            raise LookupError(topic)
        log.delete_before(offset)

    def remake(self, topic: str) -> None:
        """Delete a topic and make it anew: its offsets begin again."""
        self._cluster.create(self._cluster.topics[topic].spec)

    def _forget(self, topic: str) -> None:
        """Kafka deletes a group's offsets with the topic that they are of."""
        for committed in self._committed.values():
            for at in [at for at in committed if at[0] == topic]:
                del committed[at]

    def _read_by(self, group: str) -> frozenset[str]:
        return self._group(group).topics

    def _group(self, name: str) -> Group:
        if name not in self._groups:
            committed = self._committed.setdefault(name, {})
            self._groups[name] = Group(self._cluster, committed)
        return self._groups[name]
