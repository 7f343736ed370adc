"""When ends were seen is on no topic: whatever has ended counts as seen at its end.

In: a rebuilt office's database. Out: every end in it has an instant of having been seen. Counted
from now, rows of people who left long ago would be kept anew for as long as any row lives; so what
is ended goes no later than the policy says. What that gives up: rows of a link whose end became
known late cannot be found by it for quite as long as before.
"""

from typing import Final

from sqlalchemy import exists, update

from office.erasure.consent_ends import ENDED_MS, note_ended_with_links
from office.store.database import Database
from office.store.tables import CONSENTS, LINKS

JUST_AFTER_MS: Final = 1
"""A consent that ended as it began never held anything, and leaves no evidence: this one did."""


async def note_as_seen(database: Database, now_ms: int) -> None:
    """Note of links and consents that they ended, and that it was seen then.

    A consent that was not withdrawn, of somebody of whom no link is left, counts as ended just
    after it began: the last link's end is not known any more, and was later. Whoever is linked
    again goes on with it.
    """
    await note_ended_with_links(database, now_ms)
    linked = exists().where(LINKS.c.subject == CONSENTS.c.subject)
    left = CONSENTS.c.to_ms.is_(None) & ~linked
    async with database.writing() as connection:
        begun = update(CONSENTS).where(left).values(ended_ms=CONSENTS.c.from_ms + JUST_AFTER_MS)
        await connection.execute(begun)
        ended = update(LINKS).where(LINKS.c.to_ms <= now_ms)
        await connection.execute(ended.values(seen_ended_ms=LINKS.c.to_ms))
        over = update(CONSENTS).where(now_ms >= ENDED_MS)
        await connection.execute(over.values(seen_ended_ms=ENDED_MS))
