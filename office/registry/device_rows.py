"""Everything the office knows about some devices, as the control topics would carry it.

For a front door that asks before it sends. Reads only.
"""

from collections.abc import Collection

from sqlalchemy import select

from office.registry.consents import consent_of
from office.registry.links import link_of
from office.registry.restrictions import restriction_of
from office.store.changes import chunks
from office.store.database import Database
from office.store.tables import CONSENTS, DEVICES, LINKS, RESTRICTIONS
from telemetry.identity import DeviceId
from telemetry.wire.control import ControlRow, DeviceRegistration


async def standing_of(
    database: Database, devices: Collection[DeviceId]
) -> list[tuple[bytes, ControlRow]]:
    """Row ids and rows: registrations and links of the devices, and of their people the rest."""
    found: list[tuple[bytes, ControlRow]] = []
    async with database.reading() as connection:
        people: set[str] = set()
        for some in chunks(sorted(devices)):
            for row in await connection.execute(select(DEVICES).where(DEVICES.c.device.in_(some))):
                known = DeviceRegistration(DeviceId(row.device), row.registered_ms, row.service)
                found.append((row.row.encode(), known))
            for row in await connection.execute(select(LINKS).where(LINKS.c.device.in_(some))):
                people.add(row.subject)
                found.append((row.link.encode(), link_of(row)))
        for owners in chunks(sorted(people)):
            wanted = select(CONSENTS).where(CONSENTS.c.subject.in_(owners))
            for row in await connection.execute(wanted):
                found.append((row.consent.encode(), consent_of(row)))  # noqa: PERF401  # as above
            kept_back = select(RESTRICTIONS).where(RESTRICTIONS.c.subject.in_(owners))
            for row in await connection.execute(kept_back):
                found.append((row.restriction.encode(), restriction_of(row)))  # noqa: PERF401  # as above
    return found
