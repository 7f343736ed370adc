"""Topics and offsets of the broker in memory, as administrators see them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Self

from bus.memory.cluster import (
    Cluster,
    OffsetOutOfRangeError,
    PartitionLog,
    PolicyViolationError,
    UnknownTopicOrPartitionError,
    check_spec,
)
from bus.ports import BrokerSettings, Lag, LogFolders, Offsets, Reader
from bus.topics import ActualTopic, TopicSpec, appliable


class _Asking:
    """A client of the cluster; opening it finds out whether the cluster answers."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def __aenter__(self) -> Self:
        self._cluster.ask()
        return self

    async def __aexit__(self, *_: object) -> None:
        return


class MemoryAdmin(_Asking):
    """Obeys ``ports.Admin``; ``groups`` are those that there ever were."""

    def __init__(self, cluster: Cluster, groups: Iterable[str] = ()) -> None:
        super().__init__(cluster)
        self._groups = groups

    async def names(self) -> list[str]:
        """Every topic."""
        self._cluster.ask()
        return sorted(self._cluster.topics)

    async def groups(self) -> list[str]:
        """Every consumer group."""
        self._cluster.ask()
        return sorted(self._groups)

    async def describe(self, names: Sequence[str]) -> dict[str, ActualTopic | None]:
        """Each named topic as it is, None if it does not exist."""
        self._cluster.ask()
        found = {name: self._cluster.topics.get(name) for name in names}
        return {name: None if one is None else one.described() for name, one in found.items()}

    async def create(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Create what is missing; the names created."""
        actual = await self.describe([spec.name for spec in specs])
        missing = [spec for spec in specs if actual[spec.name] is None]
        for spec in missing:
            self._cluster.create(spec)
        return [spec.name for spec in missing]

    async def apply(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Bring drifted settings of existing topics to the specification; the names changed."""
        changed = appliable(specs, await self.describe([spec.name for spec in specs]))
        for spec in changed:
            check_spec(spec)
            topic = self._cluster.topics[spec.name]
            topic.spec = replace(topic.spec, config=dict(spec.config))
        return [spec.name for spec in changed]

    async def empty(self, names: Sequence[str]) -> list[str]:
        """Make all that is now in these topics unreadable; those that exist."""
        self._cluster.ask()
        there = [name for name in names if name in self._cluster.topics]
        for name in there:
            for log in self._cluster.topics[name].logs:
                log.delete_before(log.end)
        return there

    async def delete_before(self, before: Offsets) -> Offsets:
        """Make what lies before these offsets unreadable; where each partition begins now."""
        logs = {at: self._log_to_cut(*at) for at in before}
        for at, log in logs.items():
            if not 0 <= before[at] <= log.end:
                raise OffsetOutOfRangeError(str(before[at]))
        for at, log in logs.items():
            log.delete_before(before[at])
        return {at: log.begin for at, log in logs.items()}

    def _log_to_cut(self, topic: str, partition: int) -> PartitionLog:
        self._cluster.ask()
        log = self._cluster.log(topic, partition)
        if log is None:
            raise UnknownTopicOrPartitionError(topic)
        if self._cluster.topics[topic].setting("cleanup.policy") == "compact":
            raise PolicyViolationError(topic)
        return log

    async def log_folders(self) -> LogFolders:
        """None: what it holds is in no file."""
        self._cluster.ask()
        return LogFolders("memory", ())

    async def delete(self, names: Iterable[str]) -> None:
        """Delete topics with all they hold; a missing one is no failure."""
        self._cluster.ask()
        for name in names:
            self._cluster.delete(name)

    async def broker_settings(self) -> BrokerSettings:
        """The settings it was made with."""
        self._cluster.ask()
        return self._cluster.settings


class MemoryTopicIds(_Asking):
    """Obeys ``ports.TopicIds``."""

    async def of(self, names: Sequence[str]) -> Mapping[str, str]:
        """The id of each of these topics that is there."""
        self._cluster.ask()
        there = {name: self._cluster.topics.get(name) for name in names}
        return {name: topic.id for name, topic in there.items() if topic is not None}


class MemoryOffsets(_Asking):
    """Obeys ``ports.OffsetReader``; ``committed`` holds what every group has committed.

    ``reading`` says which topics a group's members read now.
    """

    def __init__(
        self,
        cluster: Cluster,
        committed: Mapping[str, Offsets],
        reading: Callable[[str], Collection[str]] = lambda _: (),
    ) -> None:
        super().__init__(cluster)
        self._committed = committed
        self._reading = reading

    async def begin(self, partitions: Mapping[str, int]) -> Offsets:
        """The first offset still there."""
        return {at: log.begin for at, log in self._logs(partitions)}

    async def end(self, partitions: Mapping[str, int]) -> Offsets:
        """The offset the next record will get."""
        return {at: log.end for at, log in self._logs(partitions)}

    async def oldest_ms(self, partitions: Mapping[str, int]) -> dict[str, int]:
        """The time of the oldest record still there, by topic; empty topics are absent."""
        oldest: dict[str, int] = {}
        for (topic, _), log in self._logs(partitions):
            if log.records:
                at_ms = log.records[0].timestamp
                oldest[topic] = min(at_ms, oldest.get(topic, at_ms))
        return oldest

    async def committed(self, group: str) -> Offsets:
        """The offsets the group has committed."""
        self._cluster.ask()
        return dict(self._committed.get(group, {}))

    async def lag(self, group: str, partitions: Mapping[str, int]) -> dict[tuple[str, int], Lag]:
        """The group's position in every partition of the topics."""
        committed = await self.committed(group)
        logs = self._logs(partitions)
        return {at: Lag(committed.get(at), log.begin, log.end) for at, log in logs}

    async def readers(self, topics: Sequence[str]) -> list[Reader]:
        """Every group that has committed in these topics, or reads them now; all are ours."""
        self._cluster.ask()
        found = []
        for group, committed in sorted(self._committed.items()):
            here = {at: offset for at, offset in committed.items() if at[0] in topics}
            if here or set(self._reading(group)) & set(topics):
                found.append(Reader(group, ours=True, committed=here))
        return found

    def _logs(self, partitions: Mapping[str, int]) -> list[tuple[tuple[str, int], PartitionLog]]:
        self._cluster.ask()
        found = []
        for topic, count in partitions.items():
            for number in range(count):
                log = self._cluster.log(topic, number)
                if log is None:
                    raise UnknownTopicOrPartitionError(topic)
                found.append(((topic, number), log))
        return found
