"""Withdrawals that an older office does not know as requests: asked for again, as they were.

In: a restored or rebuilt office, the memory of what was removed. Out: how many consents. Every
function runs in the caller's transaction.
"""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.registry.erasure_requests import ask_as_withdrawn
from office.replay_memory.items import ERASED_WITH
from office.replay_memory.known import Known
from office.store.tables import CONSENTS
from telemetry.identity import SubjectId
from telemetry.topics import CONTROL_CONSENTS


async def withdraw_again(
    connection: AsyncConnection,
    known: Known,
    since_ms: int,
    now_ms: int,
    also: Collection[str] = (),
) -> int:
    """Ask again for what rests on consents that ended, or were said to, from an instant on.

    ``also``: consents that count, whenever they ended. Of how many consents it is asked; what is
    on record as asked for is not asked for twice.
    """
    ended = select(CONSENTS).where(CONSENTS.c.to_ms.is_not(None)).order_by(CONSENTS.c.consent)
    count = 0
    for row in (await connection.execute(ended)).all():
        whole = known.ended(ERASED_WITH, row.consent)
        found = [one for one in (known.ended(CONTROL_CONSENTS, row.consent), whole) if one]
        last_ms = max([row.to_ms, *(one.at_ms for one in found)])
        if last_ms < since_ms and row.consent not in also:
            continue
        who, theirs = SubjectId(row.subject), [row.consent]
        all_ms = None if whole is None else whole.to_ms
        if all_ms is None or all_ms > row.to_ms:
            asked = (row.purpose, theirs, row.to_ms, now_ms, row.to_ms)
            await ask_as_withdrawn(connection, who, *asked)
        if all_ms is not None:
            # Until then what is of before the withdrawal may stay.
            await ask_as_withdrawn(connection, who, row.purpose, theirs, None, now_ms, all_ms)
        count += 1
    return count
