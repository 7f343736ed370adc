"""Collection lists as the office keeps them: which are due, whose are concerned, and their rows.

In: devices, and lists that were signed elsewhere. Out: what stands; a list that is kept goes out
through the outbox, in the same transaction. What a list says is no matter here.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Delete, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.published_changes import Changes
from office.store.changes import ControlChange, announce, chunks
from office.store.collection_tables import COLLECTION_LISTS
from office.store.database import Database
from office.store.row_ids import new_row_id
from office.store.tables import DEVICES, LINKS
from telemetry.identity import MASK, DeviceId
from telemetry.topics import CONTROL_COLLECTION


class KeptList(NamedTuple):
    """A device's list. Its repr names nobody."""

    device: DeviceId
    link: str | None
    says: bytes
    serial: int
    due_ms: int
    value: bytes
    """As it was signed."""

    def __repr__(self) -> str:
        return f"KeptList({MASK})"


async def standing_lists(
    database: Database, devices: Collection[DeviceId]
) -> dict[DeviceId, KeptList]:
    """The lists of those devices that have one."""
    async with database.reading() as connection:
        return {device: one for device, (_, one) in (await _standing(connection, devices)).items()}


async def due_devices(database: Database, now_ms: int, at_most: int) -> list[DeviceId]:
    """Some of those whose list has to be made anew by now, the longest due first."""
    table = COLLECTION_LISTS.c
    query = select(table.device).where(table.due_ms <= now_ms).order_by(table.due_ms)
    async with database.reading() as connection:
        return [DeviceId(one) for one in await connection.scalars(query.limit(at_most))]


async def devices_from(database: Database, after: str, at_most: int) -> list[DeviceId]:
    """The next devices in the order of their ids: registered ones, and those that have a list."""
    async with database.reading() as connection:
        found = set[str]()
        for table in (DEVICES, COLLECTION_LISTS):
            query = select(table.c.device).where(table.c.device > after)
            found |= set(await connection.scalars(query.order_by(table.c.device).limit(at_most)))
    return [DeviceId(one) for one in sorted(found)[:at_most]]


async def devices_concerned(database: Database, changes: Changes) -> list[DeviceId]:
    """The devices whose lists may say something else after these changes; all are named."""
    found = set(changes.devices)
    async with database.reading() as connection:
        for column, device, names in (
            (LINKS.c.subject, LINKS.c.device, changes.subjects),
            (COLLECTION_LISTS.c.link, COLLECTION_LISTS.c.device, changes.links),
        ):
            for some in chunks(sorted(names)):
                found |= set(await connection.scalars(select(device).where(column.in_(some))))
    return [DeviceId(one) for one in sorted(found)]


async def registered_among(database: Database, devices: Collection[DeviceId]) -> set[DeviceId]:
    """Those that are registered."""
    found = set[DeviceId]()
    async with database.reading() as connection:
        for some in chunks(sorted(devices)):
            query = select(DEVICES.c.device).where(DEVICES.c.device.in_(some))
            found |= {DeviceId(one) for one in await connection.scalars(query)}
    return found


async def keep_lists(
    database: Database, made: Sequence[KeptList], gone: Iterable[DeviceId] = ()
) -> None:
    """Keep and publish lists in the place of older ones, and delete those of devices that are gone.

    A list that another process kept meanwhile under a higher number stays.
    """
    ended = list(gone)
    async with database.writing() as connection:
        there = await _standing(connection, [one.device for one in made] + ended)
        changes = []
        for one in made:
            row, before = there.get(one.device, (new_row_id(), None))
            if before is None or before.serial < one.serial:
                await connection.execute(_deletion(row))
                values = {"row": row, **one._asdict()}
                await connection.execute(insert(COLLECTION_LISTS).values(values))
                changes.append(ControlChange(CONTROL_COLLECTION, row, one.value))
        for device in ended:
            if device in there:
                row = there[device][0]
                await connection.execute(_deletion(row))
                changes.append(ControlChange(CONTROL_COLLECTION, row, None))
        await announce(connection, changes)


def _deletion(row: str) -> Delete:
    return delete(COLLECTION_LISTS).where(COLLECTION_LISTS.c.row == row)


async def _standing(
    connection: AsyncConnection, devices: Collection[DeviceId]
) -> dict[DeviceId, tuple[str, KeptList]]:
    found = {}
    for some in chunks(sorted(devices)):
        query = select(COLLECTION_LISTS).where(COLLECTION_LISTS.c.device.in_(some))
        for row in await connection.execute(query):
            device = DeviceId(row.device)
            facts = (device, row.link, row.says, row.serial, row.due_ms, row.value)
            found[device] = (row.row, KeptList(*facts))
    return found
