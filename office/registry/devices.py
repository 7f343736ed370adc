"""Which dongles are known, and since when. Every function runs in the caller's transaction."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.store.changes import ControlChange, announce, chunks
from office.store.row_ids import new_row_id
from office.store.tables import DEVICES, LINKS
from telemetry.identity import DeviceId
from telemetry.topics import CONTROL_LINKS
from telemetry.wire.control import DeviceRegistration
from telemetry.wire.envelope import NAMED

ID_CHARS_MAX: Final = 64
"""The envelope's limit: a longer id could never be sent."""


def checked_id(what: str, text: str) -> None:
    """Refuse ids that no envelope could carry or no person could type again."""
    if not 1 <= len(text) <= ID_CHARS_MAX or not text.isprintable() or " " in text:
        msg = f"a {what} id is 1 to {ID_CHARS_MAX} printable characters without blanks"
        raise OfficeError(msg)


class Known(NamedTuple):
    """Row id of a registered device, since when it is known, and as which service."""

    row: str
    registered_ms: int
    service: str | None


async def known(connection: AsyncConnection, devices: Iterable[DeviceId]) -> dict[DeviceId, Known]:
    """Those devices that are registered."""
    found: dict[DeviceId, Known] = {}
    for some in chunks(sorted(devices)):
        query = select(DEVICES).where(DEVICES.c.device.in_(some))
        for row in await connection.execute(query):
            found[DeviceId(row.device)] = Known(row.row, row.registered_ms, row.service)
    return found


async def register_devices(
    connection: AsyncConnection, wanted: Mapping[DeviceId, int], service: str | None = None
) -> dict[DeviceId, str]:
    """Register devices that are not known yet; row ids of all.

    Times of known ones stay, but for a device that was never linked to anyone: it may be known
    from earlier on, so that a date mistyped into the future does not lock it out. A known one
    that names no service gets this one; OfficeError if it names another.
    """
    for device in wanted:
        checked_id("device", device)
    if service is not None:
        _check_service(service)
    there = await known(connection, wanted)
    if service is not None and any(one.service not in (None, service) for one in there.values()):
        msg = (
            "the device is already registered as another service: leave `--service` out, or "
            "register the dongle under a new id"
        )
        raise OfficeError(msg)
    now = {d: Known(new_row_id(), wanted[d], service) for d in wanted if d not in there}
    if now:
        await connection.execute(insert(DEVICES), _as_rows(now))
    later = {device for device, one in there.items() if wanted[device] < one.registered_ms}
    earlier = later - await _linked(connection, later)
    for device, one in there.items():
        since_ms = wanted[device] if device in earlier else one.registered_ms
        changed = Known(one.row, since_ms, one.service or service)
        if changed != one:
            values = update(DEVICES).values(registered_ms=since_ms, service=changed.service)
            await connection.execute(values.where(DEVICES.c.row == one.row))
            now[device] = changed
    changes = [
        ControlChange(
            CONTROL_LINKS, one.row, DeviceRegistration(device, one.registered_ms, one.service)
        )
        for device, one in now.items()
    ]
    await announce(connection, changes)
    return {device: one.row for device, one in (there | now).items()}


def _check_service(service: str) -> None:
    if re.fullmatch(NAMED, service) is None:
        msg = "a service is named in small letters, digits and _, at most 32 of them"
        raise OfficeError(msg)


async def _linked(connection: AsyncConnection, devices: Iterable[DeviceId]) -> set[DeviceId]:
    """Those that some link holds at some instant: an emptied link holds at none."""
    found: set[DeviceId] = set()
    lasts = or_(LINKS.c.to_ms.is_(None), LINKS.c.to_ms > LINKS.c.from_ms)
    for some in chunks(sorted(devices)):
        query = select(LINKS.c.device).where(LINKS.c.device.in_(some), lasts)
        found |= {DeviceId(row.device) for row in await connection.execute(query)}
    return found


def _as_rows(fresh: Mapping[DeviceId, Known]) -> Sequence[dict[str, Any]]:
    return [{"device": device, **one._asdict()} for device, one in fresh.items()]
