"""All that is known of what was removed, applied to a restored office.

In: the database as a backup had it, the memory of what was removed, instants. Out: counts; the rows
are gone from the files. Nobody else may have the database open.
"""

from sqlalchemy import delete

from office.replay_memory.known import Known
from office.restored.amended import Amended, Since
from office.restored.commands import command_again, publish
from office.restored.events import take_back_again
from office.restored.persons import forget_persons
from office.restored.rows import (
    TABLES,
    begin_later,
    end_rows,
    know_stores,
    release_holds,
    withhold,
)
from office.restored.withdrawals import withdraw_again
from office.store.collection_tables import COLLECTION_LISTS
from office.store.database import Database


async def amend(database: Database, known: Known, since: Since) -> Amended:
    """Apply all that is known, in one transaction, then scrub. May be repeated."""
    done = Amended()
    async with database.writing() as connection:
        # They are made anew, of what holds now; what lies on their topic is deleted there.
        await connection.execute(delete(COLLECTION_LISTS))
        await begin_later(connection, known, done)
        await forget_persons(connection, known, since, done)
        for of in TABLES:
            await end_rows(connection, known, since, of, done)
        if not since.lost:  # else no row is restored that could rest on them
            again = await withdraw_again(connection, known, since.made_ms, since.now_ms)
            done.withdrawals = again
        await withhold(connection, known, since, done)
        await release_holds(connection, known, since, done)
        await take_back_again(connection, known, done)
        await command_again(connection, known, since, done)
        await publish(connection, known, done)
        await know_stores(connection, known)
    await database.scrub()
    return done
