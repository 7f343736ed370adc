"""A producer and a reader of whole topics, on the broker in memory."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bus.failures import BrokerError, OversizedError, SendFailedError
from bus.memory.batch_reader import records_of
from bus.memory.cluster import Cluster, parted, size_of
from bus.memory.faults import Fault, Faults
from bus.ports import BATCH_BYTES_MAX, ConsumedRecord, SetAside
from bus.records import Outgoing, ReadyBatch, Sendable

POLL_MS: Final = 200
RECORDS_MAX: Final = 2_000


class MemoryProducer:
    """Obeys ``ports.Producer``."""

    def __init__(self, cluster: Cluster, faults: Faults, clock: Callable[[], int]) -> None:
        self._cluster = cluster
        self._faults = faults
        self._clock = clock
        self._late: list[Outgoing] = []

    async def send_all(self, outgoing: Sequence[Sendable]) -> None:
        """Write all and return; SendFailedError on a fault, or if a topic does not take one.

        What is wrong with what is handed over is raised before anything is written.
        """
        if not outgoing:
            return
        records = [record for one in outgoing for record in _single(one)]
        for record in records:
            if record.partition is None:
                msg = "a record without a partition goes through the Publisher"
                raise ValueError(msg)
            if size_of(record) > BATCH_BYTES_MAX:
                msg = f"a record for topic {record.topic} is larger than {BATCH_BYTES_MAX} bytes"
                raise OversizedError(msg)
        await asyncio.sleep(0)
        fault = None if self._cluster.away else self._faults.of_send()
        try:
            self._cluster.ask()
            self._write(self._written_of(records, fault))
        except BrokerError as error:
            msg = f"not acknowledged: {type(error).__name__}"
            raise SendFailedError(msg) from error
        if fault is not None:
            msg = f"not acknowledged: {fault.name}"
            raise SendFailedError(msg)

    async def settled(self) -> None:
        """Write the records of sends that were delayed."""
        late, self._late = self._late, []
        if not self._cluster.away:
            self._write(late)

    async def partitions(self, topic: str) -> int:
        """How many partitions a topic has; SendFailedError if unknown."""
        found = None if self._cluster.away else self._cluster.topics.get(topic)
        if found is None:
            msg = "no metadata"
            raise SendFailedError(msg)
        return len(found.logs)

    async def stop(self) -> None:
        """Close. Idempotent."""
        await self.settled()

    def _written_of(self, outgoing: Sequence[Outgoing], fault: Fault | None) -> Sequence[Outgoing]:
        if fault is Fault.ACK_LATE:
            self._late += outgoing
        if fault in {Fault.ACK_LATE, Fault.REFUSED}:
            return ()
        return outgoing[: len(outgoing) // 2] if fault is Fault.HALF_WRITTEN else outgoing

    def _write(self, records: Sequence[Outgoing]) -> None:
        try:
            for record in records:
                self._cluster.append(record, self._clock())
        finally:
            self._cluster.changed()


def _single(sendable: Sendable) -> Sequence[Outgoing]:
    """One record, or those of a ready batch."""
    if not isinstance(sendable, ReadyBatch):
        return (sendable,)
    if len(sendable.data) > BATCH_BYTES_MAX:
        msg = f"a batch for topic {sendable.topic} is larger than {BATCH_BYTES_MAX} bytes"
        raise OversizedError(msg)
    return records_of(sendable)


class MemoryReader:
    """Obeys ``ports.TopicReader``."""

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        partitions: int,
        since: Mapping[int, int] | None = None,
    ) -> None:
        self._cluster = cluster
        self._topic = topic
        self._positions = {number: (since or {}).get(number, 0) for number in range(partitions)}
        self._ends: dict[int, int] = {}
        self._set_aside: list[SetAside] = []

    async def start(self) -> None:
        """Note where the topic ends now; BrokerError while the broker is away."""
        self._cluster.ask()
        logs = {number: self._cluster.log(self._topic, number) for number in self._positions}
        self._ends = {number: log.end for number, log in logs.items() if log is not None}

    async def stop(self, deadline_ms: int) -> None:
        """Nothing to close."""

    async def caught_up(self) -> bool:
        """Whether everything was fetched that was there at the start."""
        return all(self._positions[number] >= end for number, end in self._ends.items())

    async def fetch(self) -> Mapping[int, Sequence[ConsumedRecord]]:
        """The next records by partition, empty after a short wait."""
        await asyncio.sleep(0)
        fetched = self._next()
        if not fetched:
            await self._cluster.wait(POLL_MS)
            fetched = self._next()
        return fetched

    def set_aside(self) -> list[SetAside]:
        """The bombs of fetches since this was asked last."""
        passed, self._set_aside = self._set_aside, []
        return passed

    def _next(self) -> dict[int, Sequence[ConsumedRecord]]:
        fetched: dict[int, Sequence[ConsumedRecord]] = {}
        for number, position in self._positions.items():
            log = None if self._cluster.away else self._cluster.log(self._topic, number)
            if log is None:
                continue
            at = position if log.begin <= position <= log.end else log.begin
            records = log.after(at, RECORDS_MAX)
            self._positions[number] = at + len(records)
            fetched[number], aside = parted(self._topic, log, records)
            self._set_aside += aside
        return {number: records for number, records in fetched.items() if records}
