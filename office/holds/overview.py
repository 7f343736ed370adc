"""Legal holds as they stand, for whoever answers for them: what is held, where, and since when.

Reads only, in the caller's transaction. Nobody is named: a hold is of a person or a vehicle.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.answers import known_stores
from office.holds.register import Entry, State, entries, one_of, purposes_of
from office.store.hold_tables import HOLD_ANSWERS, HOLD_COMMANDS, HOLDS


@dataclass(frozen=True, slots=True)
class HeldIn:
    """What one store has copied of one output. Instants are milliseconds UTC."""

    output: str
    store: str | None
    """None: no store has answered yet, or not all that are known."""
    rows: int
    unreadable: int
    complete: bool
    since_ms: int | None
    """What had expired by then is not held; None: not everything is copied yet."""


@dataclass(frozen=True, slots=True)
class HoldOverview:
    """One hold. Instants are milliseconds UTC."""

    hold: str
    state: State
    basis: str
    reference: str
    owner: str
    of: str
    """``person``, ``vehicle``, ``person and vehicle``, or ``nobody any more``."""
    purposes: tuple[str, ...] | None
    from_ms: int | None
    to_ms: int | None
    placed_ms: int
    review_ms: int
    overdue: bool
    """Whether it lives, and its day of review is past."""
    end_ms: int | None
    released_ms: int | None
    looked: bool
    """Whether the office has looked yet under which pseudonyms it lies."""
    held: tuple[HeldIn, ...]
    unreached: tuple[str, ...]
    """Outputs whose stores cannot be asked now."""
    entries: tuple[Entry, ...]

    @property
    def empty(self) -> bool:
        """Whether it was looked, and there is nobody's pseudonym to hold rows of."""
        return self.looked and not self.held and not self.unreached

    @property
    def complete_since_ms(self) -> int | None:
        """Since when every store has copied all; None: some has not, or no store was asked yet."""
        since = [one.since_ms for one in self.held]
        known = [one for one in since if one is not None]
        if self.unreached or not known or len(known) < len(since):
            return None
        return max(known)


async def list_holds(connection: AsyncConnection, now_ms: int) -> list[HoldOverview]:
    """Every hold that was ever placed, the first first."""
    ordered = select(HOLDS).order_by(HOLDS.c.placed_ms, HOLDS.c.hold)
    rows = (await connection.execute(ordered)).all()
    return [await _told(connection, row, now_ms) for row in rows]


async def show_hold(connection: AsyncConnection, hold: str, now_ms: int) -> HoldOverview:
    """One of them; OfficeError if there is none."""
    return await _told(connection, await one_of(connection, hold), now_ms)


async def _told(connection: AsyncConnection, row: Row[Any], now_ms: int) -> HoldOverview:
    unreached = msgspec.json.decode(row.unreached, type=list[str]) if row.unreached else []
    purposes = purposes_of(row)
    return HoldOverview(
        hold=row.hold,
        state=State(row.state),
        basis=row.basis,
        reference=row.reference,
        owner=row.owner,
        of=_of(row),
        purposes=None if purposes is None else tuple(sorted(purposes)),
        from_ms=row.from_ms,
        to_ms=row.to_ms,
        placed_ms=row.placed_ms,
        review_ms=row.review_ms,
        overdue=row.state == State.LIVING and row.review_ms < now_ms,
        end_ms=row.end_ms,
        released_ms=row.released_ms,
        looked=row.look_ms > 0,
        held=tuple(await _held(connection, row.hold)),
        unreached=tuple(unreached),
        entries=tuple(await entries(connection, row.hold)),
    )


async def _held(connection: AsyncConnection, hold: str) -> list[HeldIn]:
    """By output and store; a store that is known and has not answered is without a name."""
    commands = (
        await connection.execute(
            select(HOLD_COMMANDS)
            .where(HOLD_COMMANDS.c.hold == hold)
            .order_by(HOLD_COMMANDS.c.output, HOLD_COMMANDS.c.command)
        )
    ).all()
    known, found = await known_stores(connection), list[HeldIn]()
    for command in commands:
        of_command = select(HOLD_ANSWERS).where(HOLD_ANSWERS.c.command == command.command)
        answers = (await connection.execute(of_command.order_by(HOLD_ANSWERS.c.store))).all()
        found += [
            HeldIn(command.output, one.store, one.rows, one.unreadable, one.complete, one.since_ms)
            for one in answers
        ]
        expected = known.get(command.output, frozenset())
        if not answers or expected - {one.store for one in answers}:
            found.append(HeldIn(command.output, None, 0, 0, complete=False, since_ms=None))
    return found


def _of(row: Row[Any]) -> str:
    named = {"person": row.subject, "vehicle": row.device}
    both = [what for what, which in named.items() if which is not None]
    return " and ".join(both) or "nobody any more"


class Figures(NamedTuple):
    """Of all holds together."""

    living: int
    unreviewed: int
    """Whose day of review is past."""
    leaving: int
    """Released, and not closed yet."""


async def hold_figures(connection: AsyncConnection, now_ms: int) -> Figures:
    """How many holds there are, and what is late."""
    counted = select(HOLDS.c.state, func.count().label("many")).group_by(HOLDS.c.state)
    by_state = {row.state: row.many for row in await connection.execute(counted)}
    late = (HOLDS.c.state == State.LIVING) & (HOLDS.c.review_ms < now_ms)
    unreviewed = await connection.scalar(select(func.count()).select_from(HOLDS).where(late)) or 0
    unscrubbed = select(func.count()).select_from(HOLDS).where(HOLDS.c.unscrubbed)
    left = by_state.get(State.RELEASED, 0) + by_state.get(State.UNREADABLE, 0)
    dirty = await connection.scalar(unscrubbed) or 0
    return Figures(by_state.get(State.LIVING, 0), unreviewed, left + dirty)
