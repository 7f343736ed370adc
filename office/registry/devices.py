"""Which dongles are known, and since when. Every function runs in the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.store.changes import ControlChange, announce, chunks
from office.store.row_ids import new_row_id
from office.store.tables import DEVICES, LINKS
from telemetry.identity import DeviceId
from telemetry.topics import CONTROL_LINKS
from telemetry.wire.control import DeviceRegistration

ID_CHARS_MAX: Final = 64
"""The envelope's limit: a longer id could never be sent."""


def checked_id(what: str, text: str) -> None:
    """Refuse ids that no envelope could carry or no person could type again."""
    if not 1 <= len(text) <= ID_CHARS_MAX or not text.isprintable() or " " in text:
        msg = f"a {what} id is 1 to {ID_CHARS_MAX} printable characters without blanks"
        raise OfficeError(msg)


async def known(
    connection: AsyncConnection, devices: Iterable[DeviceId]
) -> dict[DeviceId, tuple[str, int]]:
    """Row id and registration time of those devices that are registered."""
    found: dict[DeviceId, tuple[str, int]] = {}
    for some in chunks(sorted(devices)):
        query = select(DEVICES).where(DEVICES.c.device.in_(some))
        for row in await connection.execute(query):
            found[DeviceId(row.device)] = (row.row, row.registered_ms)
    return found


async def register_devices(
    connection: AsyncConnection, wanted: Mapping[DeviceId, int]
) -> dict[DeviceId, str]:
    """Register devices that are not known yet; row ids of all.

    Times of known ones stay, but for a device that was never linked to anyone: it may be known
    from earlier on, so that a date mistyped into the future does not lock it out.
    """
    for device in wanted:
        checked_id("device", device)
    there = await known(connection, wanted)
    fresh = {device: new_row_id() for device in wanted if device not in there}
    if fresh:
        await connection.execute(insert(DEVICES), _as_rows(fresh, wanted))
    later = {device for device, (_, since_ms) in there.items() if wanted[device] < since_ms}
    moved = {device: there[device][0] for device in later - await _linked(connection, later)}
    for device, row in moved.items():
        values = update(DEVICES).values(registered_ms=wanted[device])
        await connection.execute(values.where(DEVICES.c.row == row))
    changes = [
        ControlChange(CONTROL_LINKS, row, DeviceRegistration(device, wanted[device]))
        for device, row in (fresh | moved).items()
    ]
    await announce(connection, changes)
    return {device: row for device, (row, _) in there.items()} | fresh


async def _linked(connection: AsyncConnection, devices: Iterable[DeviceId]) -> set[DeviceId]:
    """Those that some link holds at some instant: an emptied link holds at none."""
    found: set[DeviceId] = set()
    lasts = or_(LINKS.c.to_ms.is_(None), LINKS.c.to_ms > LINKS.c.from_ms)
    for some in chunks(sorted(devices)):
        query = select(LINKS.c.device).where(LINKS.c.device.in_(some), lasts)
        found |= {DeviceId(row.device) for row in await connection.execute(query)}
    return found


def _as_rows(
    fresh: Mapping[DeviceId, str], wanted: Mapping[DeviceId, int]
) -> Sequence[dict[str, str | int]]:
    return [
        {"row": row, "device": device, "registered_ms": wanted[device]}
        for device, row in fresh.items()
    ]
