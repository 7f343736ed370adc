"""Events as they come from their topic: recorded as those of a file are, once, and answered.

In: what lay in one partition, in order, and which ids are of events that were taken back. Out:
events on record, their ids, how far the topic is read, and answers that wait, all in the caller's
one transaction: whoever dies before it holds reads the same again, and whoever dies after it does
not. Times are milliseconds UTC.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from hashlib import sha256
from typing import Final, NamedTuple

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.registry.events import NewEvent, record_events, recorded, refusals, whose
from office.store.changes import CHUNK_ROWS
from office.store.event_tables import EVENT_IDS, EVENT_PLACES, EVENTS, REFUSED_EVENTS
from telemetry.identity import DeviceId, SubjectId
from telemetry.wire.event import EventRefusal, RefusedEvent, ReportedEvent

TOLD_MAX: Final = CHUNK_ROWS
"""Records of one transaction: a withdrawal waits for none for long."""
ONE_MAX: Final = 20
"""Ids that are remembered of events about one person or device: each may bring about a request of
its own, and with many that live everybody's ends wait."""
RECORDED: Final = "recorded"
AGAIN: Final = "again"
OUTCOMES: Final = (RECORDED, AGAIN, *(str(one) for one in EventRefusal))
"""What becomes of a record; labels of a metric."""


AmongTakenBack = Callable[[Collection[str]], Awaitable[AbstractSet[str]]]
"""Which of these digests of ids reported an event that was taken back."""


class Place(NamedTuple):
    """How far a partition is on record. Kafka's id says of which topic of that name."""

    topic_id: str
    next_offset: int


class Told(NamedTuple):
    """What one record held. Its repr is never to be printed."""

    offset: int
    behind: int
    """The first offset behind it."""
    what: ReportedEvent | EventRefusal


async def take_told(
    connection: AsyncConnection,
    topic_id: str,
    partition: int,
    told: Sequence[Told],
    now_ms: int,
    ids_max: int,
    taken_back: AmongTakenBack,
) -> list[str]:
    """Record what can be, leave answers for the rest, note the place; the outcome of each.

    At most ``TOLD_MAX``, in the order of their offsets. How records are parted into calls changes
    nothing, and neither does taking them again. ``taken_back`` is asked within the transaction, so
    that nobody takes an event back between the question and its answer.
    """
    outcomes = await _judge(connection, told, now_ms, ids_max, taken_back)
    refused = [
        {
            "topic_id": topic_id,
            "partition": partition,
            "offset": one.offset,
            "reason": outcome,
            "at_ms": now_ms,
        }
        for one, outcome in zip(told, outcomes, strict=True)
        if outcome not in (RECORDED, AGAIN)
    ]
    if refused:
        there = REFUSED_EVENTS.c
        again = delete(REFUSED_EVENTS).where(
            there.topic_id == topic_id,
            there.partition == partition,
            there.offset.in_([row["offset"] for row in refused]),
        )
        await connection.execute(again)
        await connection.execute(insert(REFUSED_EVENTS), refused)
    await note_place(connection, partition, Place(topic_id, told[-1].behind))
    return outcomes


async def _judge(
    connection: AsyncConnection,
    told: Sequence[Told],
    now_ms: int,
    ids_max: int,
    taken_back: AmongTakenBack,
) -> list[str]:
    reported = [(one.what, _new(one.what)) for one in told if isinstance(one.what, ReportedEvent)]
    whys = iter(await refusals(connection, [new for _, new in reported], now_ms))
    digests = {digest_of(event.id) for event, _ in reported}
    known = await _known(connection, digests)
    known |= dict.fromkeys(await taken_back(digests - known.keys()))
    room = ids_max - (await connection.scalar(select(func.count()).select_from(EVENT_IDS)) or 0)
    about = await _counted(connection, [new for _, new in reported])
    fresh: dict[str, NewEvent] = {}
    outcomes = list[str]()
    for one in told:
        if not isinstance(one.what, ReportedEvent):
            outcomes.append(one.what)
            continue
        new, why, digest = _new(one.what), next(whys), digest_of(one.what.id)
        if digest in known:
            same = known[digest] in (None, new)
            outcomes.append(AGAIN if same else EventRefusal.ID_REUSED)
        elif why is not None:
            outcomes.append(why)
        elif len(fresh) >= room or about[whose(new)] >= ONE_MAX:
            outcomes.append(EventRefusal.TOO_MANY)
        else:
            about[whose(new)] += 1
            known[digest] = fresh[digest] = new
            outcomes.append(RECORDED)
    ids = await record_events(connection, list(fresh.values()), now_ms, "topic")
    rows = [
        {"digest": digest, "event": event, "told_ms": now_ms}
        for digest, event in zip(fresh, ids, strict=True)
    ]
    if rows:
        await connection.execute(insert(EVENT_IDS), rows)
    return outcomes


