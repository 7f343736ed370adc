"""Carrying requests out: each step in one transaction, with the receipts of what it did.

In: the office's database, keys, a signer; plans and the outputs that can be reached, as arguments.
Out: requests that are a step further, commands in the outbox. Whatever dies in between, the next
turn goes on; two that work at once do no step twice.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import select, update

from office.erasure.consent_moves import ConsentMoves
from office.erasure.on_record import AT_ONCE_MAX, Found, look, one_of, surroundings
from office.erasure.receipt_chain import Sign
from office.erasure.receipts import issue
from office.erasure.saga import COMMANDS_MAX, State, Step, Wait, next_step, to_look_for
from office.erasure.searching import Reach, Search, search, wanted_of
from office.erasure.steps import CONTROL_COPY, At, carry_out
from office.erasure.whereabouts import EpochKeys
from office.store.database import Database
from office.store.erasure_tables import ERASE_STEPS, ERASURES
from policy.plan.plan import Plan

STEPS_MAX: Final = 20
"""Of one request in one turn: more than a request has, if nothing makes it wait."""

AGAIN_MS: Final = 10_000
"""How long a search is not repeated whose outputs could not be reached."""


class Moment(StrEnum):
    """A point of a step."""

    WRITTEN = "written"
    """All is written, and nothing holds yet."""
    DURABLE = "durable"


Hook = Callable[[Step, Moment], None]


def go_on(_step: Step, _moment: Moment) -> None:
    """Do nothing: how every process but a test's runs."""


def no_backups() -> int | None:
    """None is registered."""
    return None


class Horizons(NamedTuple):
    """How long what cannot be asked takes, in milliseconds."""

    view_ms: int
    """No worker acts on a view that is older."""
    replay_ms: int
    """How far back anything may be read again or restored."""
    control_ms: int
    """A deleted row of a control topic is in no file of the broker after this, if an office ran."""
    events_ms: int
    """A reported event is in no file of the broker after this."""
    commands_max: int = COMMANDS_MAX
    """Living commands of an output that a store holds."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request, and what it waits for."""

    erasure: str
    wait: Wait


