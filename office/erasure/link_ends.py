"""Links that ended so long ago that no row under them is left: they go, with their secrets.

In: the office's database, every plan that ever was on record, the instant. Out: links deleted, as
a person's are when they are erased: row, tombstone on the control topic, files scrubbed. Consents
are evidence that there was one, and have an end of their own (``consent_ends``).
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final, NamedTuple

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.on_record import unerased_subjects
from office.registry.links import delete_link
from office.store.database import Database
from office.store.tables import LINKS, UNSCRUBBED
from policy.plan.last_rows import period_after, rows_end_ms, transit_ms
from policy.plan.plan import Plan
from policy.vocabulary.periods import add_period, shortest_ms
from policy.vocabulary.terms import Period
from telemetry.instants import DAY_MS

AT_ONCE_MAX: Final = 1_000
"""Rows that are deleted in one transaction; the next one takes the others."""
EVENT: Final = "link_end"
SEEN_LATE_MS: Final = DAY_MS
"""An end that became known so much later: readings meanwhile were taken for the link's own."""


class Lives(NamedTuple):
    """What plans say of links and of the rows under them."""

    plans: Sequence[Plan]
    """Of every version on record, the newest last."""
    replay_ms: int
    """How far back anything may be read again or restored."""

    def period(self, now_ms: int) -> Period | None:
        """How long after its end the policy keeps a link; None: no version in force says."""
        return period_after(EVENT, self.plans, now_ms)

    def due_ms(self, to_ms: int, seen_ms: int, now_ms: int) -> int | None:
        """From when on a link that ended is not needed any more; None: it is not known.

        ``the policy's period from its end``, but not before the last row under it has ended: else
        that person's rows could not be found any more. Without a period of the policy: ``the last
        row's end + raw bound + topic bound + replay``. An end that became known late counts, for
        rows, from when it was known.
        """
        outputs = [one for plan in self.plans for one in plan.outputs]
        last_ms = seen_ms if seen_ms - to_ms > SEEN_LATE_MS else to_ms
        rows_ms = rows_end_ms(outputs, last_ms)
        period = self.period(now_ms)
        if rows_ms is None:
            return None
        if period is None:
            return rows_ms + transit_ms(self.plans, outputs) + self.replay_ms
        kept_ms = add_period(to_ms, period)
        # A period is a maximum: the day on which it ends counts from its beginning.
        return max(kept_ms - kept_ms % DAY_MS, rows_ms)

    def ended_by_ms(self, now_ms: int) -> int:
        """No link that ended later is due now."""
        period = self.period(now_ms)
        if period is None:
            lanes = (one for plan in self.plans for out in plan.outputs for one in out.lanes)
            return now_ms - max((shortest_ms(lane.period) for lane in lanes), default=0)
        return now_ms + DAY_MS - shortest_ms(period)


async def note_ended(database: Database, now_ms: int) -> bool:
    """Note which links have ended by now, and that it was seen now; whether any ever has."""
    ended, unseen = LINKS.c.to_ms <= now_ms, LINKS.c.seen_ended_ms.is_(None)
    async with database.reading() as connection:
        ever = await connection.scalar(select(LINKS.c.link).where(ended).limit(1))
        fresh = await connection.scalar(select(LINKS.c.link).where(ended, unseen).limit(1))
    if fresh is not None:
        async with database.writing() as connection:
            noted = update(LINKS).where(ended, unseen).values(seen_ended_ms=now_ms)
            await connection.execute(noted)
    return ever is not None


async def due_links(database: Database, lives: Lives, now_ms: int) -> list[str]:
    """The links that are not needed any more, at most ``AT_ONCE_MAX``.

    Those of people of whom something that they asked for is still to be erased are.
    """
    old = (LINKS.c.to_ms <= lives.ended_by_ms(now_ms)) & LINKS.c.seen_ended_ms.is_not(None)
    columns = (LINKS.c.link, LINKS.c.subject, LINKS.c.to_ms, LINKS.c.seen_ended_ms)
    async with database.reading() as connection:
        needed = await unerased_subjects(connection, now_ms)
        rows = (await connection.execute(select(*columns).where(old))).all()
    mine = (row for row in rows if row.subject not in needed)
    return first_due(
        ((row.link, lives.due_ms(row.to_ms, row.seen_ended_ms, now_ms)) for row in mine), now_ms
    )


def first_due(rows: Iterable[tuple[str, int | None]], now_ms: int) -> list[str]:
    """Of row ids with when they are over, those that are, at most ``AT_ONCE_MAX``. Pure.

    None: nobody knows when, so it is not over.
    """
    over = (one for one, due_ms in rows if due_ms is not None and due_ms <= now_ms)
    return list(islice(over, AT_ONCE_MAX))


async def delete_links(database: Database, links: Iterable[str]) -> int:
    """Delete links with their secrets; how many. ``scrub_if_needed`` ends it."""
    async with database.writing() as connection:
        gone = [await delete_link(connection, link) for link in links]
        await note_unscrubbed(connection)
    return sum(gone)


async def note_unscrubbed(connection: AsyncConnection) -> None:
    """Note that rows were deleted since the files were last scrubbed."""
    await connection.execute(delete(UNSCRUBBED))
    await connection.execute(insert(UNSCRUBBED).values(one=1))


async def scrub_if_needed(database: Database) -> None:
    """Leave no byte of deleted links in the files, whoever died after deleting them."""
    async with database.reading() as connection:
        if await connection.scalar(select(UNSCRUBBED.c.one)) is None:
            return
    await database.scrub()
    async with database.writing() as connection:
        await connection.execute(delete(UNSCRUBBED))
