"""What a handler goes by of earlier records: read again from the log whenever it is not known.

In: what was fetched. Out: of it, what is to be handled now. A partition that was just given to us,
or whose handler goes by other rules than before, is read from one life before the record in hand up
to that record; nothing is sent or committed of it meanwhile. What the log does not hold any more
counts as lost, and so does what was before a place that was read again in vain too often.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from bus.failures import BrokerError
from bus.loops.group_reader import GroupReader
from bus.loops.recall import RECALLS_MAX, Place
from bus.loops.slices import sliced
from bus.observer import LoopObserver
from bus.ports import ConsumedRecord, Fetched, TopicPartition
from bus.records import APPEND_TIME, arrived_from
from telemetry.arrived import Arrived

SLICE_RECORDS_MAX: Final = 200
SLICE_BYTES_MAX: Final = 512 * 1024
"""Records or bytes after which the event loop gets a turn, so that heartbeats go out."""


class Recollection(Protocol):
    """What a handler remembers of each partition of its topic: a function of the log."""

    @property
    def life_ms(self) -> int:
        """For how long of append time a record matters to those behind it; 0: none does."""

    def knows(self, partition: int) -> bool:
        """Whether what is remembered there holds under the rules of now."""

    def begin(self, partition: int) -> None:
        """Remember nothing of a partition, and hold that for the whole of it."""

    def remember(self, partition: int, records: Sequence[Arrived]) -> None:
        """These were handled before, and are the next in order.

        HandlerWaitsError: none of them is remembered, and they come again.
        """

    def lose(self, partition: int, until_ms: int) -> None:
        """Records up to this append time were lost, or may have been."""

    def reach(self, partition: int, append_ms: int) -> None:
        """All is remembered; the last of it was appended at this time."""

    def forget(self, partition: int) -> None:
        """Another may go on with this partition."""


@dataclass(slots=True)
class _Back:
    """A partition that is read again: from ``due`` up to ``until``, which is the place."""

    due: int
    until: int
    over: int
    """One record is left out: processes ended at it."""
    cut: bool
    """Whether records were deleted right before the first."""
    recalls: int
    """How often that was begun before, in vain."""
    done: bool = False


class Recollecting:
    """Between the fetch and the handling of one loop."""

    def __init__(
        self, topic: str, reader: GroupReader, known: Recollection, observer: LoopObserver
    ) -> None:
        self._topic = topic
        self._reader = reader
        self._known = known
        self._observer = observer
        self._back: dict[TopicPartition, _Back] = {}
        reader.progress.taken_up = self._taken_up
        reader.given_up = self._given_up

    async def to_handle(self, fetched: Fetched, taken: int) -> Fetched:
        """What of these to handle now; BrokerError, TimeoutError: ask again with the next fetch.

        So with HandlerWaitsError: what is remembered up to there stays so.

        Nothing, if partitions were taken from us since the reader's ``taken`` was this.
        """
        begun = await self._begin_all(fetched, taken)
        found: dict[TopicPartition, Sequence[ConsumedRecord]] = {}
        for partition, records in fetched.items():
            if self._reader.taken != taken:
                return {}
            back = self._back.get(partition)
            if back is not None and partition not in begun:
                await self._read_again(partition, back, records)
            left = () if partition in begun else self._left(partition, records)
            if left:
                found[partition] = left
        return {} if self._reader.taken != taken else found

    async def _begin_all(self, fetched: Fetched, taken: int) -> set[TopicPartition]:
        """Begin where it is due; those that are to be fetched from further back now."""
        begun = set[TopicPartition]()
        try:
            for partition, records in fetched.items():
                if self._reader.taken != taken:
                    break
                back = self._back.get(partition)
                begins = back is not None and not back.done
                known = begins or self._known.knows(partition.partition)
                if not known and await self._begin(partition, records[0]):
                    begun.add(partition)
        except (BrokerError, TimeoutError):
            # Who called steps back to what was fetched: these begin anew then.
            for partition in begun:
                recalls = self._back.pop(partition).recalls
                self._known.forget(partition.partition)
                self._reader.places.recalling(partition, recalls)
            raise
        return begun

    def anew(self) -> None:
        """Other logs stand in the place of those read so far."""
        for partition in self._reader.assigned():
            self._known.forget(partition.partition)
        self._back.clear()

    def _taken_up(self, partition: TopicPartition, *, ours: bool) -> None:
        back = self._back.pop(partition, None)
        if not ours or (back is not None and not back.done):
            self._known.forget(partition.partition)

    def _given_up(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in partitions:
            self._back.pop(partition, None)
            self._known.forget(partition.partition)

    async def _begin(self, partition: TopicPartition, in_hand: ConsumedRecord) -> bool:
        """Begin to remember a partition; whether that begins with what is to be read again.

        What matters to the record in hand, and to all behind it, was appended within one life
        before it. A record that no broker has dated says nothing: all there is, is read then.
        """
        taken = self._reader.taken
        place, life_ms = self._reader.places.of(partition), self._known.life_ms
        if not life_ms:
            self._known.begin(partition.partition)
            return False
        now_ms = in_hand.timestamp if in_hand.timestamp_type == APPEND_TIME else 0
        begin, found = await self._reader.since(partition, now_ms - life_ms)
        if self._reader.taken != taken:
            return False
        until = place.offset or 0
        first = until if found is None else min(max(found, begin), until)
        again = first < until and place.recalls < RECALLS_MAX
        if again:
            await self._reader.notes.recalling(partition, place.recalls + 1)
            self._reader.seek(partition, first)
            cut = first == begin > 0
            self._back[partition] = _Back(first, until, place.over, cut, place.recalls)
        self._known.begin(partition.partition)
        if place.lost_to_ms:
            self._known.lose(partition.partition, place.lost_to_ms)
        if not again:
            gone = begin > until or (begin == until > 0 and not _too_old(place, now_ms - life_ms))
            if gone or first < until:
                self._lose(partition, now_ms)
            self._reader.places.recalling(partition, 0)
        return again

    async def _read_again(
        self, partition: TopicPartition, back: _Back, records: Sequence[ConsumedRecord]
    ) -> None:
        taken = self._reader.taken
        old = [r for r in records if back.due <= r.offset < back.until and r.offset != back.over]
        if old and back.cut:
            self._lose(partition, old[0].timestamp)
            back.cut = False
        for piece in sliced(old, records_max=SLICE_RECORDS_MAX, bytes_max=SLICE_BYTES_MAX):
            self._known.remember(partition.partition, arrived_from(self._topic, piece))
            back.due = piece[-1].offset + 1
            self._observer.recalled(*partition, len(piece))
            await asyncio.sleep(0)
            if self._reader.taken != taken:
                return
        if not back.done and records[-1].offset + 1 >= back.until:
            back.done = True
            self._known.reach(partition.partition, self._reader.places.of(partition).append_ms or 0)
            self._reader.places.recalling(partition, 0)

    def _left(
        self, partition: TopicPartition, records: Sequence[ConsumedRecord]
    ) -> Sequence[ConsumedRecord]:
        """Those that were never handled; once only such come, nothing is left to tell apart."""
        back = self._back.get(partition)
        if back is None:
            return records
        if back.done and records[0].offset >= back.until:
            del self._back[partition]
            return records
        return [record for record in records if record.offset >= back.until]

    def _lose(self, partition: TopicPartition, until_ms: int) -> None:
        self._reader.places.lost(partition, until_ms)
        self._known.lose(partition.partition, until_ms)
        self._observer.unknown_before(*partition)


def _too_old(place: Place, since_ms: int) -> bool:
    """Whether all before a place is too old to matter to what was appended one life later."""
    return place.append_ms is not None and place.append_ms < since_ms
