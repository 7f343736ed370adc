"""Consumer groups of the broker in memory: who has which partitions, and what is committed.

As Kafka's own (eager, by range): before a group is shared out again every member gives up what
it has, and may finish its batch first; a static member that leaves keeps its share until it
comes back or is forgotten.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import count

from bus.failures import CommitRefusedError
from bus.memory.cluster import Cluster, PartitionLog, parted
from bus.memory.faults import Event, Fault, Faults
from bus.ports import (
    Committed,
    ConsumedRecord,
    Fetched,
    Offsets,
    ReaderSettings,
    SetAside,
    Since,
    TopicPartition,
)

_dynamic = count(1)


class Group:
    """One group; lives on one event loop."""

    def __init__(self, cluster: Cluster, committed: Offsets) -> None:
        self.committed = committed
        self.metadata: dict[TopicPartition, str] = {}
        """What was committed beside the offsets."""
        self.stale = False
        """Whether a member left: the next fetch of any member shares out again."""
        self.generation = 0
        self._cluster = cluster
        self._members: dict[str, MemoryMember] = {}
        self._sharing = asyncio.Lock()

    @property
    def topics(self) -> frozenset[str]:
        """What its members read."""
        return frozenset(topic for one in self._members.values() for topic in one.topics)

    async def join(self, member: "MemoryMember") -> None:
        """Add a member; a static one that comes back gets what it had."""
        before = self._members.get(member.name)
        self._members[member.name] = member
        if before is not None and before.topics == member.topics:
            self._give(member, before.assigned())
        else:
            await self.share()

    def leave(self, member: "MemoryMember") -> None:
        """Remove a member; a static one keeps its place."""
        if not member.static and self._members.get(member.name) is member:
            self.forget(member.name)

    def forget(self, name: str) -> None:
        """End a membership, as when its session has timed out."""
        if self._members.pop(name, None) is not None:
            self.stale = True
            self._cluster.changed()

    async def share(self) -> None:
        """Share all partitions out anew, once every member has given up its own."""
        async with self._sharing:
            self.stale = False
            self.generation += 1
            await asyncio.gather(*[one.give_up() for one in self._members.values()])
            shares: dict[str, set[TopicPartition]] = {name: set() for name in self._members}
            for topic in {topic for one in self._members.values() for topic in one.topics}:
                takers = [name for name, one in self._members.items() if topic in one.topics]
                found = self._cluster.topics.get(topic)
                partitions = 0 if found is None else len(found.logs)
                for number in range(partitions):
                    taker = takers[number * len(takers) // partitions]
                    shares[taker].add(TopicPartition(topic, number))
            for name, share in shares.items():
                self._give(self._members[name], share)

    def has(self, member: "MemoryMember") -> bool:
        """Whether a member's session lasts."""
        return self._members.get(member.name) is member

    async def shared(self) -> None:
        """Wait while the group is being shared out: no member gets records meanwhile."""
        async with self._sharing:
            return

    def _give(self, member: "MemoryMember", share: Iterable[TopicPartition]) -> None:
        member.take({at: self.committed.get(at, 0) for at in sorted(share)}, self.generation)


