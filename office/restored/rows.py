"""Links, consents, restrictions and holds of a restored office: they end as they did since.

Every function runs in the caller's transaction.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.holds.register import OFFICE_ITSELF, living_holds, release
from office.registry.consents import consent_of
from office.registry.erasure_requests import FIRST, NewErasure, ask
from office.registry.intervals import Interval, shortened
from office.registry.links import link_of, link_row
from office.registry.restrictions import NewRestriction, restrict, restriction_of
from office.replay_memory.items import BEGINNING, HOLD, RESTRICTION
from office.replay_memory.known import Known, StoreOf, Withholding
from office.restored.amended import Amended, Since
from office.store.changes import ControlChange, announce
from office.store.erasure_tables import ERASE_STORES
from office.store.hold_tables import HOLD_COMMANDS
from office.store.row_ids import new_row_id
from office.store.tables import CONSENTS, LINKS, RESTRICTIONS
from telemetry.identity import SubjectId
from telemetry.instants import FIRST_MS
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS
from telemetry.wire.control import ControlRow

TABLES: Final[tuple[tuple[Table, str, str, Callable[[Any], ControlRow]], ...]] = (
    (LINKS, "link", CONTROL_LINKS, link_of),
    (CONSENTS, "consent", CONTROL_CONSENTS, consent_of),
    (RESTRICTIONS, "restriction", CONTROL_CONSENTS, restriction_of),
)
"""Tables of people, the column of their ids, their topic, and a row as that topic carries it."""


async def end_rows(
    connection: AsyncConnection,
    known: Known,
    since: Since,
    of: tuple[Table, str, str, Callable[[Any], ControlRow]],
    done: Amended,
) -> None:
    """Delete what was deleted since, and end what ended; a memory that is lost ends all of it."""
    table, column, topic, told = of
    for row in (await connection.execute(select(table))).all():
        name = getattr(row, column)
        end = known.ended(topic, name)
        if end is not None and end.to_ms is None:
            await connection.execute(delete(table).where(table.c[column] == name))
            await announce(connection, [ControlChange(topic, name, None)])
            done.gone += 1
            continue
        ends = [] if end is None or end.to_ms is None else [end.to_ms]
        if since.lost and table is not RESTRICTIONS:
            ends.append(min(since.made_ms, since.now_ms))
        span = Interval(row.from_ms, row.to_ms)
        for to_ms in ends:
            span = shortened(span, to_ms)
        if span.to_ms != row.to_ms:
            one = table.c[column] == name
            await connection.execute(update(table).where(one).values(to_ms=span.to_ms))
            after = (await connection.execute(select(table).where(one))).one()
            await announce(connection, [ControlChange(topic, name, told(after))])
            done.ended += 1


async def begin_later(connection: AsyncConnection, known: Known, done: Amended) -> None:
    """Have links begin as late as they did since: what was before is another's, or nobody's.

    A link that holds nothing keeps the old beginning: rows of earlier epochs are found by it.
    """
    for row in (await connection.execute(select(LINKS))).all():
        end = known.ended(BEGINNING, row.link)
        if end is None or end.to_ms is None:
            continue
        from_ms = -end.to_ms if row.to_ms is None else min(-end.to_ms, row.to_ms)
        if from_ms <= row.from_ms:
            continue
        link = link_of(row)
        earlier = replace(link, link=new_row_id(), to_ms=row.from_ms)
        later = replace(link, from_ms=from_ms)
        await connection.execute(insert(LINKS), link_row(earlier))
        at = LINKS.c.link == row.link
        await connection.execute(update(LINKS).where(at).values(from_ms=from_ms))
        changes = [ControlChange(CONTROL_LINKS, one.link, one) for one in (earlier, later)]
        await announce(connection, changes)
        done.ended += 1


async def withhold(connection: AsyncConnection, known: Known, since: Since, done: Amended) -> None:
    """Keep back what people asked for since, of those whom the backup knows at all.

    Who had a part erased asks for it again: the request was not in the backup, nor what it waits
    for. What withholds does not say of which vehicle; of whom several were linked then, only what
    comes late is withheld, and that is counted.
    """
    rows = (await connection.execute(select(RESTRICTIONS.c.restriction))).scalars().all()
    there = {key.hashed(RESTRICTION, name) for name in rows for key in known.weeks}
    subjects = set[str]()
    for table in (LINKS, CONSENTS):
        subjects |= set(await connection.scalars(select(table.c.subject).distinct()))
    for subject in sorted(subjects):
        parts = list[Withholding]()
        for hashed, one in known.withheld_of(subject):
            # What is older was on record in it, unless it had done its work.
            if hashed in there or one.at_ms < since.made_ms:
                continue
            facts = (one.reason, one.purpose, one.recipient, one.from_ms, one.to_ms)
            if one.to_ms is None or one.to_ms > one.from_ms:
                await restrict(connection, NewRestriction(SubjectId(subject), *facts))
                done.withheld += 1
                parts += [one] if _is_part(one) else []
        await _ask_again(connection, SubjectId(subject), parts, since, done)


def _is_part(one: Withholding) -> bool:
    """Whether a person asked for a part to be erased; of what events end a recipient is named."""
    return one.reason == "erased" and one.recipient is None and one.to_ms is not None


async def _ask_again(
    connection: AsyncConnection,
    subject: SubjectId,
    parts: Sequence[Withholding],
    since: Since,
    done: Amended,
) -> None:
    """One request for each interval, of all its purposes; ``parts`` are one person's."""
    purposes: dict[Interval, set[str | None]] = {}
    for one in parts:
        purposes.setdefault(Interval(one.from_ms, one.to_ms), set()).add(one.purpose)
    for span, named in purposes.items():
        if await _vehicles(connection, subject, span) > 1:
            done.unasked += 1
            continue
        every = None in named
        new = NewErasure(
            "erase",
            subject,
            FIRST,
            None if span.from_ms <= FIRST_MS else span.from_ms,
            span.to_ms,
            purposes=None if every else sorted(one for one in named if one is not None),
        )
        await ask(connection, new, since.now_ms)
        done.asked += 1


