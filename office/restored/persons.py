"""Whoever asked to be forgotten since, in a restored office: forgotten again, or asked for again.

Every function runs in the caller's transaction, but for ``secrets_to_forget``.
"""

from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.registry.consents import delete_consents
from office.registry.erasure_requests import (
    CLOSED,
    FIRST,
    NewErasure,
    ask,
    forget_in_requests,
)
from office.registry.events import forget_events
from office.registry.held import forget_held
from office.registry.links import delete_link
from office.registry.suppression import forget_suppressions
from office.replay_memory.items import PERSON
from office.replay_memory.known import Known
from office.restored.amended import Amended, Since
from office.restored.rows import TABLES
from office.store.database import Database
from office.store.erasure_tables import ERASURES, PARTS
from office.store.event_tables import EVENTS
from office.store.hold_tables import HOLDS
from office.store.tables import CONSENTS, LINKS, RESTRICTIONS
from telemetry.identity import LinkSecret, SubjectId

_OF_SUBJECTS: Final = (LINKS, CONSENTS, RESTRICTIONS, EVENTS, ERASURES, HOLDS)


async def secrets_to_forget(database: Database) -> list[LinkSecret]:
    """Secrets of the links of those who asked to be forgotten as a whole, and are not yet."""
    whole = [ERASURES.c[part].is_(None) for part in PARTS]
    open_ones = (ERASURES.c.state != CLOSED) & (ERASURES.c.kind == "erase")
    theirs = select(ERASURES.c.subject).where(open_ones, ERASURES.c.subject.is_not(None), *whole)
    async with database.reading() as connection:
        query = select(LINKS.c.secret).where(LINKS.c.subject.in_(theirs)).distinct()
        return [LinkSecret(one) for one in await connection.scalars(query)]


async def forget_persons(
    connection: AsyncConnection, known: Known, since: Since, done: Amended
) -> None:
    """Forget whom the memory knows as forgotten; who only asked, asks again."""
    subjects = set[str]()
    for table in _OF_SUBJECTS:
        found = await connection.scalars(select(table.c.subject).distinct())
        subjects |= {one for one in found if one is not None}
    for subject in sorted(subjects):
        end = known.ended(PERSON, subject)
        # Who asked before is on record in it as they were; they may have come back by then.
        if end is None or end.at_ms < since.made_ms:
            continue
        if await _all_gone(connection, known, subject):
            await _forget(connection, SubjectId(subject), since.now_ms)
            done.persons += 1
        else:
            # Their rows were not found yet, and are by these links alone.
            whole = NewErasure("erase", SubjectId(subject), FIRST)
            await ask(connection, whole, since.now_ms)


async def _all_gone(connection: AsyncConnection, known: Known, subject: str) -> bool:
    """Whether nothing of the person was left: what they had is erased, or was commanded to be."""
    for table, column, topic, _ in TABLES[:2]:
        query = select(table.c[column]).where(table.c.subject == subject)
        for name in await connection.scalars(query):
            end = known.ended(topic, name)
            if end is None or end.to_ms is not None:
                return False
    return True


async def _forget(connection: AsyncConnection, subject: SubjectId, now_ms: int) -> None:
    query = select(LINKS.c.link).where(LINKS.c.subject == subject)
    for link in list(await connection.scalars(query)):
        await delete_link(connection, link)
    await delete_consents(connection, subject)
    await forget_events(connection, subject)
    await forget_suppressions(connection, subject)
    await forget_held(connection, subject)
    await forget_in_requests(connection, subject, now_ms)
