"""Sending that is known to be durable, or known to have failed.

In: records, and batches of them that are ready. Returns once every record is acknowledged by all
in-sync replicas. A producer that failed once is never used again: after a failed batch every later
send of an idempotent aiokafka producer fails as well.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from bus.client import metadata_pause, produce_request
from bus.client.address import Address
from bus.client.closing import end_producer
from bus.client.ready_batches import in_aiokafkas_place
from bus.failures import OversizedError, SendFailedError
from bus.ports import BATCH_BYTES_MAX
from bus.records import ReadyBatch, Sendable

LINGER_MS: Final = 5
REQUEST_TIMEOUT_MS: Final = 10_000
END_DEADLINE_MS: Final = 12_000
"""Longer than a request may take, so that one on its way is known to have ended."""

_Filled = list[tuple[Any, str, int]]


class AckedProducer:
    """An idempotent producer (``acks=all``) that is replaced after any failure.

    For one task at a time. ``clock`` gives milliseconds UTC; the broker's own append time
    overrides it on every topic of ours. ``compression`` None sends as is.
    """

    def __init__(
        self,
        address: Address,
        *,
        clock: Callable[[], int],
        client_id: str = "roadfade",
        compression: str | None = "zstd",
        deadline_ms: int = 30_000,
    ) -> None:
        self._address = address
        self._clock = clock
        self._client_id = client_id
        self._compression = compression
        self._deadline_ms = deadline_ms
        self._producer: Any = None
        self._ending: set[asyncio.Task[None]] = set()

    async def send_all(self, outgoing: Sequence[Sendable]) -> None:
        """Return when every record is durable; SendFailedError otherwise.

        Those of one partition are written in their order, in ready batches or not. After
        SendFailedError some records may be written, and calling again may write them a second
        time. OversizedError, and ValueError for what is no batch, are raised before anything is
        sent.
        """
        if not outgoing:
            return
        try:
            async with asyncio.timeout(self._deadline_ms / 1000):
                producer = await self._open()
                filled = self._fill(producer.create_batch, outgoing)
                del outgoing  # what is sealed is sent; what it was made of is held no longer
                await _send(producer, filled)
        except (KafkaError, TimeoutError, OSError) as error:
            self._discard()
            msg = f"not acknowledged: {type(error).__name__}"
            raise SendFailedError(msg) from error

    async def settled(self) -> None:
        """Wait until no discarded producer can write any more, or its deadline has passed.

        Called before a retry, so that an old record does not land behind its successor.
        """
        if self._ending:
            await asyncio.wait(self._ending)

    async def partitions(self, topic: str) -> int:
        """How many partitions an (unprefixed) topic has; SendFailedError if unknown."""
        try:
            async with asyncio.timeout(self._deadline_ms / 1000):
                producer = await self._open()
                return len(await producer.partitions_for(self._address.topic(topic)))
        except (KafkaError, TimeoutError, OSError) as error:
            self._discard()
            msg = f"no metadata: {type(error).__name__}"
            raise SendFailedError(msg) from error

    async def stop(self) -> None:
        """Close within the deadlines; nothing acknowledged is lost. Idempotent."""
        self._discard()
        await self.settled()

    async def _open(self) -> Any:
        if self._producer is None:
            metadata_pause.install()
            self._producer = AIOKafkaProducer(
                **self._address.client_options(),
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                compression_type=self._compression,
                max_batch_size=BATCH_BYTES_MAX,
                linger_ms=LINGER_MS,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
            )
            produce_request.install(self._producer.client)
            await self._producer.start()
        return self._producer

    def _fill(self, create: Callable[[], Any], outgoing: Sequence[Sendable]) -> _Filled:
        now_ms = self._clock()
        filled: _Filled = []
        open_batches: dict[tuple[str, int | None], Callable[..., Any]] = {}
        for record in outgoing:
            if isinstance(record, ReadyBatch):
                batch = in_aiokafkas_place(record, now_ms)
                filled.append((batch, self._address.topic(record.topic), record.partition))
                # What follows it must not go into a batch before it.
                open_batches.pop((record.topic, record.partition), None)
                continue
            topic, partition = record.topic, record.partition
            key, value, headers = record.key, record.value, record.headers
            append = open_batches.get((topic, partition))
            if append is not None:
                added = append(timestamp=now_ms, key=key, value=value, headers=headers)
                if added is not None:
                    continue
            if partition is None:
                msg = "a record without a partition goes through the Publisher"
                raise ValueError(msg)
            batch = create()
            open_batches[topic, partition] = batch.append
            filled.append((batch, self._address.topic(topic), partition))
            # An empty batch takes any record; one beyond the limit is found right below.
            batch.append(timestamp=now_ms, key=key, value=value, headers=headers)
            if batch.size() > BATCH_BYTES_MAX:
                msg = f"a record for topic {topic} is larger than {BATCH_BYTES_MAX} bytes"
                raise OversizedError(msg)
        return filled

    def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            task = asyncio.create_task(end_producer(producer, END_DEADLINE_MS))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)


async def _send(producer: Any, filled: _Filled) -> None:
    acks: list[asyncio.Future[Any]] = []
    try:
        for batch, topic, partition in filled:
            batch.close()
            acks.append(await producer.send_batch(batch, topic, partition=partition))
    except BaseException:
        # A failure in the middle leaves earlier acks that no task awaits.
        for ack in acks:
            ack.cancel()
        with contextlib.suppress(asyncio.CancelledError, KafkaError):
            await asyncio.gather(*acks, return_exceptions=True)
        raise
    await asyncio.gather(*acks)