async def _vehicles(connection: AsyncConnection, subject: str, span: Interval) -> int:
    """How many vehicles were linked to a person at some instant of an interval."""
    overlap = (LINKS.c.from_ms < span.to_ms) & (
        LINKS.c.to_ms.is_(None) | (LINKS.c.to_ms > span.from_ms)
    )
    count = select(func.count(LINKS.c.device.distinct()))
    return await connection.scalar(count.where(LINKS.c.subject == subject, overlap)) or 0


async def release_holds(
    connection: AsyncConnection, known: Known, since: Since, done: Amended
) -> None:
    """Let go of legal holds that were released since: their keys are destroyed next.

    If nobody knows which, of all: those whose keys are destroyed could not be opened.
    """
    for hold in await living_holds(connection):
        of_hold = select(HOLD_COMMANDS.c.command).where(HOLD_COMMANDS.c.hold == hold)
        commands = await connection.scalars(of_hold)
        if since.lost or any(known.ended(HOLD, one) is not None for one in (hold, *commands)):
            await release(connection, hold, OFFICE_ITSELF, since.now_ms)
            done.released += 1


async def know_stores(connection: AsyncConnection, known: Known) -> None:
    """Await the stores that were known since: one that is away says nothing of itself by now."""
    columns = (ERASE_STORES.c.store, ERASE_STORES.c.output)
    there = {StoreOf(*row) for row in await connection.execute(select(*columns))}
    missing = {one: since_ms for one, since_ms in known.stores().items() if one not in there}
    for one, since_ms in missing.items():
        row = {**one._asdict(), "since_ms": since_ms}
        await connection.execute(insert(ERASE_STORES), row)
