"""What happened that ends lives: a contract's end, a device that is retired. On record, once.

Every function runs in the caller's transaction. Times are milliseconds UTC.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, delete, exists, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.store.event_tables import EVENT_ENDS, EVENTS
from office.store.row_ids import new_row_id
from office.store.tables import CONSENTS, DEVICES, LINKS
from policy.vocabulary.words import OPEN_TRIGGERS
from telemetry.identity import DeviceId, SubjectId

KINDS: Final = tuple(sorted(OPEN_TRIGGERS))
"""The events that a policy may name and that no reading brings with it."""


class NewEvent(NamedTuple):
    """An event that happened to one person, or to one device and whoever it was linked to."""

    kind: str
    at_ms: int
    subject: SubjectId | None = None
    device: DeviceId | None = None


class RecordedEvent(NamedTuple):
    """An event on record. Its repr is never to be printed."""

    event: str
    kind: str
    subject: SubjectId | None
    device: DeviceId | None
    at_ms: int
    recorded_ms: int


async def record_events(
    connection: AsyncConnection, wanted: Sequence[NewEvent], now_ms: int
) -> list[str]:
    """Row ids in the order asked; an event that is on record already is answered with its own.

    OfficeError, naming which of several it is, if its kind is none, it has not happened yet, or
    the office knows nobody and no device of that id.
    """
    ids = []
    for number, new in enumerate(wanted, 1):
        which = f"event {number}: " if len(wanted) > 1 else ""
        await _check(connection, new, now_ms, which)
        same = await connection.scalar(
            select(EVENTS.c.event).where(
                EVENTS.c.kind == new.kind,
                EVENTS.c.at_ms == new.at_ms,
                EVENTS.c.subject.is_not_distinct_from(new.subject),
                EVENTS.c.device.is_not_distinct_from(new.device),
            )
        )
        if same is None:
            same = new_row_id()
            row = {"event": same, **new._asdict(), "recorded_ms": now_ms}
            await connection.execute(insert(EVENTS), row)
        ids.append(str(same))
    return ids


async def _check(connection: AsyncConnection, new: NewEvent, now_ms: int, which: str) -> None:
    if new.kind not in OPEN_TRIGGERS:
        msg = f"{which}no event of a policy; one of: {', '.join(KINDS)}"
        raise OfficeError(msg)
    if (new.subject is None) == (new.device is None):
        msg = f"{which}an event is about a person or a device: name one of them, not both"
        raise OfficeError(msg)
    if new.at_ms > now_ms:
        msg = f"{which}it lies ahead: record an event once it has happened"
        raise OfficeError(msg)
    known = [exists().where(DEVICES.c.device == new.device)]
    if new.device is None:
        known = [exists().where(table.c.subject == new.subject) for table in (LINKS, CONSENTS)]
    if not await connection.scalar(select(or_(*known))):
        what = "nobody" if new.device is None else "no device"
        msg = f"{which}the office knows {what} of that id: check the id"
        raise OfficeError(msg)


async def take_back(connection: AsyncConnection, event: str) -> None:
    """Delete an event that was recorded by mistake.

    OfficeError if there is none, or one of its ends was carried out: what is deleted stays so.
    """
    if await connection.scalar(select(exists().where(EVENT_ENDS.c.event == event))):
        msg = (
            "rows were deleted already because of that event, and do not come back: record what "
            "is right beside it"
        )
        raise OfficeError(msg)
    gone = await connection.execute(delete(EVENTS).where(EVENTS.c.event == event))
    if gone.rowcount == 0:
        msg = "there is no such event: list them (roadfade event list)"
        raise OfficeError(msg)


async def forget_events(connection: AsyncConnection, subject: SubjectId) -> int:
    """Delete every event about a person; how many. The caller scrubs after."""
    theirs = EVENTS.c.subject == subject
    ends = EVENT_ENDS.c.event.in_(select(EVENTS.c.event).where(theirs))
    await connection.execute(delete(EVENT_ENDS).where(ends))
    return (await connection.execute(delete(EVENTS).where(theirs))).rowcount


async def events(connection: AsyncConnection) -> list[RecordedEvent]:
    """Every event on record, the earliest first."""
    ordered = select(EVENTS).order_by(EVENTS.c.at_ms, EVENTS.c.event)
    return [recorded(row) for row in await connection.execute(ordered)]


async def carried_out(connection: AsyncConnection) -> dict[str, set[tuple[str, str]]]:
    """By event, the outputs and lanes whose end was asked to be carried out."""
    found: dict[str, set[tuple[str, str]]] = {}
    for row in await connection.execute(select(EVENT_ENDS)):
        found.setdefault(row.event, set()).add((row.output, row.lane))
    return found


def recorded(row: Row[Any]) -> RecordedEvent:
    """A row of the table as an event."""
    subject = None if row.subject is None else SubjectId(row.subject)
    device = None if row.device is None else DeviceId(row.device)
    return RecordedEvent(row.event, row.kind, subject, device, row.at_ms, row.recorded_ms)
