"""An older office made true again, before anybody works with it: what ended since ends in it, too.

In: the database as a backup had it, the memory of what was removed, instants. Out: counts; the rows
are gone from the files. Whatever the memory cannot know (who was linked, what was consented to
since) is not there: it only ever takes away. Nobody else may have the database open.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.saga import State
from office.holds.register import OFFICE_ITSELF, living_holds, release
from office.registry.consents import consent_of, delete_consents
from office.registry.erasure_requests import CLOSED, FIRST, NewErasure, ask
from office.registry.events import forget_events
from office.registry.held import forget_held
from office.registry.intervals import Interval, shortened
from office.registry.links import delete_link, link_of, link_row
from office.registry.restrictions import NewRestriction, restrict, restriction_of
from office.registry.suppression import forget_suppressions
from office.replay_memory.items import BEGINNING, HOLD, PERSON
from office.replay_memory.known import Known
from office.store.changes import ControlChange, announce, last_sequence
from office.store.database import Database
from office.store.erasure_tables import ERASE_COMMANDS, ERASURES, PARTS
from office.store.event_tables import EVENTS
from office.store.hold_tables import HOLD_COMMANDS, HOLDS
from office.store.row_ids import new_row_id
from office.store.tables import CONSENTS, LINKS, POLICIES, RESTRICTIONS
from telemetry.identity import LinkSecret, SubjectId
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS, CONTROL_POLICIES, erase_topic
from telemetry.wire.control import ControlRow
from telemetry.wire.erasure import EraseCommand, take_command
from telemetry.wire.publication import decode_publication

RESTORED: Final = "restored"
"""The reason of the request under which remembered commands go on living."""
_TABLES: Final[tuple[tuple[Table, str, str, Callable[[Any], ControlRow]], ...]] = (
    (LINKS, "link", CONTROL_LINKS, link_of),
    (CONSENTS, "consent", CONTROL_CONSENTS, consent_of),
    (RESTRICTIONS, "restriction", CONTROL_CONSENTS, restriction_of),
)
"""Tables of people, the column of their ids, their topic, and a row as that topic carries it."""
_OF_SUBJECTS: Final = (LINKS, CONSENTS, RESTRICTIONS, EVENTS, ERASURES, HOLDS)


@dataclass(slots=True)
class Amended:
    """What was changed in a restored office; nobody's own."""

    persons: int = 0
    """Forgotten again."""
    gone: int = 0
    """Links, consents and restrictions that were deleted since."""
    ended: int = 0
    """Those that ended since."""
    withheld: int = 0
    """Restrictions that were asked for since."""
    released: int = 0
    """Legal holds that were released since."""
    commands: int = 0
    """Commands of erasure that live and were made since."""
    versions: int = 0
    """Versions of the policy that were published since."""


@dataclass(frozen=True, slots=True)
class Since:
    """Instants in milliseconds UTC."""

    made_ms: int
    """When the backup was made."""
    now_ms: int
    lost: bool = False
    """Nobody knows what ended since: all that was open counts as ended when it was made."""


async def amend(database: Database, known: Known, since: Since) -> Amended:
    """Apply all that is known, in one transaction, then scrub. May be repeated."""
    done = Amended()
    async with database.writing() as connection:
        await _begin_later(connection, known, done)
        await _forget_persons(connection, known, since, done)
        for of in _TABLES:
            await _end_rows(connection, known, since, of, done)
        await _withhold(connection, known, since, done)
        await _release(connection, known, since, done)
        await _command(connection, known, since, done)
        await _publish(connection, known, done)
    await database.scrub()
    return done


async def living_commands(database: Database, now_ms: int) -> list[EraseCommand]:
    """What is to be removed from every store, and refused there."""
    async with database.reading() as connection:
        rows = (await connection.execute(select(ERASE_COMMANDS))).all()
    found = [take_command(row.value, row.output) for row in rows]
    return [one for one in found if one is not None and one.until_ms > now_ms]


async def every_command(database: Database, known: Known) -> list[EraseCommand]:
    """What is to be removed from a restored lake: what is on record or remembered, living or not.

    A command that lives no more was carried out on the lake that was lost.
    """
    async with database.reading() as connection:
        rows = (await connection.execute(select(ERASE_COMMANDS))).all()
    found = [take_command(row.value, row.output) for row in rows]
    found += [command for command, _ in _commands(known)]
    return list({one.command: one for one in found if one is not None}.values())


async def secrets_to_forget(database: Database) -> list[LinkSecret]:
    """Secrets of the links of those who asked to be forgotten as a whole, and are not yet."""
    whole = [ERASURES.c[part].is_(None) for part in PARTS]
    open_ones = (ERASURES.c.state != CLOSED) & (ERASURES.c.kind == "erase")
    theirs = select(ERASURES.c.subject).where(open_ones, ERASURES.c.subject.is_not(None), *whole)
    async with database.reading() as connection:
        query = select(LINKS.c.secret).where(LINKS.c.subject.in_(theirs)).distinct()
        return [LinkSecret(one) for one in await connection.scalars(query)]


