"""Consents that ended so long ago that nobody has to show them any more: they go.

In: the office's database, every plan that ever was on record, the instant. Out: consents deleted:
row, tombstone on the control topic, files scrubbed. How long consents are kept the policy alone
says; without a word of it none goes. A consent ends as it is withdrawn, or with the person's last
link: who has no vehicle any more has nothing that rests on it later.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from sqlalchemy import delete, exists, func, or_, select, update

from office.erasure.link_ends import SEEN_LATE_MS, first_due, note_unscrubbed
from office.erasure.on_record import unerased_subjects
from office.store.changes import ControlChange, announce, chunks
from office.store.database import Database
from office.store.tables import CONSENTS, LINKS
from policy.plan.last_rows import period_after, rows_end_ms, transit_ms
from policy.plan.plan import Plan
from policy.vocabulary.periods import add_period, shortest_ms
from policy.vocabulary.terms import Period
from telemetry.instants import DAY_MS
from telemetry.topics import CONTROL_CONSENTS

EVENT: Final = "consent_end"
ENDED_MS: Final = func.coalesce(CONSENTS.c.to_ms, CONSENTS.c.ended_ms)


class Evidence(NamedTuple):
    """What plans say of consents and of the rows that rest on them."""

    plans: Sequence[Plan]
    """Of every version on record, the newest last."""
    replay_ms: int
    """How far back anything may be read again or restored."""

    def period(self, now_ms: int) -> Period | None:
        """How long after its end the policy keeps a consent; None: no version in force says."""
        return period_after(EVENT, self.plans, now_ms)

    def due_ms(self, ended_ms: int, seen_ms: int, now_ms: int) -> int | None:
        """From when on a consent that ended is not needed any more; None: it is kept.

        ``the policy's period from its end``, but not before the last row that may rest on it has
        ended, and nothing of it can come any more. An end that became known late counts, for rows,
        from when it was known.
        """
        period = self.period(now_ms)
        outputs = [one for plan in self.plans for one in plan.outputs]
        last_ms = seen_ms if seen_ms - ended_ms > SEEN_LATE_MS else ended_ms
        rows_ms = rows_end_ms(outputs, last_ms)
        if period is None or rows_ms is None:
            return None
        kept_ms = add_period(ended_ms, period)
        over_ms = rows_ms + transit_ms(self.plans, outputs) + self.replay_ms
        # A period is a maximum: the day on which it ends counts from its beginning.
        return max(kept_ms - kept_ms % DAY_MS, over_ms)


async def note_ended_with_links(database: Database, now_ms: int) -> None:
    """Note when the last link of people ended whose consents were not withdrawn.

    Before links are deleted: from then on nobody knows. Who was linked again since has not ended,
    and neither has what was agreed to after that end.
    """
    theirs = LINKS.c.subject == CONSENTS.c.subject
    living = exists().where(theirs, or_(LINKS.c.to_ms.is_(None), LINKS.c.to_ms > now_ms))
    last = select(func.max(LINKS.c.to_ms)).where(theirs).scalar_subquery()
    ends = CONSENTS.c.to_ms.is_(None) & (CONSENTS.c.from_ms < last) & ~living
    lives = or_(living, CONSENTS.c.from_ms >= last)
    async with database.reading() as connection:
        fresh = CONSENTS.c.ended_ms.is_distinct_from(last) & ends
        known = CONSENTS.c.ended_ms.is_not(None) & lives
        query = select(CONSENTS.c.consent).where(or_(fresh, known)).limit(1)
        if await connection.scalar(query) is None:
            return
    async with database.writing() as connection:
        await connection.execute(update(CONSENTS).where(lives).values(ended_ms=None))
        await connection.execute(update(CONSENTS).where(ends).values(ended_ms=last))


async def note_seen(database: Database, now_ms: int) -> None:
    """Note which consents have ended by now, and that it was seen now; after the above."""
    seen_ms = CONSENTS.c.seen_ended_ms
    fresh = (now_ms >= ENDED_MS) & seen_ms.is_(None)
    # Whoever is linked again goes on with the same consent.
    back = ENDED_MS.is_(None) & seen_ms.is_not(None)
    async with database.reading() as connection:
        query = select(CONSENTS.c.consent).where(or_(fresh, back)).limit(1)
        if await connection.scalar(query) is None:
            return
    async with database.writing() as connection:
        await connection.execute(update(CONSENTS).where(back).values(seen_ended_ms=None))
        await connection.execute(update(CONSENTS).where(fresh).values(seen_ended_ms=now_ms))


async def due_consents(database: Database, evidence: Evidence, now_ms: int) -> list[str]:
    """The consents that are not needed any more, as many as go at once.

    Those of people of whom something that they asked for is still to be erased are.
    """
    period = evidence.period(now_ms)
    if period is None:
        return []
    old = now_ms + DAY_MS - shortest_ms(period) >= ENDED_MS
    seen_ms = CONSENTS.c.seen_ended_ms
    columns = (CONSENTS.c.consent, CONSENTS.c.subject, ENDED_MS.label("at_ms"), seen_ms)
    async with database.reading() as connection:
        needed = await unerased_subjects(connection, now_ms)
        rows = (await connection.execute(select(*columns).where(old, seen_ms.is_not(None)))).all()
    mine = (row for row in rows if row.subject not in needed)
    return first_due(
        ((row.consent, evidence.due_ms(row.at_ms, row.seen_ended_ms, now_ms)) for row in mine),
        now_ms,
    )


async def forget_consents(database: Database, consents: Iterable[str]) -> int:
    """Delete consents; how many. ``link_ends.scrub_if_needed`` ends it."""
    gone = 0
    async with database.writing() as connection:
        for some in chunks(sorted(consents)):
            there = CONSENTS.c.consent.in_(some)
            found = list(await connection.scalars(select(CONSENTS.c.consent).where(there)))
            await connection.execute(delete(CONSENTS).where(there))
            await announce(
                connection, [ControlChange(CONTROL_CONSENTS, one, None) for one in found]
            )
            gone += len(found)
        await note_unscrubbed(connection)
    return gone
