"""What loops and processes need of Kafka: the ports, and the ``Broker`` that opens them.

``Connection`` is the broker itself, ``memory.FakeBroker`` one in this process. All names are
unprefixed. What a broker refuses, or cannot answer, is raised as ``BrokerError``, or as
``TopicError`` if it concerns one topic.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, Self

from bus.records import Sendable
from bus.topics import ActualTopic, TopicSpec

BATCH_BYTES_MAX: Final = 1024 * 1024
"""Kafka's default ``max.message.bytes`` is 12 bytes more."""


class TopicPartition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


class ConsumedRecord(Protocol):
    """A record as the client has it; ``timestamp`` is milliseconds UTC.

    ``timestamp_type`` says whose: 0 the producer's, 1 the broker's (its append time).
    """

    @property
    def partition(self) -> int: ...  # noqa: D102  # the names are Kafka's
    @property
    def offset(self) -> int: ...  # noqa: D102  # as above
    @property
    def timestamp(self) -> int: ...  # noqa: D102  # as above
    @property
    def timestamp_type(self) -> int: ...  # noqa: D102  # as above
    @property
    def key(self) -> bytes | None: ...  # noqa: D102  # as above
    @property
    def value(self) -> bytes | None: ...  # noqa: D102  # as above
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...  # noqa: D102  # as above


class Committed(NamedTuple):
    """The offset of the next record to read, and what the group notes there (see ``attempts``)."""

    offset: int
    metadata: str = ""


class Since(NamedTuple):
    """Where a partition begins now, and its first record dated at some time or later."""

    begin: int
    first: int | None
    """None if there is no such record."""


class SetAside(NamedTuple):
    """Offsets that a fetch passed over: one batch that unpacks to too much, or not at all."""

    partition: TopicPartition
    first: int
    last: int


Fetched = Mapping[TopicPartition, Sequence[ConsumedRecord]]
Offsets = dict[tuple[str, int], int]
"""By (topic, partition)."""


class Lag(NamedTuple):
    """A group's position in one partition; ``committed`` is None if it never committed there."""

    committed: int | None
    begin: int
    end: int

    @property
    def records(self) -> int:
        """Records that exist and are not yet read."""
        return self.end - max(self.committed or 0, self.begin)


class Reader(NamedTuple):
    """A consumer group that has a place in some topics, or reads them now."""

    group: str
    """As we name it if it is ``ours``, else its whole name on the cluster."""
    ours: bool
    """Whether it carries this deployment's prefix."""
    committed: Offsets
    """In these topics alone; a partition in which it never committed is absent."""


class LogFolders(NamedTuple):
    """Where brokers keep their logs, on their own machines."""

    cluster: str
    """The cluster's id; each folder has it in its ``meta.properties``."""
    folders: tuple[str, ...]
    """Of all brokers that answer."""


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Deletion settings that no topic can override; the slowest broker's, in milliseconds."""

    retention_check_interval_ms: int
    segment_delete_delay_ms: int
    """Topic deletion ignores the topic's own delay and uses this one."""
    cleaner_backoff_ms: int
    creates_topics_unasked: bool


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """How much is read at once, and how long anything may take. Times in milliseconds."""

    records_max: int = 1_000
    """Most records of one fetch, over all partitions; at least 1000 keeps throughput."""
    poll_ms: int = 200
    """How long a fetch waits for the first record; also how soon a stop is noticed."""
    session_timeout_ms: int = 10_000
    heartbeat_interval_ms: int = 3_000
    metadata_age_ms_max: int = 10_000
    """How soon a member finds the partitions of a topic that it did not see as it joined.

    A broker that has just come back, or a topic made anew, may be seen without partitions: a group
    that joins then is given none of them. The client's own default is five minutes.
    """
    rebalance_timeout_ms: int = 30_000
    """How long the group waits for a member that finishes its batch; more than the next."""
    revoke_deadline_ms: int = 20_000
    commit_deadline_ms: int = 10_000
    stop_deadline_ms: int = 10_000
    fetch_bytes_min: int = 1
    """The broker answers a fetch as soon as it has so many bytes for it, or at the latest"""
    fetch_wait_ms: int = 500
    """after this time: each answer costs a batch, so little traffic in many answers costs much."""
    partition_bytes_max: int = 1024 * 1024
    fetch_bytes_max: int = 4 * 1024 * 1024
    check_crcs: bool = True
    """Compare the checksum of every batch that arrives; off saves a little of the CPU."""


