"""Requests as they stand: read for whoever decides what comes next, or tells a person.

Every function runs in the caller's transaction.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.answers import known_stores
from office.erasure.saga import (
    BEFORE_DENIED,
    BEFORE_ERASED,
    COMMANDS_MAX,
    Standing,
    State,
    Surroundings,
)
from office.registry.erasure_requests import takes_effect_later
from office.store.changes import chunks, high_water
from office.store.erasure_tables import (
    ERASE_ANSWERS,
    ERASE_COMMANDS,
    ERASE_STEPS,
    ERASURES,
    PARTS,
)
from telemetry.instants import HOUR_MS

AT_ONCE_MAX: Final = 200
"""Requests that are looked at in one turn; the next turn takes the others."""
LATE_MS: Final = HOUR_MS
"""A copy that was not seen to end for so long after its date is overdue."""


class Found(NamedTuple):
    """A request, as its row and as it stands."""

    row: Row[Any]
    standing: Standing


class Figures(NamedTuple):
    """Of all requests together; nobody's own."""

    by_state: dict[str, int]
    oldest_asked_ms: int | None
    """Of those that some store has not carried out yet."""
    overdue: int
    """Requests that stores should have carried out, and copies that should have ended."""
    unscrubbed: int
    """Of which deleted bytes may be left in the files."""


async def look(connection: AsyncConnection, now_ms: int) -> list[Found]:
    """The requests for which something may be done now, those looked at longest ago first."""
    to_do = (ERASURES.c.state != State.CLOSED) & (ERASURES.c.look_ms <= now_ms)
    which = or_(to_do, ERASURES.c.unscrubbed)
    return await _found(connection, which, AT_ONCE_MAX, ERASURES.c.look_ms)


async def any_open(connection: AsyncConnection) -> bool:
    """Whether a request is on record whose commands live, or are still to be made."""
    return bool(await connection.scalar(select(exists().where(ERASURES.c.state != State.CLOSED))))


async def one_of(connection: AsyncConnection, erasure: str) -> Found:
    """One request; LookupError if there is none."""
    for found in await _found(connection, ERASURES.c.erasure == erasure, 1):
        return found
    raise LookupError(erasure)


async def those_of(connection: AsyncConnection, subject: str) -> list[Found]:
    """A person's requests, the first first; none once they are forgotten."""
    return await _found(connection, ERASURES.c.subject == subject, None)


async def surroundings(
    connection: AsyncConnection, view_ms: int, now_ms: int, commands_max: int = COMMANDS_MAX
) -> Surroundings:
    """What holds for every request now."""
    by_output = select(func.count()).select_from(ERASE_COMMANDS).group_by(ERASE_COMMANDS.c.output)
    counts = list(await connection.scalars(by_output))
    return Surroundings(
        now_ms,
        await high_water(connection),
        view_ms,
        await known_stores(connection),
        max(counts, default=0),
        commands_max,
    )


async def figures(connection: AsyncConnection, now_ms: int) -> Figures:
    """How many requests there are in each state but the last, and what is late."""
    counted = select(ERASURES.c.state, func.count().label("many")).group_by(ERASURES.c.state)
    by_state = {row.state: row.many for row in await connection.execute(counted)}
    waiting = ERASURES.c.state.in_(BEFORE_ERASED)
    oldest = await connection.scalar(select(func.min(ERASURES.c.asked_ms)).where(waiting))
    late = select(func.count()).where(waiting, ERASURES.c.due_ms < now_ms)
    ended = ERASE_STEPS.c.ended_ms.is_not(None)
    behind = select(func.count()).where(~ended, ERASE_STEPS.c.due_ms < now_ms - LATE_MS)
    overdue = (await connection.scalar(late) or 0) + (await connection.scalar(behind) or 0)
    living = {state: by_state.get(state, 0) for state in State if state is not State.CLOSED}
    dirty = await connection.scalar(select(func.count()).where(ERASURES.c.unscrubbed)) or 0
    counts = {str(state): count for state, count in living.items()}
    return Figures(counts, oldest, overdue, dirty)


