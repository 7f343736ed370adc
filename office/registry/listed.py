"""What is on record, told without naming anybody: row ids, instants, roles, purposes.

Reads only. Identifiers and secrets are not selected, so they cannot leave with an answer.
"""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.registry.intervals import Interval
from office.registry.persons import require_known
from office.store.database import Database
from office.store.tables import CONSENTS, DEVICES, LINKS
from telemetry.identity import DeviceId, SubjectId
from telemetry.wire.control import ConsentKind, Role


class ListedLink(NamedTuple):
    """A link by its row id, and the row id of its device."""

    link: str
    device_row: str
    span: Interval
    role: Role


class ListedDevice(NamedTuple):
    """A device by its row id, since when it is known, as which service, and its links in order."""

    row: str
    registered_ms: int
    service: str | None
    links: Collection[ListedLink]


class ListedConsent(NamedTuple):
    """One consent, to what it was given and under which notice (``id@version``)."""

    consent: str
    purpose: str
    basis: ConsentKind
    recipient: str | None
    notice: str
    span: Interval


async def list_devices(database: Database) -> list[ListedDevice]:
    """Every device, in the order in which they became known."""
    async with database.reading() as connection:
        return await _devices(connection, true())


async def show_device(database: Database, device: DeviceId) -> ListedDevice:
    """One device; OfficeError if it is not registered."""
    async with database.reading() as connection:
        found = await _devices(connection, DEVICES.c.device == device)
    if not found:
        msg = (
            "the device is not registered: check the device id, or register it "
            "(roadfade device register)"
        )
        raise OfficeError(msg)
    return found[0]


async def list_links(database: Database, subject: SubjectId | None = None) -> list[ListedLink]:
    """Every link, or one subject's, the earliest first; OfficeError if nobody has that id."""
    async with database.reading() as connection:
        if subject is None:
            return await _links(connection, true())
        await require_known(connection, subject)
        return await _links(connection, LINKS.c.subject == subject)


async def list_consents(database: Database, subject: SubjectId) -> list[ListedConsent]:
    """One subject's consents, the earliest first; OfficeError if nobody has that id."""
    told = (column for column in CONSENTS.c if column is not CONSENTS.c.subject)
    of_subject = select(*told).where(CONSENTS.c.subject == subject)
    wanted = of_subject.order_by(CONSENTS.c.from_ms, CONSENTS.c.consent)
    async with database.reading() as connection:
        await require_known(connection, subject)
        return [
            ListedConsent(
                row.consent,
                row.purpose,
                row.basis,
                row.recipient,
                row.notice,
                Interval(row.from_ms, row.to_ms),
            )
            for row in await connection.execute(wanted)
        ]


async def _devices(connection: AsyncConnection, which: ColumnElement[bool]) -> list[ListedDevice]:
    of_device: dict[str, list[ListedLink]] = {}
    for link in await _links(connection, which):
        of_device.setdefault(link.device_row, []).append(link)
    wanted = select(DEVICES.c.row, DEVICES.c.registered_ms, DEVICES.c.service).where(which)
    ordered = wanted.order_by(DEVICES.c.registered_ms, DEVICES.c.row)
    return [
        ListedDevice(row.row, row.registered_ms, row.service, of_device.get(row.row, []))
        for row in await connection.execute(ordered)
    ]


async def _links(connection: AsyncConnection, which: ColumnElement[bool]) -> list[ListedLink]:
    wanted = (
        select(LINKS.c.link, DEVICES.c.row, LINKS.c.from_ms, LINKS.c.to_ms, LINKS.c.role)
        .join(DEVICES, DEVICES.c.device == LINKS.c.device)
        .where(which)
        .order_by(LINKS.c.from_ms, LINKS.c.link)
    )
    return [
        ListedLink(link, device_row, Interval(from_ms, to_ms), role)
        for link, device_row, from_ms, to_ms, role in await connection.execute(wanted)
    ]