class MemoryMember:
    """Obeys ``ports.GroupMember``."""

    def __init__(
        self,
        cluster: Cluster,
        group: Group,
        faults: Faults,
        topics: Sequence[str],
        *,
        member: str | None,
        settings: ReaderSettings,
        revoked: Callable[[], Awaitable[None]],
    ) -> None:
        self.name = member or f"dynamic-{next(_dynamic)}"
        self.static = member is not None
        self.topics = frozenset(topics)
        self._cluster = cluster
        self._group = group
        self._faults = faults
        self._settings = settings
        self._revoked = revoked
        self._open = False
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._generation = -1
        self._set_aside: list[SetAside] = []

    async def start(self) -> None:
        """Join; BrokerError while the broker is away."""
        self._cluster.ask()
        self._open = True
        await self._group.join(self)

    async def stop(self, deadline_ms: int) -> None:
        """Leave. Idempotent."""
        del deadline_ms
        if self._open:
            self._open = False
            self._group.leave(self)

    async def fetch(self) -> Fetched:
        """The next records; an event that is due happens instead."""
        await asyncio.sleep(0)  # as every fetch of a real client
        if self._open and not self._group.has(self):
            await self.give_up()
            await self._group.join(self)
        if self._group.stale:
            await self._group.share()
        await self._group.shared()
        if await self._happened():
            return {}
        fetched = self._next()
        if not fetched:
            await self._cluster.wait(self._settings.poll_ms)
            await self._group.shared()
            fetched = self._next()
        return fetched

    def set_aside(self) -> list[SetAside]:
        """The bombs of fetches since this was asked last."""
        passed, self._set_aside = self._set_aside, []
        return passed

    def assigned(self) -> set[TopicPartition]:
        """The partitions that are this member's now."""
        return set(self._positions)

    def paused(self) -> set[TopicPartition]:
        """Those of which nothing is fetched."""
        return set(self._paused)

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Fetch nothing more of these."""
        self._paused.update(partitions)

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Fetch of these again."""
        self._paused.difference_update(partitions)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from ``offset``."""
        self._positions[partition] = offset

    def generation(self) -> int:
        """The group's count when it gave this member its share."""
        return self._generation

    async def committed(self, partition: TopicPartition) -> Committed | None:
        """The group's offset there; TimeoutError while the broker is away."""
        if self._cluster.away:
            raise TimeoutError
        offset = self._group.committed.get(partition)
        metadata = self._group.metadata.get(partition, "")
        return None if offset is None else Committed(offset, metadata)

    async def since(self, partition: TopicPartition, time_ms: int) -> Since:
        """Where the partition begins, and its first record of this time or later."""
        log = None if self._cluster.away else self._cluster.log(*partition)
        if log is None:
            raise TimeoutError
        late = (record.offset for record in log.records if record.timestamp >= time_ms)
        return Since(log.begin, next(late, None))

    async def commit(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """Commit; CommitRefusedError, or TimeoutError if no answer comes."""
        if self._cluster.away:
            raise TimeoutError
        fault = self._faults.of_commit()
        ours = self._group.has(self) and offsets.keys() <= self._positions.keys()
        if fault is Fault.COMMIT_REFUSED or not ours:
            msg = "the group has moved on"
            raise CommitRefusedError(msg)
        for at, to in offsets.items():
            self._group.committed[at.topic, at.partition] = to.offset
            self._group.metadata[at] = to.metadata
        if fault is Fault.COMMIT_LOST:
            raise TimeoutError

    def highwater(self, partition: TopicPartition) -> int | None:
        """The end of the partition; None if it is not ours."""
        log = self._cluster.log(*partition) if partition in self._positions else None
        return None if log is None else log.end

    async def give_up(self) -> None:
        """Finish what is in hand; what is committed until then counts."""
        if self._open and self._positions:
            await self._revoked()

    def take(self, positions: dict[TopicPartition, int], generation: int) -> None:
        """Have these from now on, and nothing else."""
        self._generation = generation
        self._positions, self._paused = positions, set()

    def _logs(self) -> list[tuple[TopicPartition, PartitionLog]]:
        """The logs to read from; a position that no log has any more is reset."""
        if self._cluster.away or not self._open:
            return []
        found = []
        for at in self._positions.keys() - self._paused:
            log = self._cluster.log(*at)
            if log is not None:
                if not log.begin <= self._positions[at] <= log.end:
                    self._positions[at] = log.begin
                found.append((at, log))
        return sorted(found, key=lambda one: one[0])

    def _next(self) -> Fetched:
        fetched: dict[TopicPartition, Sequence[ConsumedRecord]] = {}
        left = self._settings.records_max
        for at, log in self._logs():
            position = self._positions[at]
            until = min((offset for offset in log.events if offset > position), default=log.end)
            records = log.after(position, min(left, until - position))
            if records:
                left -= len(records)
                self._positions[at] = records[-1].offset + 1
                fetched[at], aside = parted(at.topic, log, records)
                self._set_aside += aside
        return {at: records for at, records in fetched.items() if records}

    async def _happened(self) -> bool:
        """Whether an event was due at this member's position; if so, it has happened."""
        for (topic, _), log, position in [
            (at, log, self._positions[at]) for at, log in self._logs()
        ]:
            for event in log.events.pop(position, []):
                match event:
                    case Event.REBALANCE:
                        await self._group.share()
                    case Event.AWAY:
                        self._cluster.away = True
                    case Event.REMADE:
                        self._cluster.create(self._cluster.topics[topic].spec)
                return True
        return False
