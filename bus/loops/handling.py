"""From what was fetched to what is durable: handled slice by slice, sent as much as may wait.

In: what was fetched. Out: how much of it was sent, all acknowledged; or why the rest is not sent.
What was decided holds as long as its basis does: if that changes before it is sent, what was not
sent is decided anew, from what is in memory.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple, Protocol

from bus.loops.group_reader import GroupReader
from bus.loops.outbound import KeptBack, Outbound
from bus.loops.slices import sliced
from bus.observer import LoopObserver
from bus.ports import ConsumedRecord, Fetched, Producer
from bus.records import Sendable, arrived_from, records_in
from telemetry.arrived import Arrived

Handle = Callable[[int, Sequence[Arrived]], Awaitable[Sequence[Sendable]]]
"""``handle(partition, records)``: at most a slice of one partition's records, in order.

Its answer is judged by the ``basis`` of the moment in which it returns.
"""
REBALANCED: Final = "rebalanced"
PAUSED: Final = "paused"
ANEW_MAX: Final = 2
"""If what goes out together had to be decided anew so often, its first slice is sent by itself."""


class Bounds(Protocol):
    """How much is handled in one go, and how much may wait to be sent."""

    @property
    def slice_records_max(self) -> int:
        """Records of a slice."""
        ...

    @property
    def slice_bytes_max(self) -> int:
        """Bytes of a slice."""
        ...

    @property
    def held_bytes_max(self) -> int:
        """Bytes of outputs."""
        ...


class _Slice(NamedTuple):
    """Records that are handled in one go."""

    partition: int
    records: Sequence[ConsumedRecord]


class Handling:
    """Between the reader and the producer of one loop; see ``BatchLoop`` for what it is given."""

    def __init__(
        self,
        topic: str,
        handle: Handle,
        producer: Producer,
        reader: GroupReader,
        bounds: Bounds,
        *,
        pause_reason: Callable[[], str | None],
        basis: Callable[[], object],
        observer: LoopObserver,
        kept_back: KeptBack | None,
    ) -> None:
        self._topic = topic
        self._handle = handle
        self._producer = producer
        self._reader = reader
        self._bounds = bounds
        self._pause_reason = pause_reason
        self._basis = basis
        self._observer = observer
        self._kept_back = kept_back

    async def handle_and_send(self, fetched: Fetched) -> int | str:
        """How many outputs, all acknowledged; or why the rest was not sent.

        REBALANCED: the partitions were taken from us, and an old owner's records must not land
        behind those of the new one. PAUSED: nothing may be decided now. SendFailedError as the
        producer's.
        """
        taken, sent = self._reader.taken, 0
        slices = deque(self._slices(fetched))
        while slices:
            done = await self._send_some(slices, taken)
            if isinstance(done, str):
                return done
            sent += done
        return sent

    def _slices(self, fetched: Fetched) -> Iterator[_Slice]:
        records_max, bytes_max = self._bounds.slice_records_max, self._bounds.slice_bytes_max
        for partition, records in fetched.items():
            for piece in sliced(records, records_max=records_max, bytes_max=bytes_max):
                yield _Slice(partition.partition, piece)

    async def _send_some(self, slices: deque[_Slice], taken: int) -> int | str:
        """Handle and send as many of the slices as go together, and drop them."""
        anew = 0
        while True:
            outbound, basis, count = await self._handle_some(slices, taken, alone=anew >= ANEW_MAX)
            # Nothing is awaited from here until it is sent.
            if self._reader.taken != taken:
                return REBALANCED
            if outbound and self._pause_reason() is not None:
                return PAUSED
            if not outbound or self._basis() == basis:
                records = await self._send(outbound)
                self._observer.acknowledged()
                for _ in range(count):
                    slices.popleft()
                return records
            self._observer.decided_anew(sum(len(one.records) for one in islice(slices, count)))
            anew += 1
            await asyncio.sleep(0)

    async def _handle_some(
        self, slices: deque[_Slice], taken: int, *, alone: bool
    ) -> tuple[Outbound, object, int]:
        """What is to go out together, on which basis, and of how many slices it is.

        It ends early if the partitions were taken from us, or the basis has changed.
        """
        outbound, basis, count = Outbound(self._kept_back), self._basis(), 0
        for one in slices:
            arrived = arrived_from(self._topic, one.records)
            outbound.add(await self._handle(one.partition, arrived))
            count += 1
            if alone:
                # It was decided just now, on whatever basis there is.
                return outbound, self._basis(), count
            full = outbound.held_bytes >= self._bounds.held_bytes_max
            if full or self._reader.taken != taken or self._basis() != basis:
                break
            await asyncio.sleep(0)
        return outbound, basis, count

    async def _send(self, outbound: Outbound) -> int:
        """How many records, all acknowledged."""
        count = records_in(outgoing := outbound.take())
        sending = self._producer.send_all(outgoing)
        del outgoing  # the producer alone holds it now, for as long as it has to
        await sending
        return count
