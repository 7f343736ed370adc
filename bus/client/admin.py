"""Topics and groups as the cluster has them: describe, create, apply, delete, and how far read.

In: specifications and unprefixed names. Out: values of ours. A topic is never created by
asking for it, and every answer's code is looked at: aiokafka returns topic-level failures as
codes, not as exceptions.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, Self

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from bus.client import metadata_pause
from bus.client.address import Address
from bus.client.admin_answers import check_codes, descriptions, settings_of
from bus.client.translation import translated
from bus.failures import TopicError
from bus.ports import BrokerSettings, LogFolders, Offsets
from bus.topics import ActualTopic, TopicSpec, appliable, drift

REQUEST_TIMEOUT_MS: Final = 15_000
PROPAGATION_POLL_S: Final = 0.05
ALL_OF_IT: Final = -1
"""Kafka's number for the high watermark, as the offset before which records are deleted."""


class TopicAdmin:
    """Obeys ``ports.Admin``, over Kafka's client."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._stack = AsyncExitStack()
        self._client: Any = None

    @translated
    async def __aenter__(self) -> Self:
        metadata_pause.install()
        options = self._address.client_options()
        self._client = AIOKafkaAdminClient(**options, request_timeout_ms=REQUEST_TIMEOUT_MS)
        self._stack.push_async_callback(self._client.close)
        try:
            await self._client.start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @translated
    async def describe(self, names: Sequence[str]) -> dict[str, ActualTopic | None]:
        """Each named topic as it is, None if it does not exist."""
        # Asking for all topics: asking for one by name may create it.
        everything = await self._client.describe_topics()
        wanted = {self._address.topic(name): name for name in names}
        present = [topic for topic in everything if topic["topic"] in wanted]
        resources = [ConfigResource(ConfigResourceType.TOPIC, t["topic"]) for t in present]
        answers = await self._client.describe_configs(resources) if resources else []
        found = descriptions(present, answers, wanted)
        return {name: found.get(name) for name in names}

    @translated
    async def names(self) -> list[str]:
        """Every topic that carries this deployment's prefix, but the broker's own, in order."""
        found = await self._client.describe_topics()
        return self._ours(topic["topic"] for topic in found if not topic["is_internal"])

    @translated
    async def groups(self) -> list[str]:
        """Every consumer group that carries this deployment's prefix, in order."""
        return self._ours(name for name, *_ in await self._client.list_consumer_groups())

    def _ours(self, names: Iterable[str]) -> list[str]:
        prefix = self._address.prefix
        return sorted(name[len(prefix) :] for name in names if name.startswith(prefix))

    @translated
    async def create(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Create what is missing; the names created. Existing topics are left as they are."""
        actual = await self.describe([spec.name for spec in specs])
        missing = [spec for spec in specs if actual[spec.name] is None]
        if missing:
            answer = await self._client.create_topics(
                [
                    NewTopic(
                        self._address.topic(spec.name),
                        spec.partitions,
                        spec.replication,
                        topic_configs=dict(spec.config),
                    )
                    for spec in missing
                ]
            )
            # Another process may create it meanwhile: drift then shows any difference.
            check_codes(answer.topic_errors, allowed={"TopicAlreadyExistsError"})
            await self._until(lambda _, topic: topic is not None, missing)
        return [spec.name for spec in missing]

    @translated
    async def apply(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Bring drifted settings of existing topics to the specification; the names changed.

        Partitions and replication are not changed: keys would move. TopicError names them.
        Every setting not in the specification falls back to the broker's default.
        """
        actual = await self.describe([spec.name for spec in specs])
        changed = appliable(specs, actual)
        if changed:
            # The request resets what it does not list, so each carries its whole specification.
            answers = await self._client.alter_configs(
                [
                    ConfigResource(
                        ConfigResourceType.TOPIC,
                        self._address.topic(spec.name),
                        configs=dict(spec.config),
                    )
                    for spec in changed
                ]
            )
            for answer in answers:
                check_codes((r[3], r[0], r[1]) for r in answer.resources)
            await self._until(lambda spec, topic: not drift(spec, topic), changed)
        return [spec.name for spec in changed]

    @translated
    async def empty(self, names: Sequence[str]) -> list[str]:
        """Make all that is now in these topics unreadable; those that exist.

        Their offsets continue. The bytes go with the segments that hold them,
        within the topic's own bound. A record may be written meanwhile: ask again later.
        """
        found = await self.describe(names)
        there = {name: topic.partitions for name, topic in found.items() if topic is not None}
        everything = {
            TopicPartition(self._address.topic(name), number): RecordsToDelete(ALL_OF_IT)
            for name, count in there.items()
            for number in range(count)
        }
        if everything:
            await self._client.delete_records(everything)
        return list(there)

    @translated
    async def delete_before(self, before: Offsets) -> Offsets:
        """Make what lies before these offsets unreadable; where each partition begins now."""
        asked = {
            TopicPartition(self._address.topic(topic), number): RecordsToDelete(offset)
            for (topic, number), offset in before.items()
        }
        answer = await self._client.delete_records(asked) if asked else {}
        return {(self._address.plain(tp.topic), tp.partition): low for tp, low in answer.items()}

    @translated
    async def delete(self, names: Iterable[str]) -> None:
        """Delete topics with all they hold; a missing one is no failure. For tests and resets."""
        topics = [self._address.topic(name) for name in names]
        answer = await self._client.delete_topics(topics)
        check_codes(answer.topic_error_codes, allowed={"UnknownTopicOrPartitionError"})

    async def _until(
        self, done: Callable[[TopicSpec, ActualTopic | None], bool], specs: Sequence[TopicSpec]
    ) -> None:
        # The controller answers before the brokers have taken the change over.
        left = list(specs)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
                while True:
                    actual = await self.describe([spec.name for spec in left])
                    left = [spec for spec in left if not done(spec, actual[spec.name])]
                    if not left:
                        return
                    await asyncio.sleep(PROPAGATION_POLL_S)
        except TimeoutError:
            raise TopicError(left[0].name, "NotTakenOver") from None

    @translated
    async def log_folders(self) -> LogFolders:
        """Where the brokers keep their logs."""
        cluster = await self._client.describe_cluster()
        told = [one.get("log.dirs") or one["log.dir"] for one in await self._of_brokers(cluster)]
        folders = sorted(folder.strip() for folders in told for folder in folders.split(","))
        return LogFolders(cluster["cluster_id"], tuple(folders))

    async def _of_brokers(self, cluster: Mapping[str, Any]) -> list[dict[str, str]]:
        """The settings of every broker."""
        nodes = [str(broker["node_id"]) for broker in cluster["brokers"]]
        resources = [ConfigResource(ConfigResourceType.BROKER, node) for node in nodes]
        answers = await self._client.describe_configs(resources)
        return [settings_of(resource) for answer in answers for resource in answer.resources]

    @translated
    async def broker_settings(self) -> BrokerSettings:
        """The deletion settings of the slowest broker."""
        settings = await self._of_brokers(await self._client.describe_cluster())

        def slowest(name: str) -> int:
            return max(int(one[name]) for one in settings)

        return BrokerSettings(
            slowest("log.retention.check.interval.ms"),
            slowest("log.segment.delete.delay.ms"),
            slowest("log.cleaner.backoff.ms"),
            any(one["auto.create.topics.enable"] == "true" for one in settings),
        )
