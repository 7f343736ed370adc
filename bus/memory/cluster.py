"""What the broker in memory holds: topics, their settings, their records.

The rules are Kafka's as far as ``bus`` relies on them: offsets only grow, also over a deletion
of records; a topic made anew begins at 0; a setting that is not set has the broker's default.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final, NamedTuple

from bus.failures import BrokerError, TopicError
from bus.memory.faults import Event
from bus.ports import BrokerSettings, SetAside, TopicPartition
from bus.records import Outgoing
from bus.topics import ActualTopic, TopicSpec

APPEND_TIME: Final = "LogAppendTime"
RECORD_OVERHEAD: Final = 100
"""About what Kafka adds to a record that is alone in its batch, bytes."""
DEFAULTS: Final[Mapping[str, str]] = {
    "cleanup.policy": "delete",
    "compression.type": "producer",
    "delete.retention.ms": "86400000",
    "file.delete.delay.ms": "60000",
    "max.compaction.lag.ms": "9223372036854775807",
    "max.message.bytes": "1048588",
    "message.timestamp.type": "CreateTime",
    "min.cleanable.dirty.ratio": "0.5",
    "min.compaction.lag.ms": "0",
    "min.insync.replicas": "1",
    "retention.bytes": "-1",
    "retention.ms": "604800000",
    "segment.bytes": "1073741824",
    "segment.jitter.ms": "0",
    "segment.ms": "604800000",
}
"""The topic settings it knows; every other is refused."""


class UnknownTopicOrPartitionError(BrokerError):
    """There is no such topic, or it has no such partition."""


class MessageSizeTooLargeError(BrokerError):
    """The record is larger than its topic takes."""


class OffsetOutOfRangeError(BrokerError):
    """The partition does not reach so far."""


class PolicyViolationError(BrokerError):
    """The topic is only compacted: its records are deleted by no offset."""


class InvalidRecord(BrokerError):  # noqa: N818  # Kafka's own name, as those above
    """A compacted topic takes no record without a key."""


class Stored(NamedTuple):
    """One record as it lies in its partition."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp_type: int


@dataclass(slots=True)
class PartitionLog:
    """The records of one partition; ``events`` happen to whoever reads up to their offset."""

    records: list[Stored] = field(default_factory=list)
    begin: int = 0
    end: int = 0
    events: dict[int, list[Event]] = field(default_factory=dict)
    bombs: set[int] = field(default_factory=set)
    """Offsets of records, each a batch of its own, that no reader unpacks."""

    def after(self, offset: int, records_max: int) -> list[Stored]:
        """The records from ``offset`` on."""
        at = max(0, offset - self.begin)
        return self.records[at : at + records_max]

    def delete_before(self, offset: int) -> None:
        """Delete as a retention pass or an administrator does; offsets go on."""
        kept = max(self.begin, min(offset, self.end))
        del self.records[: kept - self.begin]
        self.begin = kept


@dataclass(slots=True)
class Topic:
    """One topic with its partitions."""

    spec: TopicSpec
    logs: list[PartitionLog]
    id: str
    """No other topic ever has it."""

    def setting(self, name: str) -> str:
        """The effective value."""
        return self.spec.config.get(name, DEFAULTS[name])

    def described(self) -> ActualTopic:
        """The topic as an administrator sees it."""
        config, partitions = self.spec.config, len(self.logs)
        replication, overrides = self.spec.replication, frozenset(config)
        return ActualTopic(
            self.spec.name, partitions, replication, {**DEFAULTS, **config}, overrides
        )


def check_spec(spec: TopicSpec) -> None:
    """TopicError, with Kafka's name for it, if a broker would refuse the topic."""
    if spec.partitions < 1:
        raise TopicError(spec.name, "InvalidPartitionsError")
    for name, value in spec.config.items():
        default = DEFAULTS.get(name)
        numeric = default is not None and default.lstrip("-").isdigit()
        if default is None or (numeric and not value.lstrip("-").isdigit()):
            raise TopicError(spec.name, "InvalidConfigurationError", f"{name} is {value}")


class Cluster:
    """The state of one broker; ``clock`` gives its time, milliseconds UTC."""

    def __init__(self, clock: Callable[[], int], settings: BrokerSettings) -> None:
        self.clock = clock
        self.settings = settings
        self.away = False
        self.topics: dict[str, Topic] = {}
        self.deleted: Callable[[str], None] = lambda _: None
        """Told of a topic that is gone, as the groups' coordinator is."""
        self._made = count(1)
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = set()

    def ask(self) -> None:
        """BrokerError while the broker is away."""
        if self.away:
            msg = "the broker in memory is away"
            raise BrokerError(msg)

    def log(self, topic: str, partition: int) -> PartitionLog | None:
        """A partition; None if the topic, or the partition, is not there."""
        found = self.topics.get(topic)
        if found is None or not 0 <= partition < len(found.logs):
            return None
        return found.logs[partition]

    def create(self, spec: TopicSpec) -> None:
        """Make a topic, empty and from offset 0 on; TopicError as ``check_spec``."""
        check_spec(spec)
        if spec.name in self.topics:
            self.delete(spec.name)
        logs = [PartitionLog() for _ in range(spec.partitions)]
        self.topics[spec.name] = Topic(spec, logs, f"topic-{next(self._made)}")
        self.changed()

    def delete(self, name: str) -> None:
        """Delete a topic with all that groups have committed in it."""
        if self.topics.pop(name, None) is not None:
            self.deleted(name)

    def append(self, record: Outgoing, sent_ms: int) -> None:
        """Write one record; BrokerError if the topic does not take it."""
        topic = self.topics.get(record.topic)
        log = None if record.partition is None else self.log(record.topic, record.partition)
        if topic is None or log is None:
            raise UnknownTopicOrPartitionError(record.topic)
        if size_of(record) > int(topic.setting("max.message.bytes")):
            raise MessageSizeTooLargeError(record.topic)
        if record.key is None and "compact" in topic.setting("cleanup.policy"):
            raise InvalidRecord(record.topic)
        appended = topic.setting("message.timestamp.type") == APPEND_TIME
        at_ms = self.clock() if appended else sent_ms
        partition, headers = record.partition or 0, tuple(record.headers)
        log.records.append(
            Stored(partition, log.end, at_ms, record.key, record.value, headers, int(appended))
        )
        log.end += 1

    def changed(self) -> None:
        """Wake every task that waits for something new; callable from any thread."""
        waiting, self._waiting = self._waiting, set()
        for loop, future in waiting:
            loop.call_soon_threadsafe(_wake, future)

    async def wait(self, wait_ms: int) -> None:
        """Wait until something changes, at most this long."""
        loop = asyncio.get_running_loop()
        mine = loop, loop.create_future()
        self._waiting.add(mine)
        try:
            async with asyncio.timeout(wait_ms / 1000):
                await mine[1]
        except TimeoutError:
            return
        finally:
            self._waiting.discard(mine)


def parted(
    topic: str, log: PartitionLog, records: Sequence[Stored]
) -> tuple[list[Stored], list[SetAside]]:
    """What a client hands on of these records, and which bombs it passes over."""
    good = [record for record in records if record.offset not in log.bombs]
    aside = [
        SetAside(TopicPartition(topic, record.partition), record.offset, record.offset)
        for record in records
        if record.offset in log.bombs
    ]
    return good, aside


def size_of(record: Outgoing) -> int:
    """About how many bytes a record takes in a batch of its own."""
    heads = sum(len(name) + len(value) for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + heads + RECORD_OVERHEAD


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
