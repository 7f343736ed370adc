"""All of one topic, over Kafka's client, without a group."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition

from bus.client import bounded_fetch, metadata_pause
from bus.client.address import Address
from bus.client.closing import end_consumer
from bus.client.translation import translated
from bus.ports import ConsumedRecord, SetAside, TopicPartition

POLL_MS: Final = 200
RECORDS_MAX: Final = 2_000
REQUEST_TIMEOUT_MS: Final = 15_000


class KafkaTopicReader:
    """Obeys ``ports.TopicReader``."""

    def __init__(
        self,
        address: Address,
        topic: str,
        partitions: int,
        since: Mapping[int, int] | None = None,
        *,
        committed: bool = False,
    ) -> None:
        self._address = address
        self._since = since or {}
        self._committed = committed
        self._topic = topic
        full = address.topic(topic)
        self._partitions = [KafkaPartition(full, number) for number in range(partitions)]
        self._consumer: Any = None
        self._ends: dict[Any, int] = {}
        self._set_aside: list[SetAside] = []

    @translated
    async def start(self) -> None:
        """Connect, and note where the topic ends now."""
        metadata_pause.install()
        bounded_fetch.install()
        self._consumer = AIOKafkaConsumer(
            **self._address.client_options(),
            auto_offset_reset="earliest",
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            isolation_level="read_committed" if self._committed else "read_uncommitted",
        )
        await self._consumer.start()
        self._consumer.assign(self._partitions)
        await self._consumer.seek_to_beginning()
        for place in self._partitions:
            if place.partition in self._since:
                # What is not there is noticed as it is fetched, and read from the beginning.
                self._consumer.seek(place, self._since[place.partition])
        self._ends = await self._consumer.end_offsets(self._partitions)

    async def stop(self, deadline_ms: int) -> None:
        """Close, in bounded time."""
        if self._consumer is not None:
            await end_consumer(self._consumer, deadline_ms)

    @translated
    async def caught_up(self) -> bool:
        """Whether everything was fetched that was there at the start."""
        return all([await self._consumer.position(tp) >= end for tp, end in self._ends.items()])

    @translated
    async def fetch(self) -> Mapping[int, Sequence[ConsumedRecord]]:
        """The next records by partition, empty after a short wait."""
        with bounded_fetch.unpacking(self._address.unpacked_bytes_max) as unpacked:
            fetched = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_MAX)
        self._set_aside += [
            SetAside(TopicPartition(self._topic, one.partition), one.first, one.last)
            for one in unpacked.set_aside
        ]
        return {partition.partition: records for partition, records in fetched.items()}

    def set_aside(self) -> list[SetAside]:
        """What fetches passed over since this was asked last."""
        passed, self._set_aside = self._set_aside, []
        return passed