class Progress:
    """Carries requests out, one step after the other."""

    def __init__(
        self,
        database: Database,
        keys: EpochKeys,
        sign: Sign,
        horizons: Horizons,
        hook: Hook = go_on,
        backups_end_ms: Callable[[], int | None] = no_backups,
        moves: ConsentMoves | None = None,
    ) -> None:
        """``backups_end_ms``: see ``At``; it blocks, and raises if that is not known.

        ``moves``: what takes evidence of consents that go; None: none is kept.
        """
        self._moves = moves
        self._database = database
        self._keys = keys
        self._sign = sign
        self._horizons = horizons
        self._hook = hook
        self._backups_end_ms = backups_end_ms
        self._turned_ms: int | None = None
        """When the last turn was."""

    async def turn(
        self,
        plans: Callable[[], Sequence[Plan]],
        reachable: Collection[str],
        now_ms: int,
        held_up: Collection[str] = (),
    ) -> list[Waiting]:
        """Take every open request as far as it goes; what those wait for that could not be ended.

        ``plans`` gives all versions that ever were in force, and may block; ``reachable``: the
        outputs whose topic of commands is there; ``held_up``: whose requests have no turn. An error
        of one request is raised when the others have had theirs.
        """
        reach = Reach(plans, reachable)
        if self._turned_ms is None:
            await self._count_control_anew(now_ms)
        if self._turned_ms is None or now_ms < self._turned_ms:
            await self._look_at_all()
        self._turned_ms = now_ms
        async with self._database.reading() as connection:
            open_ones = await look(connection, now_ms)
        if len(open_ones) >= AT_ONCE_MAX:
            await self._put_behind(open_ones, now_ms)
        waiting, failed = list[Waiting](), list[Exception]()
        for found in open_ones:
            if found.row.subject in held_up:
                continue
            try:
                wait = await self._take_further(found.row.erasure, reach, now_ms)
            except Exception as error:  # noqa: BLE001  # it is raised below; others go on
                failed.append(error)
            else:
                if wait is not None:
                    waiting.append(Waiting(found.row.erasure, wait))
        for failure in failed:
            raise failure
        return waiting

    async def _take_further(self, erasure: str, reach: Reach, now_ms: int) -> Wait | None:
        for _ in range(STEPS_MAX):
            async with self._database.reading() as connection:
                found = await one_of(connection, erasure)
                around = await surroundings(
                    connection, self._horizons.view_ms, now_ms, self._horizons.commands_max
                )
            if unknown := to_look_for(found.standing, around):
                plans = await asyncio.to_thread(reach.plans)
                having = {output.id for plan in plans for output in plan.outputs}
                # With no version at hand nobody knows that none has them.
                around = replace(around, without=unknown - having if plans else frozenset())
            step = next_step(found.standing, around)
            if isinstance(step, Step):
                step = await self._step(step, found, reach, now_ms)
            elif step is None:
                return None
            if step is not None:
                await self._look_later(erasure, step, now_ms)
                return step
        return None

    async def _count_control_anew(self, now_ms: int) -> None:
        """Nothing was compacted while no office sent heartbeats: the time of that counts from now.

        For how long none ran is not known; a deleted row may lie in a file as if deleted just now.
        """
        due_ms = now_ms + self._horizons.control_ms
        waited_for = (ERASE_STEPS.c.copy == CONTROL_COPY) & ERASE_STEPS.c.ended_ms.is_(None)
        later = update(ERASE_STEPS).where(waited_for & (ERASE_STEPS.c.due_ms < due_ms))
        async with self._database.writing() as connection:
            await connection.execute(later.values(due_ms=due_ms))

    async def _look_at_all(self) -> None:
        """Have every request looked at: a clock that was ahead may have put it off for years."""
        async with self._database.writing() as connection:
            open_ones = update(ERASURES).where(ERASURES.c.state != State.CLOSED)
            await connection.execute(open_ones.values(look_ms=0))

    async def _put_behind(self, some: Sequence[Found], now_ms: int) -> None:
        """Have others looked at before these the next time: they may wait for somebody for long."""
        these = update(ERASURES).where(ERASURES.c.erasure.in_([one.row.erasure for one in some]))
        async with self._database.writing() as connection:
            await connection.execute(these.values(look_ms=now_ms))

    async def _look_later(self, erasure: str, wait: Wait, now_ms: int) -> None:
        if wait.until_ms is None or wait.until_ms <= now_ms:
            return
        later = update(ERASURES).where(ERASURES.c.erasure == erasure)
        async with self._database.writing() as connection:
            await connection.execute(later.values(look_ms=wait.until_ms))

    async def _step(self, step: Step, found: Found, reach: Reach, now_ms: int) -> Wait | None:
        """Carry out one step, unless somebody else did; a reason to wait if it could not be."""
        searched, scrubbed = Search(), list[str]()
        if step in (Step.COMMAND, Step.COMPLETE):
            searched = await self._search(found, reach, now_ms)
        elif step is Step.SCRUB:
            scrubbed = await self._scrub()
        elif step is Step.UNLINK:
            await self._keep_evidence(found, reach, now_ms)
        ends_ms = await asyncio.to_thread(self._backups_end_ms) if step is Step.CONFIRM else None
        async with self._database.writing() as connection:
            again = await one_of(connection, found.row.erasure)
            if again.standing != found.standing:
                return None
            horizons = self._horizons
            at = At(connection, again, now_ms, horizons.control_ms, horizons.events_ms, ends_ms)
            drafts = await carry_out(step, at, searched, scrubbed)
            await issue(connection, drafts, self._sign, now_ms)
            self._hook(step, Moment.WRITTEN)
        self._hook(step, Moment.DURABLE)
        if step is Step.UNLINK and self._moves is not None:
            await self._moves.tidy()
        if step is Step.COMPLETE and searched.unreachable:
            missing = "these outputs have no topic of commands"
            return Wait(missing, now_ms + AGAIN_MS, searched.unreachable)
        return None

    async def _keep_evidence(self, found: Found, reach: Reach, now_ms: int) -> None:
        """Before consents go; what was put aside counts only once they have."""
        if self._moves is None:
            return
        plans = await asyncio.to_thread(reach.plans)
        row = found.row
        await self._moves.prepare_person(row.subject or "", row.nonce, plans, now_ms)

    async def _search(self, found: Found, reach: Reach, now_ms: int) -> Search:
        async with self._database.reading() as connection:
            wanted = await wanted_of(connection, found.row)
        look_for = partial(search, wanted, reach, self._keys, self._horizons.replay_ms, now_ms)
        return await asyncio.to_thread(look_for)

    async def _scrub(self) -> list[str]:
        """Scrub the files; the requests whose deletions are gone from them now."""
        async with self._database.reading() as connection:
            query = select(ERASURES.c.erasure).where(ERASURES.c.unscrubbed)
            dirty = list(await connection.scalars(query))
        await self._database.scrub()
        return dirty