def digest_of(event_id: str) -> str:
    """What the office remembers of a sender's id."""
    return sha256(event_id.encode()).hexdigest()


def _new(event: ReportedEvent) -> NewEvent:
    subject = None if event.subject is None else SubjectId(event.subject)
    device = None if event.device is None else DeviceId(event.device)
    return NewEvent(event.kind, event.at_ms, subject, device)


async def _known(
    connection: AsyncConnection, digests: Collection[str]
) -> dict[str, NewEvent | None]:
    """By remembered id, its event; None: it is not on record any more."""
    query = select(EVENT_IDS.c.digest, EVENTS).outerjoin_from(
        EVENT_IDS, EVENTS, EVENTS.c.event == EVENT_IDS.c.event
    )
    found: dict[str, NewEvent | None] = {}
    for row in await connection.execute(query.where(EVENT_IDS.c.digest.in_(digests))):
        one = None if row.event is None else recorded(row)
        found[row.digest] = (
            None if one is None else NewEvent(one.kind, one.at_ms, one.subject, one.device)
        )
    return found


async def _counted(
    connection: AsyncConnection, wanted: Sequence[NewEvent]
) -> Counter[tuple[str, str | None]]:
    """How many ids are remembered of events about each of these people and devices."""
    found = Counter[tuple[str, str | None]]()
    for what, column in (("subject", EVENTS.c.subject), ("device", EVENTS.c.device)):
        asked = {getattr(new, what) for new in wanted} - {None}
        remembered = EVENTS.c.event == EVENT_IDS.c.event, column.in_(asked)
        query = select(column, func.count()).where(*remembered).group_by(column)
        for one, many in await connection.execute(query) if asked else ():
            found[what, one] = many
    return found


async def places(connection: AsyncConnection) -> Mapping[int, Place]:
    """How far each partition is on record."""
    rows = await connection.execute(select(EVENT_PLACES))
    return {row.partition: Place(row.topic_id, row.next_offset) for row in rows}


async def note_place(connection: AsyncConnection, partition: int, place: Place) -> None:
    """Have a partition read on from there."""
    one = EVENT_PLACES.c.partition == partition
    await connection.execute(delete(EVENT_PLACES).where(one))
    row = {"partition": partition, **place._asdict()}
    await connection.execute(insert(EVENT_PLACES), [row])


async def forget_ids(connection: AsyncConnection, before_ms: int) -> int:
    """Forget ids under which something was reported before an instant; how many."""
    old = EVENT_IDS.c.told_ms < before_ms
    return (await connection.execute(delete(EVENT_IDS).where(old))).rowcount


async def waiting_answers(connection: AsyncConnection) -> list[RefusedEvent]:
    """Refusals that wait to be published, at most ``TOLD_MAX``."""
    rows = await connection.execute(select(REFUSED_EVENTS).limit(TOLD_MAX))
    return [
        RefusedEvent(
            v=1,
            topic_id=row.topic_id,
            partition=row.partition,
            offset=row.offset,
            reason=EventRefusal(row.reason),
            at_ms=row.at_ms,
        )
        for row in rows
    ]


async def answered(connection: AsyncConnection, published: Sequence[RefusedEvent]) -> None:
    """These were published."""
    there = REFUSED_EVENTS.c
    for one in published:
        it = (
            (there.topic_id == one.topic_id)
            & (there.partition == one.partition)
            & (there.offset == one.offset)
        )
        await connection.execute(delete(REFUSED_EVENTS).where(it))
