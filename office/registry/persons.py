"""Whether the office knows a person, and whether they are about to be forgotten.

Every function runs in the caller's transaction.
"""

from collections.abc import Collection
from typing import Final

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.store.changes import chunks
from office.store.erasure_tables import ERASURES, PARTS
from office.store.tables import CONSENTS, LINKS
from telemetry.identity import SubjectId

BEING_FORGOTTEN: Final = (
    "a person of that id asked to be forgotten, which would take this with it: wait until it is "
    "done (roadfade person requests), or give another id"
)


async def require_known(connection: AsyncConnection, subject: SubjectId) -> None:
    """OfficeError if nobody of that id was ever linked or consented: a mistyped id is not done."""
    known = [exists().where(table.c.subject == subject) for table in (LINKS, CONSENTS)]
    if not await connection.scalar(select(or_(*known))):
        msg = "the office knows nobody of that id: check the subject id"
        raise OfficeError(msg)


async def refuse_forgotten(connection: AsyncConnection, subjects: Collection[SubjectId]) -> None:
    """OfficeError if one of them is to be forgotten as a whole, and is not yet.

    What is added meanwhile would be withheld, and deleted with what was there before.
    """
    whole = [ERASURES.c[part].is_(None) for part in PARTS]
    for some in chunks(sorted(subjects)):
        theirs = ERASURES.c.subject.in_(some) & (ERASURES.c.kind == "erase")
        if await connection.scalar(select(exists().where(theirs, *whole))):
            raise OfficeError(BEING_FORGOTTEN)
