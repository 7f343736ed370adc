"""How far topics are written and how far a group has read them.

In: unprefixed names. Out: offsets by (topic, partition). Opens a client of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bus.client import metadata_pause
from bus.client.address import Address
from bus.client.closing import end_consumer
from bus.client.group_members import read_now
from bus.client.translation import translated
from bus.pacing import all_at_once
from bus.ports import Lag, Offsets, Reader

REQUEST_TIMEOUT_MS: Final = 15_000
RETRY_S: Final = 0.25


class Positions:
    """Reads offsets and never moves one; use as ``async with``."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._consumer: Any = None
        self._admin: Any = None

    @translated
    async def __aenter__(self) -> Self:
        metadata_pause.install()
        options = self._address.client_options()
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

    @translated
    async def begin(self, partitions: Mapping[str, int]) -> Offsets:
        """The first offset still there; ``partitions`` is the number that each topic has."""
        return self._plain(await self._at_once(self._consumer.beginning_offsets, partitions))

    @translated
    async def end(self, partitions: Mapping[str, int]) -> Offsets:
        """The offset the next record will get."""
        return self._plain(await self._at_once(self._consumer.end_offsets, partitions))

    @translated
    async def oldest_ms(self, partitions: Mapping[str, int]) -> dict[str, int]:
        """The broker's time of the oldest record still there, by topic; empty topics are absent.

        Milliseconds UTC. Asks for times alone: no record is read, and no right to read is needed.
        """
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._all(partitions), 0))
        oldest: dict[str, int] = {}
        for tp, first in found.items():
            if first is not None:
                topic = self._address.plain(tp.topic)
                oldest[topic] = min(first.timestamp, oldest.get(topic, first.timestamp))
        return oldest

    @translated
    async def committed(self, group: str) -> Offsets:
        """The offsets the group has committed; a partition without one is absent."""
        found = await self._committed(self._address.group(group))
        mine = self._address.prefix
        return self._plain(
            {tp: o.offset for tp, o in found.items() if o.offset >= 0 and tp.topic.startswith(mine)}
        )

    @translated
    async def lag(self, group: str, partitions: Mapping[str, int]) -> dict[tuple[str, int], Lag]:
        """The group's position in every partition of the topics."""
        committed = await self.committed(group)
        begin, end = await self.begin(partitions), await self.end(partitions)
        return {at: Lag(committed.get(at), begin[at], end[at]) for at in end}

    @translated
    async def readers(self, topics: Sequence[str]) -> list[Reader]:
        """Every group of the cluster that has committed in these topics, or reads them now."""
        wanted = {self._address.topic(topic) for topic in topics}
        names = sorted(name for name, *_ in await self._admin.list_consumer_groups())
        found = []
        for name in names:
            # One at a time: the client reads an answer about two as if it were of version 2.
            now = read_now(await self._admin.describe_consumer_groups([name])).get(name)
            committed = {
                tp: one.offset
                for tp, one in (await self._committed(name)).items()
                if tp.topic in wanted and one.offset >= 0
            }
            if committed or (now is not None and (now.maybe_others or now.topics & wanted)):
                ours = name.startswith(self._address.prefix)
                shown = name.removeprefix(self._address.prefix)
                found.append(Reader(shown, ours, self._plain(committed)))
        return found

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

    async def _at_once(
        self,
        ask: Callable[[Sequence[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]],
        partitions: Mapping[str, int],
    ) -> Mapping[TopicPartition, int]:
        """Ask for every topic at once: the client learns of one after the other, 0.3 s each."""
        found: dict[TopicPartition, int] = {}
        each = (ask(self._all({topic: count})) for topic, count in partitions.items())
        for offsets in await all_at_once(each):
            found |= offsets
        return found

    def _all(self, partitions: Mapping[str, int]) -> Sequence[TopicPartition]:
        return [
            TopicPartition(self._address.topic(topic), number)
            for topic, count in partitions.items()
            for number in range(count)
        ]

    def _plain(self, offsets: Mapping[TopicPartition, int]) -> Offsets:
        plain = self._address.plain
        return {(plain(tp.topic), tp.partition): offset for tp, offset in offsets.items()}
