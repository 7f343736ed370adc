"""What keeps late uploads of an erased interval back: it goes once none of them could live.

In: the office's database, every plan that ever was on record, the instant. Out: restrictions
deleted: row, tombstone on the control topic, files scrubbed. They name a person, and do nothing any
more once the last row that a reading of the interval could become has ended: such a reading is
refused as expired. A version that is published afterwards and keeps longer than every one before
may let such a reading in again; no margin would do, since a period has no limit. An objection, and
what is withheld of a whole person, have no such end.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from office.erasure.link_ends import first_due, note_unscrubbed
from office.erasure.on_record import uncommanded_subjects
from office.registry.restrictions import forget_restriction
from office.store.database import Database
from office.store.tables import RESTRICTIONS
from policy.plan.last_rows import rows_end_ms, transit_ms
from policy.plan.plan import Plan


def due_ms(plans: Sequence[Plan], replay_ms: int, to_ms: int) -> int | None:
    """From when on a restriction of what was recorded before ``to_ms`` does nothing any more.

    None: it is not known how long rows live.
    """
    outputs = [output for plan in plans for output in plan.outputs]
    rows_ms = rows_end_ms(outputs, to_ms)
    return None if rows_ms is None else rows_ms + transit_ms(plans, outputs) + replay_ms


async def due_restrictions(
    database: Database, plans: Sequence[Plan], replay_ms: int, now_ms: int
) -> list[str]:
    """Those that do nothing any more, as many as go at once."""
    over = (RESTRICTIONS.c.reason == "erased") & (RESTRICTIONS.c.to_ms <= now_ms)
    columns = (RESTRICTIONS.c.restriction, RESTRICTIONS.c.subject, RESTRICTIONS.c.to_ms)
    async with database.reading() as connection:
        needed = await uncommanded_subjects(connection, now_ms)
        rows = (await connection.execute(select(*columns).where(over))).all()
    mine = (row for row in rows if row.subject not in needed)
    return first_due(
        ((row.restriction, due_ms(plans, replay_ms, row.to_ms)) for row in mine), now_ms
    )


async def forget_restrictions(database: Database, restrictions: Iterable[str]) -> int:
    """Delete restrictions; how many. ``link_ends.scrub_if_needed`` ends it."""
    async with database.writing() as connection:
        gone = [await forget_restriction(connection, one) for one in restrictions]
        await note_unscrubbed(connection)
    return sum(gone)
