"""Which public keys front doors are offered to seal with, as the outbox publishes them.

In: rows of ``control.sealing`` as they are to be. Out: those on record, and what changed, queued.
"""

from collections.abc import Mapping

from sqlalchemy import delete, insert, select

from office.store.changes import ControlChange, announce
from office.store.database import Database
from office.store.sealing_tables import SEALING_KEYS
from telemetry.topics import CONTROL_SEALING


async def offer(database: Database, rows: Mapping[str, bytes]) -> None:
    """Offer these and no others. An office that was restored may know some that are lost."""
    async with database.reading() as connection:
        known = {row.row: row.value for row in await connection.execute(select(SEALING_KEYS))}
    if known == rows:
        return
    gone = known.keys() - rows.keys()
    new = {row: value for row, value in rows.items() if known.get(row) != value}
    async with database.writing() as connection:
        changed = SEALING_KEYS.c.row.in_([*gone, *new])
        await connection.execute(delete(SEALING_KEYS).where(changed))
        if new:
            values = [{"row": row, "value": value} for row, value in new.items()]
            await connection.execute(insert(SEALING_KEYS), values)
        changes = [ControlChange(CONTROL_SEALING, row, None) for row in sorted(gone)]
        changes += [ControlChange(CONTROL_SEALING, row, new[row]) for row in sorted(new)]
        await announce(connection, changes)
