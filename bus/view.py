"""A compacted topic read whole into memory, by every process that needs it.

In: a topic and functions that take its rows. Out: those functions called in order, and the
answer to "is this fresh?". There is no group: every process reads all partitions from their
beginning. A broker that is away makes a view stale, never wrong; if a deletion may have
been missed, the view ends with an error and has to be built anew.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Final, NamedTuple

from bus.failures import (
    BrokerError,
    RowFault,
    TopicError,
    TopicRemadeError,
    UnreadableRowError,
    ViewOutdatedError,
)
from bus.pacing import Stopping, monotonic_ms
from bus.partitions import partition_for
from bus.ports import Broker, ConsumedRecord, TopicReader
from bus.records import APPEND_TIME
from bus.topic_watch import TopicWatch
from telemetry.topics import HEARTBEAT_KEY
from telemetry.wire.topic_contents import (
    Contents,
    ContentsSum,
    KeptHashes,
    RowHashes,
    UsualRows,
    row_hash,
)

STOP_DEADLINE_MS: Final = 10_000
SILENCE_MS_MAX: Final = 3_600_000
"""Must stay below the control topics' ``delete.retention.ms``, after which a deletion is gone."""

VERIFY_EVERY_MS: Final = 10_000
"""How often a view asks whether its topic is still the one it began with."""

ApplyRow = Callable[[bytes, bytes | None], None]


_ANEW: Final = "the topic lost its end or was created anew; it may lack rows of this view"


class Beat(NamedTuple):
    """A heartbeat as it was read. Times in milliseconds UTC."""

    at_ms: int
    """What its sender's clock said."""
    stamp_ms: int | None
    """What the broker's clock said as it came there; None if its sender dated the record."""
    live: bool
    """Whether it was read after all that was there at the start: it may have come just now."""


