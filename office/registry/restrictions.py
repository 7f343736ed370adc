"""What of a person is to be kept back, and until when.

Every function runs in the caller's transaction: a request, and what keeps the person's data back
meanwhile, are one change.
"""

from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.registry.devices import checked_id
from office.registry.intervals import Interval, asked_interval, shortened
from office.store.changes import ControlChange, announce
from office.store.row_ids import new_row_id
from office.store.tables import RESTRICTIONS
from telemetry.identity import SubjectId
from telemetry.instants import is_instant
from telemetry.topics import CONTROL_CONSENTS
from telemetry.wire.control import Restriction, RestrictionReason


class NewRestriction(NamedTuple):
    """What someone asks to be kept back, as ``telemetry.wire.control.Restriction`` says it."""

    subject: SubjectId
    reason: RestrictionReason
    purpose: str | None
    recipient: str | None
    from_ms: int
    to_ms: int | None


def restriction_of(row: Row[Any]) -> Restriction:
    """A row of the table as the control topic carries it."""
    return Restriction(
        restriction=row.restriction,
        subject=SubjectId(row.subject),
        reason=row.reason,
        purpose=row.purpose,
        recipient=row.recipient,
        from_ms=row.from_ms,
        to_ms=row.to_ms,
    )


async def restrict(connection: AsyncConnection, new: NewRestriction) -> str:
    """Keep this back from now on; the row's id, and the same id for equal facts.

    An objection that was lifted since is another fact: who objects again is heard again. Whether
    the policy has such a purpose and recipient is the caller's to know. OfficeError for an interval
    that holds nothing, or lies outside the years 1 to 9999.
    """
    checked_id("subject", new.subject)
    asked_interval(new.from_ms, new.to_ms)
    if not all(is_instant(one) for one in (new.from_ms, new.to_ms) if one is not None):
        msg = "an instant outside the years 1 to 9999: no worker could read it"
        raise OfficeError(msg)
    equal = [
        RESTRICTIONS.c[name].is_not_distinct_from(said) for name, said in new._asdict().items()
    ]
    known = select(RESTRICTIONS.c.restriction).where(*equal)
    given: str | None = await connection.scalar(known.order_by(RESTRICTIONS.c.restriction))
    if given is not None:
        return given
    row = Restriction(new_row_id(), *new)
    values = {"restriction": row.restriction, **new._asdict()}
    await connection.execute(insert(RESTRICTIONS).values(values))
    await announce(connection, [ControlChange(CONTROL_CONSENTS, row.restriction, row)])
    return row.restriction


async def lift(connection: AsyncConnection, restriction: str, at_ms: int) -> None:
    """End an objection at an instant; it only ever becomes shorter. May be repeated.

    OfficeError if there is none of that id, or if it is of what was erased: that stays erased.
    """
    where = RESTRICTIONS.c.restriction == restriction
    found = (await connection.execute(select(RESTRICTIONS).where(where))).one_or_none()
    if found is None:
        msg = "there is no restriction of that id: check the id"
        raise OfficeError(msg)
    row = restriction_of(found)
    if row.reason == "erased":
        msg = "what a person had erased stays erased: only an objection can be lifted"
        raise OfficeError(msg)
    ended = shortened(Interval(row.from_ms, row.to_ms), at_ms)
    if ended.to_ms == row.to_ms:
        return
    await connection.execute(update(RESTRICTIONS).where(where).values(to_ms=ended.to_ms))
    lifted = msgspec.structs.replace(row, to_ms=ended.to_ms)
    await announce(connection, [ControlChange(CONTROL_CONSENTS, restriction, lifted)])


async def objections_of(connection: AsyncConnection, subject: SubjectId) -> list[str]:
    """The row ids of a person's objections, over or not."""
    theirs = (RESTRICTIONS.c.subject == subject) & (RESTRICTIONS.c.reason == "objected")
    return list(await connection.scalars(select(RESTRICTIONS.c.restriction).where(theirs)))


async def forget_restriction(connection: AsyncConnection, restriction: str) -> bool:
    """Keep nothing back for it any longer, and forget it; False if there is none.

    For one that has done its work: nothing that it keeps back can come any more. The caller
    scrubs after.
    """
    where = RESTRICTIONS.c.restriction == restriction
    gone = await connection.execute(delete(RESTRICTIONS).where(where))
    if gone.rowcount == 0:
        return False
    await announce(connection, [ControlChange(CONTROL_CONSENTS, restriction, None)])
    return True