class Admin(Protocol):
    """Topics as the cluster has them; use as ``async with``."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...

    async def describe(self, names: Sequence[str]) -> dict[str, ActualTopic | None]:
        """Each named topic as it is, None if it does not exist. Asking makes none."""

    async def names(self) -> list[str]:
        """Every topic that carries this deployment's prefix, but the broker's own, in order."""

    async def groups(self) -> list[str]:
        """Every consumer group that carries this deployment's prefix, in order."""

    async def create(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Create what is missing; the names created. Existing topics are left as they are."""

    async def apply(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Bring drifted settings of existing topics to the specification; the names changed.

        TopicError if partitions or replication differ: they are not changed, keys would move.
        Every setting not in the specification falls back to the broker's default.
        """

    async def empty(self, names: Sequence[str]) -> list[str]:
        """Make all that is now in these topics unreadable; those that exist. Offsets go on."""

    async def delete_before(self, before: Offsets) -> Offsets:
        """Make what lies before these offsets unreadable, for everybody; where each begins now.

        The bytes stay until whole segments lie before, and a broker that is killed within a
        moment may take it back: read ``OffsetReader.begin`` again. BrokerError for a topic that
        is only compacted, or an offset past the end.
        """

    async def delete(self, names: Iterable[str]) -> None:
        """Delete topics with all they hold; a missing one is no failure. For tests and resets."""

    async def log_folders(self) -> LogFolders:
        """Where the brokers keep their logs."""

    async def broker_settings(self) -> BrokerSettings:
        """The deletion settings of the slowest broker."""


class OffsetReader(Protocol):
    """How far topics are written and read; moves nothing. Use as ``async with``."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...

    async def begin(self, partitions: Mapping[str, int]) -> Offsets:
        """The first offset still there; ``partitions`` is the number that each topic has."""

    async def end(self, partitions: Mapping[str, int]) -> Offsets:
        """The offset the next record will get."""

    async def oldest_ms(self, partitions: Mapping[str, int]) -> dict[str, int]:
        """The broker's time of the oldest record still there, by topic; empty topics are absent.

        Milliseconds UTC. Asks for times alone: no record is read, and no right to read is needed.
        """

    async def committed(self, group: str) -> Offsets:
        """The offsets the group has committed; a partition without one is absent."""

    async def lag(self, group: str, partitions: Mapping[str, int]) -> dict[tuple[str, int], Lag]:
        """The group's position in every partition of the topics."""

    async def readers(self, topics: Sequence[str]) -> list[Reader]:
        """Every group of the cluster that has committed in these topics, or reads them now.

        Whoever reads without a group, or in one that this client may not see, is not among them.
        """


class TopicIds(Protocol):
    """Which topic a name stands for now; use as ``async with``.

    A topic that is deleted and made anew has another id, and its offsets begin again: whoever
    goes by offsets has to know of which topic they are.
    """

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...

    async def of(self, names: Sequence[str]) -> Mapping[str, str]:
        """The id of each of these topics that is there; asking makes none.

        BrokerError if the broker, or whoever answers for it, knows no ids.
        """


class Producer(Protocol):
    """Sends in order, for one task at a time; goes on after a failure."""

    async def send_all(self, outgoing: Sequence[Sendable]) -> None:
        """Return when every record is durable; SendFailedError otherwise.

        Those of one partition are written in their order, in ready batches or not. After
        SendFailedError some records may be written, and calling again may write them a second
        time. OversizedError, and ValueError for what is no batch, are raised before anything is
        sent.
        """

    async def settled(self) -> None:
        """Wait until nothing of a failed send can be written any more.

        Called before a retry, so that an old record does not land behind its successor.
        """

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has; SendFailedError if unknown."""

    async def stop(self) -> None:
        """Close within the deadlines; nothing acknowledged is lost. Idempotent."""


class GroupMember(Protocol):
    """A member of a consumer group; offsets are committed only by asking for it."""

    async def start(self) -> None:
        """Connect and join; BrokerError if the broker is not there."""

    async def stop(self, deadline_ms: int) -> None:
        """Leave (a dynamic member) and close, in bounded time. Idempotent."""

    async def fetch(self) -> Fetched:
        """The next records of partitions that are not paused; empty after ``poll_ms``."""

    def set_aside(self) -> list[SetAside]:
        """What fetches passed over since this was asked last."""

    def assigned(self) -> set[TopicPartition]:
        """The partitions that are this member's now."""

    def paused(self) -> set[TopicPartition]:
        """Those of which nothing is fetched."""

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Fetch nothing more of these."""

    def resume(self, partitions: Iterable[TopicPartition]) -> None:
        """Fetch of these again."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Read on from ``offset``; the partition must be assigned."""

    def generation(self) -> int:
        """How often the group was shared out, as of this membership; -1 while outside.

        Every member counts alike, and whoever was given partitions later has more: what is
        stamped with it tells a successor's work from that of a member left behind.
        """

    async def committed(self, partition: TopicPartition) -> Committed | None:
        """The group's offset there; None if it never committed."""

    async def since(self, partition: TopicPartition, time_ms: int) -> Since:
        """Where records dated at this time (milliseconds UTC) or later begin. Reads none."""

    async def commit(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """Commit; CommitRefusedError if the group has moved on, and these are not ours now."""

    def highwater(self, partition: TopicPartition) -> int | None:
        """The end of the partition as of the last fetch; None before any."""


class TopicReader(Protocol):
    """Reads all partitions of one topic, from their beginning or from a place, without a group."""

    async def start(self) -> None:
        """Connect, and note where the topic ends now."""

    async def stop(self, deadline_ms: int) -> None:
        """Close, in bounded time."""

    async def caught_up(self) -> bool:
        """Whether everything was fetched that was there at the start."""

    async def fetch(self) -> Mapping[int, Sequence[ConsumedRecord]]:
        """The next records by partition, empty after a short wait."""

    def set_aside(self) -> list[SetAside]:
        """What fetches passed over since this was asked last."""


class Broker(Protocol):
    """One cluster's clients; whoever asks for a client opens and closes it."""

    def answers(self) -> bool:
        """Whether a server accepts a connection: asked before a client waits. Blocks."""

    def admin(self) -> Admin:
        """Topics as the cluster has them."""

    def positions(self) -> OffsetReader:
        """How far topics are written and read."""

    def topic_ids(self) -> TopicIds:
        """Which topics the names stand for now."""

    def producer(
        self,
        *,
        clock: Callable[[], int],
        client_id: str = "roadfade",
        compression: str | None = "zstd",
        deadline_ms: int = 30_000,
    ) -> Producer:
        """A producer; ``clock`` gives milliseconds UTC for topics that keep the sender's time."""

    def group_member(
        self,
        group: str,
        topics: Sequence[str],
        *,
        member: str | None,
        settings: ReaderSettings,
        revoked: Callable[[], Awaitable[None]],
    ) -> GroupMember:
        """A member of a group; ``revoked`` is awaited before partitions are given up.

        ``member`` is a static id, unique by a locked slot (see ``slots``): a member that
        returns with it within the session timeout has the same partitions.
        """

    def reader(
        self,
        topic: str,
        partitions: int,
        *,
        since: Mapping[int, int] | None = None,
        committed: bool = False,
    ) -> TopicReader:
        """A reader of a whole topic.

        ``since``: the offset to begin with, by partition; one that is not named, or has no such
        offset, is read from its beginning. ``committed``: what lies in a transaction that is open
        or was aborted is not read; an open one holds back what comes behind it.
        """