class CompactedView:
    """The rows of one compacted topic.

    ``apply(key, value)`` is called for every row in the order of its partition, on the event
    loop; None deletes; it may be called again with what it knows already. For a row that it
    cannot take it raises UnreadableRowError, after it has seen to what the row might have said:
    ``quarantined(topic, fault)`` is called, and the view goes on. Whatever else it raises ends
    ``run``. ``heartbeat_at`` returns the milliseconds UTC in a heartbeat's value, or raises the
    same; every partition must carry heartbeats of its own. A row in another partition than its key
    belongs to (``partition_for``) is not applied. ``elapsed_ms`` is milliseconds that pass, also
    while the machine sleeps: a wall clock may be set. ``beat`` is told the last heartbeat of each
    fetch, by partition. ``hashes`` keeps the hash of every row that ``apply`` took, and has none
    when ``run`` begins: whoever keeps rows by the million keeps it beside them. ``usual``, if there
    is one, takes usual rows many at once, without ``apply``, and their hashes for ``hashes``.
    """

    def __init__(
        self,
        broker: Broker,
        topic: str,
        apply: ApplyRow,
        *,
        heartbeat_at: Callable[[bytes], int],
        elapsed_ms: Callable[[], int],
        quarantined: Callable[[str, RowFault], None] = lambda _topic, _fault: None,
        contents_at: Callable[[bytes], Contents | None] = lambda _: None,
        beat: Callable[[Beat], None] = lambda _: None,
        hashes: RowHashes | None = None,
        usual: UsualRows | None = None,
        silence_ms_max: int = SILENCE_MS_MAX,
    ) -> None:
        self.ready = asyncio.Event()
        """Set once every row that was there at the start has been applied."""
        self._broker = broker
        self._topic = topic
        self._apply = apply
        self._heartbeat_at = heartbeat_at
        self._elapsed_ms = elapsed_ms
        self._quarantined = quarantined
        self._contents_at = contents_at
        self._beat = beat
        self._given_hashes = hashes
        self._usual = usual
        self._hashes: RowHashes = KeptHashes()
        self._silence_ms_max = silence_ms_max
        self._contents: dict[int, ContentsSum] = {}
        self._lacking: set[int] = set()
        self._telling: set[int] = set()
        self._aside: dict[int, int] = {}
        """The last offset of each partition that was not unpacked: no row of it was seen."""
        self._heard_ms: dict[int, int] = {}
        self._heartbeats: dict[int, int | None] = {}
        self._due: dict[int, int] = {}
        self._stopping = Stopping(STOP_DEADLINE_MS)

    @property
    def heartbeat_ms(self) -> int | None:
        """The newest heartbeat of the partition whose newest is oldest; None if one has none."""
        found = list(self._heartbeats.values())
        known = [at_ms for at_ms in found if at_ms is not None]
        return min(known) if known and len(known) == len(found) else None

    @property
    def complete(self) -> bool:
        """Whether the last heartbeats told of the rows read before them, and none was lost since.

        A heartbeat that does not say what its partition holds changes nothing: until one does,
        a view is taken for complete, and one that was found incomplete stays so. After a batch
        that was not unpacked, whose rows nobody knows, and after a deletion, a view is incomplete
        until a heartbeat behind it tells of the rows that the view has.
        """
        return not self._lacking

    def fresh(self, now_ms: int, max_age_ms: int = 30_000) -> bool:
        """Whether the view is complete as of at most ``max_age_ms`` ago; if not, decide nothing."""
        heartbeat_ms = self.heartbeat_ms
        # A heartbeat from the future proves nothing: the office's clock is wrong.
        return (
            self.ready.is_set()
            and self.complete
            and heartbeat_ms is not None
            and abs(now_ms - heartbeat_ms) <= max_age_ms
        )

    async def run(self) -> None:
        """Read until ``stop``; ends with the exception of ``apply``, or ViewOutdatedError."""
        with self._stopping.running():
            # Asked first: if the topic is made anew in between, its id is another one later on.
            async with aclosing(TopicWatch(self._broker, {}, learn=[self._topic])) as watch:
                await watch.check()
                reader = self._broker.reader(self._topic, await self._partitions())
                try:
                    await reader.start()
                    await self._read(reader, watch)
                finally:
                    self._heartbeats = dict.fromkeys(self._heartbeats)
                    await reader.stop(STOP_DEADLINE_MS)

    async def stop(self) -> None:
        """End ``run``; afterwards the view is never fresh. Idempotent."""
        await self._stopping.stop()

    async def _partitions(self) -> int:
        async with self._broker.admin() as admin:
            found = (await admin.describe([self._topic]))[self._topic]
        if found is None:
            raise TopicError(self._topic, "UnknownTopicOrPartitionError")
        self._heartbeats = dict.fromkeys(range(found.partitions))
        self._contents = {number: ContentsSum() for number in self._heartbeats}
        self._hashes = KeptHashes() if self._given_hashes is None else self._given_hashes
        self._lacking, self._telling, self._aside = set(), set(), {}
        self._heard_ms = dict.fromkeys(self._heartbeats, self._elapsed_ms())
        return found.partitions

    async def _read(self, reader: TopicReader, watch: TopicWatch) -> None:
        verified_ms = monotonic_ms()
        while not self._stopping.asked:
            if monotonic_ms() - verified_ms >= VERIFY_EVERY_MS:
                verified_ms = monotonic_ms()
                await self._verify(watch)
            if not self.ready.is_set() and await reader.caught_up():
                self.ready.set()
            fetched = await reader.fetch()
            for (_, partition), _, last in reader.set_aside():
                self._quarantined(self._topic, RowFault.UNPACKING)
                self._lacking.add(partition)
                self._aside[partition] = last
            for partition, records in fetched.items():
                self._take(partition, records)
                await asyncio.sleep(0)

    async def _verify(self, watch: TopicWatch) -> None:
        try:
            await watch.check()
        except TopicRemadeError as remade:
            raise ViewOutdatedError(_ANEW) from remade
        except (BrokerError, TimeoutError):
            # While the broker is away the view grows stale by itself.
            return

    def _take(self, partition: int, records: Sequence[ConsumedRecord]) -> None:
        now_ms = self._elapsed_ms()
        # By partition: each has a leader of its own, and one may be away while others are not.
        silent_ms = now_ms - self._heard_ms[partition]
        if silent_ms > self._silence_ms_max:
            msg = f"nothing was read for {silent_ms} ms; the view may have missed a deletion"
            raise ViewOutdatedError(msg)
        if records[0].offset < self._due.get(partition, 0):
            raise ViewOutdatedError(_ANEW)
        heard: Beat | None = None
        for record in self._unusual(partition, records):
            try:
                heard = self._take_row(partition, record) or heard
            except UnreadableRowError as unreadable:
                # One record must not end every process that reads the topic.
                self._quarantined(self._topic, unreadable.fault)
        self._due[partition] = records[-1].offset + 1
        self._heard_ms[partition] = now_ms
        if heard is not None:
            self._beat(heard)

    def _unusual(
        self, partition: int, records: Sequence[ConsumedRecord]
    ) -> Iterator[ConsumedRecord]:
        """The records to be taken one by one, each when all before it are taken."""
        if self._usual is None:
            yield from records
            return
        keys = [record.key for record in records]
        values = [record.value for record in records]
        place = 0
        while place < len(records):
            taken = self._usual.take_usual(keys, values, place, partition, len(self._contents))
            self._contents[partition].add(taken.rows, taken.digest)
            if taken.until < len(records):
                yield records[taken.until]
            place = taken.until + 1

    def _take_row(self, partition: int, record: ConsumedRecord) -> Beat | None:
        """Take one record; what it says of the time if it is a heartbeat."""
        if record.key is None:
            # It replaces no row: without a key it says nothing about any.
            raise UnreadableRowError(RowFault.NO_KEY)
        if record.key == HEARTBEAT_KEY:
            if record.value is None:
                return None
            at_ms = self._heartbeats[partition] = self._heartbeat_at(record.value)
            self._compare(partition, record.offset, self._contents_at(record.value))
            appended = record.timestamp_type == APPEND_TIME
            return Beat(at_ms, record.timestamp if appended else None, self.ready.is_set())
        if partition_for(record.key, len(self._contents)) != partition:
            # In its own partition this key has a row, or none: this one does not touch it.
            raise UnreadableRowError(RowFault.MISPLACED)
        # Asked first: where rows are kept with their hashes, one goes with the other.
        before = self._hashes.row_hash(record.key)
        try:
            self._apply(record.key, record.value)
        except UnreadableRowError:
            # What it replaced is lost, and was none of the office's rows if there was nothing.
            # Known now: until the next heartbeat tells, decisions would lack it.
            self._count(partition, record.key, before, None)
            raise
        # Anybody could have written a deletion: until the next heartbeat agrees, it may be lacking.
        self._count(partition, record.key, before, record.value)
        return None

    def _count(self, partition: int, key: bytes, before: int | None, value: bytes | None) -> None:
        now = None if value is None else row_hash(key, value)
        if now is not None:
            self._hashes.keep_hash(key, now)
        elif before is not None:
            self._hashes.drop_hash(key)
            if partition in self._telling:
                self._lacking.add(partition)
        self._contents[partition].change(before, now)

    def _compare(self, partition: int, offset: int, told: Contents | None) -> None:
        if told is None:
            return
        self._telling.add(partition)
        if told != self._contents[partition].contents:
            self._lacking.add(partition)
        elif offset > self._aside.get(partition, -1):
            self._lacking.discard(partition)
