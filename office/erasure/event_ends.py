"""Ends that events brought about, as requests of erasure on the day they are due.

In: the office's database, all plans. Out: requests in it, one for each person and day, and what
withholds readings from before the event that come only now. An end and the note that it was asked
for are one transaction, so that none is asked twice or lost by a kill.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.ends import LaneEnd, lane_ends
from office.erasure.selecting import outputs_of
from office.registry.erasure_requests import NewErasure, ask
from office.registry.events import RecordedEvent, recorded
from office.registry.suppression import Withheld, suppress_late
from office.store.database import Database
from office.store.event_tables import EVENT_ENDS, EVENTS
from office.store.tables import LINKS
from policy.plan.last_rows import in_force
from policy.plan.plan import Plan
from telemetry.identity import SubjectId
from telemetry.instants import DAY_MS

AT_ONCE_MAX: Final = 200
"""Events that are looked at in one turn; the next turn takes the others."""


async def ask_for_ends(database: Database, plans: Callable[[], Sequence[Plan]], now_ms: int) -> int:
    """Ask for every end that is due; how many events were looked at. ``plans`` may block."""
    async with database.reading() as connection:
        query = select(EVENTS.c.event).where(EVENTS.c.look_ms <= now_ms)
        due = list(await connection.scalars(query.order_by(EVENTS.c.look_ms).limit(AT_ONCE_MAX)))
    if due:
        known = await asyncio.to_thread(plans)
        for event in due:
            async with database.writing() as connection:
                await _look(connection, event, known, now_ms)
    return len(due)


async def _look(
    connection: AsyncConnection, event: str, plans: Sequence[Plan], now_ms: int
) -> None:
    row = (await connection.execute(select(EVENTS).where(EVENTS.c.event == event))).one_or_none()
    if row is None:
        return  # it was taken back meanwhile
    one = recorded(row)
    found = await connection.execute(select(EVENT_ENDS).where(EVENT_ENDS.c.event == event))
    done = {(end.output, end.lane) for end in found}
    # A version that is announced ends nothing yet; within a day of taking over it is noticed.
    known = lane_ends(one.kind, one.at_ms, in_force(plans, now_ms))
    ends = [end for end in known if (end.output, end.lane) not in done]
    due = [end for end in ends if end.due_ms <= now_ms]
    if due:
        await _ask(connection, one, due, plans, now_ms)
    later = (end.due_ms for end in ends if end.due_ms > now_ms)
    look_ms = min([*later, now_ms + DAY_MS])
    await connection.execute(update(EVENTS).where(EVENTS.c.event == event).values(look_ms=look_ms))


async def _ask(
    connection: AsyncConnection,
    one: RecordedEvent,
    due: Sequence[LaneEnd],
    plans: Sequence[Plan],
    now_ms: int,
) -> None:
    lanes: dict[str, list[str]] = {}
    for end in due:
        lanes.setdefault(end.output, []).append(end.lane)
    outputs = {(o.purpose, o.recipient) for name in lanes for o in outputs_of(plans, name)}
    for subject, links in (await _whose(connection, one)).items():
        asked = NewErasure(
            "end",
            subject,
            one.kind,
            to_ms=one.at_ms,
            links=[link.link for link in links] or None,
            lanes=lanes,
        )
        await ask(connection, asked, now_ms)
        await suppress_late(connection, subject, outputs, _spans(one, links))
    rows = [{"event": one.event, **end._asdict()} for end in due]
    await connection.execute(insert(EVENT_ENDS), rows)


async def _whose(
    connection: AsyncConnection, one: RecordedEvent
) -> Mapping[SubjectId, Sequence[Row[Any]]]:
    """Whose lives end: by person, through which links; none named: through all of theirs."""
    which = LINKS.c.device == one.device
    if one.device is None:
        which = LINKS.c.subject == one.subject
    before = LINKS.c.from_ms < one.at_ms
    found = (await connection.execute(select(LINKS).where(which, before))).all()
    if one.device is None:
        return {one.subject: ()} if found and one.subject is not None else {}
    return _by_subject(found)


def _by_subject(links: Iterable[Row[Any]]) -> dict[SubjectId, list[Row[Any]]]:
    found: dict[SubjectId, list[Row[Any]]] = {}
    for link in links:
        found.setdefault(SubjectId(link.subject), []).append(link)
    return found


def _spans(one: RecordedEvent, links: Sequence[Row[Any]]) -> list[Withheld]:
    """When readings lie that the event ended: before it, and of a device while it was theirs."""
    if not links:
        return [Withheld(None, one.at_ms)]
    ends = [one.at_ms if link.to_ms is None else min(link.to_ms, one.at_ms) for link in links]
    spans = [Withheld(link.from_ms, end) for link, end in zip(links, ends, strict=True)]
    return [span for span in spans if span.from_ms != span.to_ms]
