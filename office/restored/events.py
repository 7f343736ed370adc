"""Events of a restored office that were taken back since: they are taken out again.

Runs in the caller's transaction.
"""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.registry.events import take_back
from office.replay_memory.items import EVENT
from office.replay_memory.known import Known
from office.restored.amended import Amended
from office.store.event_tables import EVENT_ENDS, EVENTS


async def take_back_again(connection: AsyncConnection, known: Known, done: Amended) -> None:
    """Take out every such event, and the ids under which it was reported: the memory has them.

    One that brought about an end was never taken back, only about to be.
    """
    ended = exists().where(EVENT_ENDS.c.event == EVENTS.c.event)
    query = select(EVENTS.c.event).where(~ended, EVENTS.c.acted.is_not(True))
    for event in list(await connection.scalars(query)):
        if known.ended(EVENT, event) is not None:
            await take_back(connection, event)
            done.taken_back += 1
