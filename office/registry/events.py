"""What happened that ends lives: a contract's end, a device that is retired. On record, once.

Every function runs in the caller's transaction. Times are milliseconds UTC.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Row, delete, exists, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.store.changes import CHUNK_ROWS, chunks
from office.store.event_tables import EVENT_ENDS, EVENT_IDS, EVENTS
from office.store.row_ids import new_row_id
from office.store.tables import CONSENTS, DEVICES, LINKS
from policy.vocabulary.words import OPEN_TRIGGERS
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import MINUTE_MS, is_instant
from telemetry.wire.event import EventRefusal

KINDS: Final = tuple(sorted(OPEN_TRIGGERS))
"""The events that a policy may name and that no reading brings with it."""
AHEAD_MS_MAX: Final = 5 * MINUTE_MS
"""So far another system's clock, or the typist's, may be ahead of the office's."""
Origin = Literal["office", "topic"]
"""Who reported an event first: a command at the office, or another system on the topic."""


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
    origin: Origin


class TakenBack(NamedTuple):
    """An event that was taken back, and digests of the ids under which it was reported."""

    event: str
    digests: Sequence[str]


Remember = Callable[[TakenBack], Awaitable[None]]
"""Keeps what was taken back where no restore, and no topic that is read again, undoes it."""


async def check_events(
    connection: AsyncConnection, wanted: Sequence[NewEvent], now_ms: int, *, first: int | None
) -> None:
    """OfficeError if the kind of one is none, it has not happened yet, or nobody knows its id.

    ``first`` is the number of the first of them in what was asked, so that the refusal names which
    it is; None: only one was asked.
    """
    for start, some in zip(range(0, len(wanted), CHUNK_ROWS), chunks(wanted), strict=True):
        for number, why in enumerate(await refusals(connection, some, now_ms), start):
            if why is not None:
                words = _in_words(why, wanted[number])
                msg = words if first is None else f"event {first + number}: {words}"
                raise OfficeError(msg)


async def refusals(
    connection: AsyncConnection, wanted: Sequence[NewEvent], now_ms: int
) -> list[EventRefusal | None]:
    """Why each of these cannot be recorded, in their order; None: it can. ``CHUNK_ROWS`` at most.

    The one place that decides, whoever reported them.
    """
    known = await _known(connection, wanted)
    return [_wrong(new, now_ms, known) for new in wanted]


async def record_events(
    connection: AsyncConnection,
    wanted: Sequence[NewEvent],
    now_ms: int,
    origin: Origin = "office",
) -> list[str]:
    """Row ids in the order asked; an event that is on record already is answered with its own.

    Whoever calls has checked them, in the same transaction.
    """
    ids = await _on_record(connection, wanted)
    missing = [new for new in dict.fromkeys(wanted) if new not in ids]
    rows = [
        {"event": new_row_id(), **new._asdict(), "recorded_ms": now_ms, "origin": origin}
        for new in missing
    ]
    if rows:
        await connection.execute(insert(EVENTS), rows)
    ids |= {new: str(row["event"]) for new, row in zip(missing, rows, strict=True)}
    return [ids[new] for new in wanted]


def _wrong(
    new: NewEvent, now_ms: int, known: Collection[tuple[str, str | None]]
) -> EventRefusal | None:
    """Why an event cannot be recorded; None if it can."""
    if new.kind not in OPEN_TRIGGERS:
        return EventRefusal.UNKNOWN_EVENT
    if (new.subject is None) == (new.device is None):
        return EventRefusal.NOT_ONE
    if not is_instant(new.at_ms):
        return EventRefusal.NO_INSTANT
    if new.at_ms > now_ms + AHEAD_MS_MAX:
        return EventRefusal.AHEAD
    return EventRefusal.UNKNOWN if whose(new) not in known else None


def _in_words(why: EventRefusal, new: NewEvent) -> str:
    """What a command answers: why, and what to do. It names nobody."""
    nobody = "nobody" if new.device is None else "no device"
    return {
        EventRefusal.UNKNOWN_EVENT: f"no event of a policy; one of: {', '.join(KINDS)}",
        EventRefusal.NOT_ONE: "an event is about a person or a device: name one of them, not both",
        EventRefusal.NO_INSTANT: "no clock has that instant: check it",
        EventRefusal.AHEAD: "it lies ahead: record an event once it has happened",
        EventRefusal.UNKNOWN: f"the office knows {nobody} of that id: check the id",
    }[why]


def whose(new: NewEvent) -> tuple[str, str | None]:
    """What an event is about, a person or a device, and its id."""
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
    then = EVENTS.c.at_ms.in_({new.at_ms for new in wanted})
    rows = await connection.execute(select(EVENTS).where(about, then))
    there = [recorded(row) for row in rows]
    return {NewEvent(one.kind, one.at_ms, one.subject, one.device): one.event for one in there}


async def take_back(connection: AsyncConnection, event: str) -> TakenBack:
    """Delete an event that was recorded by mistake, and the ids that reported it.

    Whoever calls has it remembered before the transaction holds: nothing here knows it any more.
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
    reported = EVENT_IDS.c.event == event
    digests = list(await connection.scalars(select(EVENT_IDS.c.digest).where(reported)))
    await connection.execute(delete(EVENT_IDS).where(reported))
    return TakenBack(event, digests)


async def forget_events(connection: AsyncConnection, subject: SubjectId) -> int:
    """Delete every event about a person; how many. The caller scrubs after."""
    theirs = EVENTS.c.subject == subject
    for table in (EVENT_ENDS, EVENT_IDS):
        of_theirs = table.c.event.in_(select(EVENTS.c.event).where(theirs))
        await connection.execute(delete(table).where(of_theirs))
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
    return RecordedEvent(
        row.event, row.kind, subject, device, row.at_ms, row.recorded_ms, row.origin
    )