async def _forget_persons(
    connection: AsyncConnection, known: Known, since: Since, done: Amended
) -> None:
    subjects = set[str]()
    for table in _OF_SUBJECTS:
        found = await connection.scalars(select(table.c.subject).distinct())
        subjects |= {one for one in found if one is not None}
    for subject in sorted(subjects):
        end = known.ended(PERSON, subject)
        # Who asked before is on record in it as they were; they may have come back by then.
        if end is None or end.at_ms < since.made_ms:
            continue
        if await _all_gone(connection, known, subject):
            await _forget(connection, SubjectId(subject))
            done.persons += 1
        else:
            # Their rows were not found yet, and are by these links alone.
            whole = NewErasure("erase", SubjectId(subject), FIRST)
            await ask(connection, whole, since.now_ms)


async def _all_gone(connection: AsyncConnection, known: Known, subject: str) -> bool:
    """Whether nothing of the person was left: what they had is erased, or was commanded to be."""
    for table, column, topic, _ in _TABLES[:2]:
        query = select(table.c[column]).where(table.c.subject == subject)
        for name in await connection.scalars(query):
            end = known.ended(topic, name)
            if end is None or end.to_ms is not None:
                return False
    return True


async def _begin_later(connection: AsyncConnection, known: Known, done: Amended) -> None:
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


async def _forget(connection: AsyncConnection, subject: SubjectId) -> None:
    query = select(LINKS.c.link).where(LINKS.c.subject == subject)
    for link in list(await connection.scalars(query)):
        await delete_link(connection, link)
    await delete_consents(connection, subject)
    await forget_events(connection, subject)
    await forget_suppressions(connection, subject)
    await forget_held(connection, subject)
    nobody = dict.fromkeys(("subject", "nonce", "links", "consents", "taken"))
    theirs = update(ERASURES).where(ERASURES.c.subject == subject)
    await connection.execute(theirs.values(nobody))


async def _end_rows(
    connection: AsyncConnection,
    known: Known,
    since: Since,
    of: tuple[Table, str, str, Callable[[Any], ControlRow]],
    done: Amended,
) -> None:
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


async def _withhold(connection: AsyncConnection, known: Known, since: Since, done: Amended) -> None:
    """Keep back what people asked for since, of those whom the backup knows at all."""
    rows = (await connection.execute(select(RESTRICTIONS.c.restriction))).scalars().all()
    there = {key.hashed("restriction", name) for name in rows for key in known.weeks}
    subjects = set[str]()
    for table in (LINKS, CONSENTS):
        subjects |= set(await connection.scalars(select(table.c.subject).distinct()))
    for subject in sorted(subjects):
        for hashed, one in known.withheld_of(subject):
            # What is older was on record in it, unless it had done its work.
            if hashed in there or one.at_ms < since.made_ms:
                continue
            facts = (one.reason, one.purpose, one.recipient, one.from_ms, one.to_ms)
            if one.to_ms is None or one.to_ms > one.from_ms:
                await restrict(connection, NewRestriction(SubjectId(subject), *facts))
                done.withheld += 1


async def _release(connection: AsyncConnection, known: Known, since: Since, done: Amended) -> None:
    """Let go of legal holds that were released since: their keys are destroyed next.

    If nobody knows which, of all: those whose keys are destroyed could not be opened.
    """
    for hold in await living_holds(connection):
        of_hold = select(HOLD_COMMANDS.c.command).where(HOLD_COMMANDS.c.hold == hold)
        commands = await connection.scalars(of_hold)
        if since.lost or any(known.ended(HOLD, one) is not None for one in (hold, *commands)):
            await release(connection, hold, OFFICE_ITSELF, since.now_ms)
            done.released += 1


async def _command(connection: AsyncConnection, known: Known, since: Since, done: Amended) -> None:
    """Have remembered commands live on: under one request, which takes them back in its time."""
    there = set(await connection.scalars(select(ERASE_COMMANDS.c.command)))
    fresh = [one for one in _commands(known) if one[0].command not in there]
    fresh = [one for one in fresh if one[0].until_ms > since.now_ms]
    if not fresh:
        return
    erasure = new_row_id()
    request = {
        "erasure": erasure,
        "kind": "end",
        "reason": RESTORED,
        "state": State.GONE,
        "asked_ms": since.now_ms,
        "due_ms": since.now_ms,
        "sequence": await last_sequence(connection),
        "until_ms": max(command.until_ms for command, _ in fresh),
        "look_ms": 0,
        "unscrubbed": False,
    }
    await connection.execute(insert(ERASURES), request)
    for command, value in fresh:
        topic = erase_topic(command.output)
        row = {"command": command.command, "erasure": erasure, "output": command.output}
        await connection.execute(insert(ERASE_COMMANDS), row | {"topic": topic, "value": value})
        await announce(connection, [ControlChange(topic, command.command, value)])
    done.commands = len(fresh)


def _commands(known: Known) -> Iterator[tuple[EraseCommand, bytes]]:
    seen = set[str]()
    for output, value in known.commands():
        command = take_command(value, output)
        if command is not None and command.command not in seen:
            seen.add(command.command)
            yield command, value


async def _publish(connection: AsyncConnection, known: Known, done: Amended) -> None:
    """Record the versions of the policy that were published since: they may keep less."""
    there = set(await connection.scalars(select(POLICIES.c.version)))
    for name, value in sorted(known.published().items()):
        found = decode_publication(value)
        if found.version not in there:
            row = {"version": found.version, "policy": found.policy, "value": value}
            await connection.execute(insert(POLICIES).values(row))
            await announce(connection, [ControlChange(CONTROL_POLICIES, name, value)])
            done.versions += 1
