"""A new office's database from the rows of the topics, made true by the memory of what was removed.

In: a new database, rows, the memory, instants. Out: counts; nobody else may have it open. Killed,
it is begun anew: the topics are as they were.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from office.rebuilt.asking import forget_again, parts_withheld
from office.rebuilt.seen_ends import note_as_seen
from office.rebuilt.sorted_rows import Rows
from office.rebuilt.writing import end_unvouched, write
from office.replay_memory.known import Known
from office.restored.amended import Amended, Since
from office.restored.commands import command_again, publish
from office.restored.rows import (
    TABLES,
    begin_later,
    end_rows,
    know_stores,
    release_holds,
    withhold,
)
from office.restored.withdrawals import withdraw_again
from office.store.database import Database
from telemetry.instants import HOUR_MS

LATE_MS = HOUR_MS
"""A withdrawal that was recorded so long before the last heartbeat was commanded."""


@dataclass(slots=True)
class Built:
    """What was changed in the rows of the topics; nobody's own."""

    amended: Amended = field(default_factory=Amended)
    forgetting: int = 0
    """Persons who asked to be forgotten, and are not yet: their requests go on."""
    unvouched_consents: int = 0
    """Consents that came behind the last heartbeat: they count as never given."""
    parts: int = 0
    """What withholds a part of somebody: whether it was all commanded is not known."""


async def build(
    database: Database,
    rows: Rows,
    known: Known,
    since: Since,
    high_water: int,
    new: Collection[str] = (),
) -> Built:
    """Fill an empty office; ``since``: of the last heartbeat, ``lost`` if topics lack rows.

    Then nobody knows what was withdrawn: every link and consent ends, and whoever the memory
    knows to have asked to be forgotten asks again. ``new``: ids on the topic of consents of rows
    that came behind its last heartbeats.
    """
    done = Built()
    # What topics lack may be anything that was ever remembered.
    remembered = Since(0, since.now_ms) if since.lost else Since(since.made_ms, since.now_ms)
    # A worker may run, so nobody is forgotten at once, as a restore does: that takes its steps.
    async with database.writing() as connection:
        await write(connection, rows, high_water, since.now_ms)
        # If rows are lacking all consents end, and no word on which of them are new is worth much.
        mine = set[str]() if since.lost else {one.consent for one in rows.consents}
        unvouched = mine.intersection(new)
        done.unvouched_consents = await end_unvouched(connection, unvouched)
        await begin_later(connection, known, done.amended)
        for of in TABLES:
            await end_rows(connection, known, remembered, of, done.amended)
        late_ms = since.made_ms - LATE_MS
        again = await withdraw_again(connection, known, late_ms, since.now_ms, unvouched)
        done.amended.withdrawals = again
        if since.lost:
            for of in TABLES:
                await end_rows(connection, known, since, of, done.amended)
        await withhold(connection, known, remembered, done.amended)
        await release_holds(connection, known, remembered, done.amended)
        await command_again(connection, known, remembered, done.amended)
        await publish(connection, known, done.amended)
        await know_stores(connection, known)
        done.forgetting = await forget_again(connection, since.now_ms)
        done.parts = await parts_withheld(connection)
    await note_as_seen(database, since.now_ms)
    await database.scrub()
    return done
