"""What the registry holds of one person: their links and consents, as they are or were."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import select

from office.errors import OfficeError
from office.registry.consents import consent_of
from office.registry.links import link_of
from office.registry.persons import require_known
from office.store.database import Database
from office.store.tables import CONSENTS, LINKS
from telemetry.identity import DeviceId, SubjectId
from telemetry.wire.control import ConsentInterval, LinkInterval


class OfPerson(NamedTuple):
    """Links and consents, the earliest first. Its repr is never to be printed."""

    links: list[LinkInterval]
    consents: list[ConsentInterval]
    nonces: Mapping[str, bytes] = {}
    """By the row id of a consent: what shows later that evidence of it is theirs."""


async def of_person(
    database: Database, subject: SubjectId, device: DeviceId | None = None
) -> OfPerson:
    """One subject's links and consents; with ``device`` only the links to that vehicle.

    OfficeError if the office knows nobody of that id, or the vehicle was never linked to them.
    """
    mine = select(LINKS).where(LINKS.c.subject == subject)
    agreed = select(CONSENTS).where(CONSENTS.c.subject == subject)
    async with database.reading() as connection:
        await require_known(connection, subject)
        links = [
            link_of(row)
            for row in await connection.execute(mine.order_by(LINKS.c.from_ms, LINKS.c.link))
        ]
        ordered = agreed.order_by(CONSENTS.c.from_ms, CONSENTS.c.consent)
        rows = (await connection.execute(ordered)).all()
        consents = [consent_of(row) for row in rows]
        nonces = {row.consent: row.nonce for row in rows if row.nonce is not None}
    if device is not None:
        links = [link for link in links if link.device == device]
        if not links:
            msg = "that vehicle's dongle was never linked to that person: check the device id"
            raise OfficeError(msg)
    return OfPerson(links, consents, nonces)
