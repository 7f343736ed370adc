"""From the outbox to the control topics: every change, in order, at least once.

In: rows that the registry left in its own transactions. Out: control records through a
``PublishRecords``, then heartbeats. A row leaves the outbox only after its publish returned; a
crash between publishes it again, which compacted topics and idempotent views forgive. Whatever ends
or removes something is remembered, beside the database, before anybody learns of it: an older
office that is restored must not undo it.
A heartbeat must never vouch for a row that is still waiting.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, Table, delete, func, insert, select, update

from office.policy_versions import policy_change
from office.ports import ControlRecord, PublishRecords, ReadTopics
from office.published_changes import PublishedChanges
from office.published_rows import PartitionOf, PublishedRows
from office.registry.consents import consent_of
from office.registry.erasure_requests import erased_as_withdrawn
from office.registry.links import link_of
from office.registry.restrictions import restriction_of
from office.replay_memory.items import ERASED_WITH, Ended, Item, items_of
from office.replay_memory.memory import FILE, ReplayMemory
from office.store.changes import (
    CHUNK_ROWS,
    ControlChange,
    announce,
    high_water,
    last_sequence,
    record_of,
)
from office.store.collection_tables import COLLECTION_LISTS
from office.store.database import Database
from office.store.erasure_tables import ERASE_COMMANDS
from office.store.hold_tables import HOLD_COMMANDS
from office.store.sealing_tables import SEALING_KEYS
from office.store.tables import (
    CONSENTS,
    DEVICES,
    LINKS,
    OUTBOX,
    POLICIES,
    PUBLISHED,
    RESTRICTIONS,
)
from telemetry.identity import DeviceId
from telemetry.topics import (
    CONTROL_COLLECTION,
    CONTROL_CONSENTS,
    CONTROL_LINKS,
    CONTROL_SEALING,
    HEARTBEAT_KEY,
)
from telemetry.wire.control import DeviceRegistration, Heartbeat, encode_row
from telemetry.wire.hold import hold_key
from telemetry.wire.topic_contents import Contents, RunningContents

POLL_S: Final = 0.05
"""How often a waiting writer looks whether its rows are out."""
COUNTS_MAX: Final = 3
"""How often the registry is counted before a heartbeat goes out that does not say what it has."""


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Outbox:
    """The publishing end of the registry's transactions."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], int] = _wall_ms,
        changes: PublishedChanges | None = None,
    ) -> None:
        """``clock`` dates what is remembered; ``changes`` hears whom what is published is about."""
        self._database = database
        self._clock = clock
        self._changes = changes
        self._rows: PublishedRows | None = None

    async def drain(self, publish: PublishRecords) -> int | None:
        """Publish what waits, in order; how many rows. None: another process publishes now.

        What ``publish`` raises goes through; the rows then wait for the next call.
        """
        async with self._database.sole_publisher() as sole:
            return await self._drain(publish) if sole else None

    async def beat(
        self,
        publish: PublishRecords,
        partitions: Mapping[str, int],
        now_ms: int,
        partition_of: PartitionOf | None = None,
    ) -> int | None:
        """Drain, then send a heartbeat to each partition of each topic: complete as of ``now_ms``.

        One heartbeat per partition, because compaction and reading go by partition.
        ``now_ms`` is taken before the call: rows that come later are not vouched for. With
        ``partition_of`` a heartbeat says what its partition holds.
        """
        async with self._database.sole_publisher() as sole:
            if not sole:
                return None
            published = await self._drain(publish)
            rows = None
            if partition_of is not None:
                rows = await self._published(publish, partitions, partition_of)
            contents = {} if rows is None else rows.contents()
            await publish(heartbeats(partitions, now_ms, await self.high_water(), contents))
            return published

    async def mend(
        self,
        publish: PublishRecords,
        partitions: Mapping[str, int],
        partition_of: PartitionOf,
        read: ReadTopics,
    ) -> int | None:
        """Delete rows that lie in the topics and nobody knows; queue all again if one is missing.

        How many rows were queued or deleted; lists for devices that nobody knows do not count if
        nothing is missing. None if that could not be decided now: another process publishes, or
        changes keep coming.
        """
        async with self._database.sole_publisher() as sole:
            if not sole:
                return None
            found = await self._looked(publish, partitions, partition_of, read)
            if found is None:
                return None
            rows, lying = found
            strangers = rows.strangers(lying)
            await publish(strangers)
            complete = rows.all_lie_in(lying)
        # Lists that nobody knows are those of an office that was lost: this one makes its own.
        deleted = sum(one.topic != CONTROL_COLLECTION for one in strangers)
        return deleted if complete else len(strangers) + await self.republish_all()

    async def take_out_strangers(
        self,
        publish: PublishRecords,
        partitions: Mapping[str, int],
        partition_of: PartitionOf,
        read: ReadTopics,
    ) -> int | None:
        """Delete the rows that lie in the topics under keys that the registry does not know.

        How many; None as ``mend``.
        """
        async with self._database.sole_publisher() as sole:
            if not sole:
                return None
            found = await self._looked(publish, partitions, partition_of, read)
            if found is None:
                return None
            rows, lying = found
            strangers = rows.strangers(lying)
            await publish(strangers)
        return len(strangers)

    async def _looked(
        self,
        publish: PublishRecords,
        partitions: Mapping[str, int],
        partition_of: PartitionOf,
        read: ReadTopics,
    ) -> tuple[PublishedRows, Mapping[tuple[str, int], RunningContents]] | None:
        """What should lie in the topics once nothing waits, and what does; None if rows change."""
        await self._drain(publish)
        rows = await self._published(publish, partitions, partition_of)
        return None if rows is None else (rows, await read())

    async def _published(
        self, publish: PublishRecords, partitions: Mapping[str, int], partition_of: PartitionOf
    ) -> PublishedRows | None:
        """What the topics must hold now; None if changes come faster than they are counted."""
        for _ in range(COUNTS_MAX):
            high_water = await self.high_water()
            rows = self._rows
            if rows and rows.high_water == high_water and rows.partitions == partitions:
                return rows
            rows = PublishedRows(dict(partitions), partition_of, high_water)
            async with self._database.reading() as connection:
                for table, change in _REGISTRY:
                    async with connection.stream(select(table)) as found:
                        async for some in found.partitions(CHUNK_ROWS):
                            rows.take(record_of(change(row)) for row in some)
            # No change of the registry is without a row in the outbox.
            if await self.last_sequence() == high_water:
                self._rows = rows
            else:
                await self._drain(publish)
        return None

    async def _drain(self, publish: PublishRecords) -> int:
        published = 0
        if self._rows is not None or self._changes is not None:
            high_water = await self.high_water()
            if self._rows is not None and self._rows.high_water != high_water:
                self._rows = None  # another process published meanwhile
            if self._changes is not None:
                self._changes.follow(high_water)
        while batch := await self._waiting():
            await self._remember(batch.values())
            await publish(list(batch.values()))
            async with self._database.writing() as connection:
                await connection.execute(delete(OUTBOX).where(OUTBOX.c.sequence.in_(batch)))
                moved = update(PUBLISHED).values(high_water=max(batch))
                if (await connection.execute(moved)).rowcount == 0:
                    await connection.execute(insert(PUBLISHED).values(one=1, high_water=max(batch)))
            if self._rows is not None:
                self._rows.take(batch.values())
                self._rows.high_water = max(batch)
            if self._changes is not None:
                self._changes.take(batch.values(), max(batch))
            published += len(batch)
        return published

    async def _remember(self, records: Iterable[ControlRecord]) -> None:
        items = [item for record in records for item in items_of(record)]
        items += await self._erased_with(items)
        if items:
            await asyncio.to_thread(self._remember_items, items)

    async def _erased_with(self, items: Iterable[Item]) -> list[Ended]:
        """What is to go with consents that end: no topic carries that it was asked."""
        ends = (one for one in items if isinstance(one, Ended) and one.kind == CONTROL_CONSENTS)
        ended = {one.id for one in ends if one.to_ms is not None}
        if not ended:
            return []
        async with self._database.reading() as connection:
            found = await erased_as_withdrawn(connection, ended)
        return [Ended(ERASED_WITH, consent, at_ms) for consent, at_ms in sorted(found.items())]

    def _remember_items(self, items: Sequence[Item]) -> None:
        now_ms = self._clock()
        memory = ReplayMemory.made(self._database.file.with_name(FILE), now_ms)
        memory.remember(items, now_ms)

    async def _waiting(self) -> dict[int, ControlRecord]:
        query = select(OUTBOX).order_by(OUTBOX.c.sequence).limit(CHUNK_ROWS)
        async with self._database.reading() as connection:
            return {
                row.sequence: ControlRecord(row.topic, None, row.key.encode(), row.value)
                for row in await connection.execute(query)
            }

    async def high_water(self) -> int:
        """Every row up to this sequence is published; 0 before the first."""
        async with self._database.reading() as connection:
            return await high_water(connection)

    async def last_sequence(self) -> int:
        """The newest row's sequence, published or not; a writer waits for this one."""
        async with self._database.reading() as connection:
            return await last_sequence(connection)

    async def wait_published(self, sequence: int, timeout_s: float) -> bool:
        """Wait until everything up to a sequence is published; False when time runs out."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while await self._first_waiting() <= sequence:
            if loop.time() >= deadline:
                return False
            await asyncio.sleep(POLL_S)
        return True

    async def _first_waiting(self) -> float:
        async with self._database.reading() as connection:
            first: int | None = await connection.scalar(select(func.min(OUTBOX.c.sequence)))
        return float("inf") if first is None else first

    async def republish_all(self) -> int:
        """Queue every row of the registry again, for a broker that lost its topics.

        How many rows. The topics must be empty: rows deleted since stay in those that are not.
        """
        queued = 0
        async with self._database.writing() as connection:
            for table, change in _REGISTRY:
                async with connection.stream(select(table)) as rows:
                    async for some in rows.partitions(CHUNK_ROWS):
                        await announce(connection, [change(row) for row in some])
                        queued += len(some)
        return queued


def _device_change(row: Row[Any]) -> ControlChange:
    value = DeviceRegistration(DeviceId(row.device), row.registered_ms, row.service)
    return ControlChange(CONTROL_LINKS, row.row, value)


def _link_change(row: Row[Any]) -> ControlChange:
    return ControlChange(CONTROL_LINKS, row.link, link_of(row))


def _restriction_change(row: Row[Any]) -> ControlChange:
    return ControlChange(CONTROL_CONSENTS, row.restriction, restriction_of(row))


def _consent_change(row: Row[Any]) -> ControlChange:
    return ControlChange(CONTROL_CONSENTS, row.consent, consent_of(row))


def _command_change(row: Row[Any]) -> ControlChange:
    return ControlChange(row.topic, row.command, row.value)


def _hold_change(row: Row[Any]) -> ControlChange:
    return ControlChange(row.topic, hold_key(row.command), row.value)


def _sealing_change(row: Row[Any]) -> ControlChange:
    return ControlChange(CONTROL_SEALING, row.row, row.value)


def _list_change(row: Row[Any]) -> ControlChange:
    return ControlChange(CONTROL_COLLECTION, row.row, row.value)


_REGISTRY: Final[tuple[tuple[Table, Callable[[Row[Any]], ControlChange]], ...]] = (
    (DEVICES, _device_change),
    (LINKS, _link_change),
    (CONSENTS, _consent_change),
    (RESTRICTIONS, _restriction_change),
    (POLICIES, policy_change),
    (ERASE_COMMANDS, _command_change),
    (HOLD_COMMANDS, _hold_change),
    (SEALING_KEYS, _sealing_change),
    (COLLECTION_LISTS, _list_change),
)


def heartbeats(
    partitions: Mapping[str, int],
    now_ms: int,
    high_water: int,
    contents: Mapping[tuple[str, int], Contents],
) -> list[ControlRecord]:
    """A heartbeat for every partition of every topic, under the same key in each."""

    def value(at: tuple[str, int]) -> bytes:
        return encode_row(Heartbeat(now_ms, high_water, contents.get(at)))

    return [
        ControlRecord(topic, partition, HEARTBEAT_KEY, value((topic, partition)))
        for topic, count in partitions.items()
        for partition in range(count)
    ]
