"""What happened that ends lives: a contract's end, a device that is retired. On record, once.

Every function runs in the caller's transaction. Times are milliseconds UTC.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.store.changes import CHUNK_ROWS, chunks
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


async def check_events(
    connection: AsyncConnection, wanted: Sequence[NewEvent], now_ms: int, *, first: int | None
) -> None:
    """OfficeError if the kind of one is none, it has not happened yet, or nobody knows its id.

    ``first`` is the number of the first of them in what was asked, so that the refusal names which
    it is; None: only one was asked.
    """
    for start, some in zip(range(0, len(wanted), CHUNK_ROWS), chunks(wanted), strict=True):
        known = await _known(connection, some)
        for number, new in enumerate(some, start):
            why = _wrong(new, now_ms, known)
            if why is not None:
                msg = why if first is None else f"event {first + number}: {why}"
                raise OfficeError(msg)


async def record_events(
    connection: AsyncConnection, wanted: Sequence[NewEvent], now_ms: int
) -> list[str]:
    """Row ids in the order asked; an event that is on record already is answered with its own.

    Whoever calls has checked them, in the same transaction.
    """
    ids = await _on_record(connection, wanted)
    missing = [new for new in dict.fromkeys(wanted) if new not in ids]
    rows = [{"event": new_row_id(), **new._asdict(), "recorded_ms": now_ms} for new in missing]
    if rows:
        await connection.execute(insert(EVENTS), rows)
    ids |= {new: str(row["event"]) for new, row in zip(missing, rows, strict=True)}
    return [ids[new] for new in wanted]


def _wrong(new: NewEvent, now_ms: int, known: Collection[tuple[str, str | None]]) -> str | None:
    """Why an event cannot be recorded; None if it can."""
    if new.kind not in OPEN_TRIGGERS:
        return f"no event of a policy; one of: {', '.join(KINDS)}"
    if (new.subject is None) == (new.device is None):
        return "an event is about a person or a device: name one of them, not both"
    if new.at_ms > now_ms:
        return "it lies ahead: record an event once it has happened"
    if _whose(new) not in known:
        what = "nobody" if new.device is None else "no device"
        return f"the office knows {what} of that id: check the id"
    return None


def _whose(new: NewEvent) -> tuple[str, str | None]:
    return ("subject", new.subject) if new.device is None else ("device", new.device)


async def _known(
    connection: AsyncConnection, wanted: Sequence[NewEvent]
) -> set[tuple[str, str | None]]:
    """Those of the people and devices of these events whom the office knows."""
    found = set[tuple[str, str | None]]()
    for what, column in (
        ("subject", LINKS.c.subject),
        ("subject", CONSENTS.c.subject),
        ("device", DEVICES.c.device),
    ):
        asked = {getattr(new, what) for new in wanted} - {None}
        rows = await connection.scalars(select(column).where(column.in_(asked)).distinct())
        found |= {(what, one) for one in rows}
    return found


async def _on_record(
    connection: AsyncConnection, wanted: Sequence[NewEvent]
) -> dict[NewEvent, str]:
    """By event, the row of each that is there."""
    subjects = {new.subject for new in wanted} - {None}
    devices = {new.device for new in wanted} - {None}
    about = EVENTS.c.subject.in_(subjects) | EVENTS.c.device.in_(devices)
    rows = await connection.execute(select(EVENTS).where(about))
    there = [recorded(row) for row in rows]
    return {NewEvent(one.kind, one.at_ms, one.subject, one.device): one.event for one in there}


async def take_back(connection: AsyncConnection, event: str) -> None:
    """Delete an event that was recorded by mistake.

    OfficeError if there is none, or one of its ends was carried out: what is deleted stays so.
    """
    ended = select(exists().where(EVENT_ENDS.c.event == event))
    # Its ends may just have been put back to be asked for again: what they took is gone.
    acted = select(exists().where(EVENTS.c.event == event, EVENTS.c.acted))
    if await connection.scalar(ended) or await connection.scalar(acted):
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