async def oldest_uncommanded_ms(connection: AsyncConnection, now_ms: int) -> int | None:
    """When the oldest request was asked whose commands are not all computed; None: there is none.

    Commands are computed from links and epoch keys. A withdrawal that takes effect later needs none
    until then: a key that goes before had no row left for it to name.
    """
    oldest = select(func.min(ERASURES.c.asked_ms)).where(_uncommanded(now_ms))
    found: int | None = await connection.scalar(oldest)
    return found


async def uncommanded_subjects(connection: AsyncConnection, now_ms: int) -> set[str]:
    """Whose links such requests still need."""
    found = await connection.scalars(select(ERASURES.c.subject).where(_uncommanded(now_ms)))
    return {one for one in found if one is not None}


async def unerased_subjects(connection: AsyncConnection, now_ms: int) -> set[str]:
    """Of whom stores may still have to remove something that was asked for."""
    unerased = ERASURES.c.state.in_(BEFORE_ERASED) & ~takes_effect_later(now_ms)
    found = await connection.scalars(select(ERASURES.c.subject).where(unerased))
    return {one for one in found if one is not None}


def _uncommanded(now_ms: int) -> ColumnElement[bool]:
    return ERASURES.c.state.in_(BEFORE_DENIED) & ~takes_effect_later(now_ms)


async def _found(
    connection: AsyncConnection,
    which: ColumnElement[bool],
    most: int | None,
    *first: ColumnElement[int],
) -> list[Found]:
    ordered = (
        select(ERASURES).where(which).order_by(*first, ERASURES.c.asked_ms, ERASURES.c.erasure)
    )
    rows = (await connection.execute(ordered.limit(most))).all()
    ids = [row.erasure for row in rows]
    commands = await _commands(connection, ids)
    answers = await _answers(connection, [one for of in commands.values() for one in of])
    copies = await _copies(connection, ids)
    return [
        Found(
            row,
            Standing(
                erasure=row.erasure,
                state=State(row.state),
                whole=_whole(row),
                asked_ms=row.asked_ms,
                ends=row.kind == "end",
                from_ms=(row.begins_ms or row.from_ms or 0) if row.kind == "withdraw" else 0,
                sequence=row.sequence,
                published_ms=row.published_ms,
                until_ms=row.until_ms,
                unscrubbed=row.unscrubbed,
                d1_ms=row.d1_ms,
                d2_ms=row.d2_ms,
                commands=commands.get(row.erasure, {}),
                answered={
                    at: done
                    for at, done in answers.items()
                    if at[0] in commands.get(row.erasure, {})
                },
                copies=copies.get(row.erasure, {}),
            ),
        )
        for row in rows
    ]


def _whole(row: Row[Any]) -> bool:
    """As ``NewErasure.whole``: a part that is named is an interval at least."""
    return row.kind == "erase" and all(getattr(row, part) is None for part in PARTS)


async def _commands(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    columns = (ERASE_COMMANDS.c.erasure, ERASE_COMMANDS.c.command, ERASE_COMMANDS.c.output)
    for some in chunks(ids):
        query = select(*columns).where(ERASE_COMMANDS.c.erasure.in_(some))
        for erasure, command, output in await connection.execute(query):
            found.setdefault(erasure, {})[command] = output
    return found


async def _answers(
    connection: AsyncConnection, commands: Collection[str]
) -> dict[tuple[str, str], bool]:
    found: dict[tuple[str, str], bool] = {}
    for some in chunks(sorted(commands)):
        query = select(ERASE_ANSWERS).where(ERASE_ANSWERS.c.command.in_(some))
        for row in await connection.execute(query):
            found[row.command, row.store] = row.located_after == 0 and row.unreadable == 0
    return found


async def _copies(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for some in chunks(ids):
        left = ERASE_STEPS.c.erasure.in_(some) & ERASE_STEPS.c.ended_ms.is_(None)
        for row in await connection.execute(select(ERASE_STEPS).where(left)):
            found.setdefault(row.erasure, {})[row.copy] = row.due_ms
    return found
