"""Requests that were lost with the office, as far as what lies on the topics says that they stood.

Every function runs in the caller's transaction. Whoever is withheld as a whole asked to be
forgotten, and is not yet; a withdrawal of the last moments, or one that takes effect later, may not
have been commanded. Requests for a part that only the topics show are not known again: what
withholds a part is also what events leave behind.
"""

from sqlalchemy import exists, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.saga import State
from office.registry.erasure_requests import (
    ANSWER_MS_MAX,
    FIRST,
    NewErasure,
    ask,
)
from office.store.changes import last_sequence
from office.store.erasure_tables import ERASURES
from office.store.row_ids import new_row_id
from office.store.tables import CONSENTS, LINKS, RESTRICTIONS
from telemetry.identity import SubjectId
from telemetry.instants import FIRST_MS

_WHOLE = (
    (RESTRICTIONS.c.reason == "erased")
    & RESTRICTIONS.c.purpose.is_(None)
    & RESTRICTIONS.c.recipient.is_(None)
    & (RESTRICTIONS.c.from_ms <= FIRST_MS)
    & RESTRICTIONS.c.to_ms.is_(None)
)
"""What withholds whatever there ever was of a person, and will be."""


async def forget_again(connection: AsyncConnection, now_ms: int) -> int:
    """Go on with those who asked to be forgotten; how many. Asked again, nobody is asked twice."""
    found = await connection.scalars(select(RESTRICTIONS.c.subject).where(_WHOLE).distinct())
    subjects = sorted(found)
    for subject in subjects:
        known = [exists().where(table.c.subject == subject) for table in (LINKS, CONSENTS)]
        if await connection.scalar(select(or_(*known))):
            await ask(connection, NewErasure("erase", SubjectId(subject), FIRST), now_ms)
        else:
            await _forget_unlinked(connection, subject, now_ms)
    return len(subjects)


async def _forget_unlinked(connection: AsyncConnection, subject: str, now_ms: int) -> None:
    """Nothing leads to them any more; what they were in is awaited for as long as it may be there.

    So they are unlinked once more: how long that was waited for already went with the office.
    """
    request = {
        "erasure": new_row_id(),
        "kind": "erase",
        "reason": FIRST,
        "state": State.BOUND,
        "subject": subject,
        "asked_ms": now_ms,
        "due_ms": now_ms + ANSWER_MS_MAX,
        "sequence": await last_sequence(connection),
        "look_ms": 0,
        "unscrubbed": True,
    }
    await connection.execute(insert(ERASURES).values(request))


async def parts_withheld(connection: AsyncConnection) -> int:
    """Restrictions of what was erased of a part of somebody, by a request or an event."""
    parts = (RESTRICTIONS.c.reason == "erased") & ~_WHOLE
    return await connection.scalar(select(func.count()).select_from(RESTRICTIONS).where(parts)) or 0
