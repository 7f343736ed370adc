"""How far topics are written and how far a group has read them.

In: unprefixed names. Out: offsets by (topic, partition). Opens a client of its own.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bus import metadata_pause
from bus.connection import Connection
from bus.ending import end_consumer

REQUEST_TIMEOUT_MS: Final = 15_000
RETRY_S: Final = 0.25

Offsets = dict[tuple[str, int], int]


class Lag(NamedTuple):
    """Where a group stands in one partition; ``committed`` None: it never committed there."""

    committed: int | None
    begin: int
    end: int

    @property
    def records(self) -> int:
        """Records that are there and not yet read."""
        return self.end - max(self.committed or 0, self.begin)


class Positions:
    """Reads offsets and never moves one; use as ``async with``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._consumer: Any = None
        self._admin: Any = None

    async def __aenter__(self) -> Self:
        metadata_pause.install()
        options = self._connection.client_options()
        self._admin = AIOKafkaAdminClient(**options, request_timeout_ms=REQUEST_TIMEOUT_MS)
        self._consumer = AIOKafkaConsumer(**options, request_timeout_ms=REQUEST_TIMEOUT_MS)
        try:
            await self._admin.start()
            await self._consumer.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await end_consumer(self._consumer, REQUEST_TIMEOUT_MS)
        await self._admin.close()

    async def begin(self, partitions: Mapping[str, int]) -> Offsets:
        """The first offset still there; ``partitions`` says how many each topic has."""
        return self._plain(await self._consumer.beginning_offsets(self._all(partitions)))

    async def end(self, partitions: Mapping[str, int]) -> Offsets:
        """The offset the next record will get."""
        return self._plain(await self._consumer.end_offsets(self._all(partitions)))

    async def oldest_ms(self, partitions: Mapping[str, int]) -> dict[str, int]:
        """The broker's time of the oldest record still there, by topic; empty topics are absent.

        Milliseconds UTC. Asks for times alone: no record is read, and no right to read is needed.
        """
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._all(partitions), 0))
        oldest: dict[str, int] = {}
        for tp, first in found.items():
            if first is not None:
                topic = self._connection.plain(tp.topic)
                oldest[topic] = min(first.timestamp, oldest.get(topic, first.timestamp))
        return oldest

    async def committed(self, group: str) -> Offsets:
        """What the group has committed, where it has."""
        found = await self._committed(self._connection.group(group))
        mine = self._connection.prefix
        return self._plain(
            {tp: o.offset for tp, o in found.items() if o.offset >= 0 and tp.topic.startswith(mine)}
        )

    async def lag(self, group: str, partitions: Mapping[str, int]) -> dict[tuple[str, int], Lag]:
        """Where the group stands in every partition of the topics."""
        committed = await self.committed(group)
        begin, end = await self.begin(partitions), await self.end(partitions)
        return {at: Lag(committed.get(at), begin[at], end[at]) for at in end}

    async def _committed(self, group: str) -> Mapping[TopicPartition, Any]:
        async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
            while True:
                try:
                    found: Mapping[
                        TopicPartition, Any
                    ] = await self._admin.list_consumer_group_offsets(group)
                except KafkaError as error:
                    # The first group of a cluster waits until its offsets topic exists.
                    if not error.retriable:
                        raise
                    await asyncio.sleep(RETRY_S)
                else:
                    return found

    def _all(self, partitions: Mapping[str, int]) -> Sequence[TopicPartition]:
        return [
            TopicPartition(self._connection.topic(topic), number)
            for topic, count in partitions.items()
            for number in range(count)
        ]

    def _plain(self, offsets: Mapping[TopicPartition, int]) -> Offsets:
        plain = self._connection.plain
        return {(plain(tp.topic), tp.partition): offset for tp, offset in offsets.items()}
