"""Publishing for processes and commands: the office's outbox, the simulator, a replay.

In: a list of ``Outgoing``. Returns once all of it is durable. Records of one key keep
their order, also over a retry.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Self

from bus.failures import SendFailedError
from bus.pacing import Patience, monotonic_ms
from bus.partitions import partition_for
from bus.ports import Broker
from bus.records import Outgoing


class Publisher:
    """Several tasks may publish at once; their lists are sent one after the other.

    ``deadline_ms`` bounds one ``publish`` over all its retries. Use as ``async with``, or call
    ``stop`` at the end.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        clock: Callable[[], int],
        client_id: str = "roadfade-publisher",
        compression: str | None = "zstd",
        deadline_ms: int = 60_000,
    ) -> None:
        self._deadline_ms = deadline_ms
        self._partitions: dict[str, int] = {}
        self._turn = asyncio.Lock()
        self._producer = broker.producer(
            clock=clock,
            client_id=client_id,
            compression=compression,
            deadline_ms=min(deadline_ms, 20_000),
        )

    async def publish(self, outgoing: Sequence[Outgoing]) -> None:
        """Return when every record is durable; SendFailedError at the deadline.

        A retry may write a record twice. A record without a partition goes to that of its
        key, one without either to partition 0.
        """
        async with self._turn:
            patience = Patience(self._deadline_ms)
            while True:
                try:
                    await self._producer.send_all([await self._placed(one) for one in outgoing])
                except SendFailedError:
                    wait_ms = patience.failed(monotonic_ms())
                    if wait_ms is None:
                        raise
                    # An old attempt must not land behind what its successor writes.
                    await self._producer.settled()
                    await asyncio.sleep(wait_ms / 1000)
                else:
                    return

    async def publish_to(self, topic: str, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        """Publish keys and values to one topic, each to the partition of its key."""
        await self.publish([Outgoing(topic, None, key, value) for key, value in pairs])

    async def publish_placed(self, topic: str, placed: Sequence[tuple[int, bytes, bytes]]) -> None:
        """Publish keys and values to one topic, each to the partition that is named."""
        await self.publish([Outgoing(topic, *one) for one in placed])

    async def stop(self) -> None:
        """Close within deadlines. Idempotent."""
        async with self._turn:
            await self._producer.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _placed(self, record: Outgoing) -> Outgoing:
        if record.partition is not None:
            return record
        count = self._partitions.get(record.topic)
        if count is None:
            count = self._partitions[record.topic] = await self._producer.partitions(record.topic)
        partition = 0 if record.key is None else partition_for(record.key, count)
        return record._replace(partition=partition)
