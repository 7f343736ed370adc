"""Carrying legal holds out: commands for what came since, and the end of those that are released.

In: the office's database, keys, a signer; plans and the outputs that can be reached, as arguments.
Out: commands in the outbox, keys that are destroyed, receipts. Whatever dies in between, the next
turn goes on. ``extend`` has its turn before erasures have theirs, so that no erasure is commanded
before the hold that covers it: those of whom a hold failed for have to wait.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, Protocol

import msgspec
from sqlalchemy import Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.answers import known_stores
from office.erasure.on_record import uncommanded_subjects
from office.erasure.receipt_chain import Sign
from office.erasure.receipts import issue
from office.erasure.selecting import Life
from office.erasure.steps import d3_in_words
from office.erasure.whereabouts import EpochKeys
from office.holds.answers import unreleased
from office.holds.commanding import (
    Missing,
    Wanted,
    about,
    commanded,
    grown,
    missing,
    wanted_of,
    with_floors,
)
from office.holds.register import OFFICE_ITSELF, State, release, release_ended
from office.holds.telling import announce_released, send
from office.keyring.hold_keys import name_of, public_key
from office.keyring.keyring import KeyState
from office.keyring.wrapping import KeyName
from office.registry.held import held_erasures, take_unheld
from office.replay_memory.items import HOLD, Ended, Item
from office.store.changes import ControlChange, announce
from office.store.database import Database
from office.store.erasure_tables import ERASURES
from office.store.hold_tables import HOLD_ANSWERS, HOLD_COMMANDS, HOLDS
from office.store.row_ids import new_row_id
from policy.plan.plan import Plan
from telemetry.identity import EpochKey, SubjectId
from telemetry.instants import MINUTE_MS
from telemetry.wire.hold import (
    HoldCommand,
    hold_key,
)

Remember = Callable[[Collection[Item], int], None]
"""Items, and now in milliseconds UTC."""
LOOK_EVERY_MS: Final = MINUTE_MS
"""How often new pseudonyms are looked for; at once if an erasure is to be commanded."""


class HoldKeys(EpochKeys, Protocol):
    """What is asked of a keyring."""

    def ensure(self, wanted: Collection[KeyName]) -> Mapping[KeyName, EpochKey]:
        """The keys of these names, made if missing; destroyed ones are absent."""
        ...

    def state(self, name: KeyName) -> KeyState | None:
        """``destroyed``, ``live``, or None if it was never made."""
        ...

    def destroy(self, names: Collection[KeyName]) -> None:
        """Make keys unrecoverable; may be repeated."""
        ...


class Failed(NamedTuple):
    """A hold that could not be extended."""

    subjects: frozenset[SubjectId]
    """Whom it is about: their erasures wait, since it may lack what they would take."""
    error: Exception


class HoldProgress:
    """Takes every hold as far as it goes."""

    def __init__(
        self,
        database: Database,
        keys: HoldKeys,
        sign: Sign,
        remember: Remember,
        replay_ms: int,
        hook: Callable[[str], None] = lambda _: None,
    ) -> None:
        """``remember`` keeps, durably, what an older register must not have again; it blocks.

        ``replay_ms``: how far back anything may be restored. ``hook`` is told each step
        that is durable; a test's kills there.
        """
        self._database = database
        self._keys = keys
        self._sign = sign
        self._remember = remember
        self._replay_ms = replay_ms
        self._hook = hook

    async def extend(
        self, plans: Callable[[], Sequence[Plan]], reachable: Collection[str], now_ms: int
    ) -> list[Failed]:
        """Command what is missing; ``plans`` may block. The failure of one hold stops no other."""
        async with self._database.reading() as connection:
            # A withdrawal that takes effect before the next look is hurried for, too.
            hurry = bool(await uncommanded_subjects(connection, now_ms + LOOK_EVERY_MS))
        failed = list[Failed]()
        for row in await self._in(State.LIVING):
            if hurry or not now_ms < row.look_ms <= now_ms + LOOK_EVERY_MS:
                try:
                    await self._extend(row, plans, reachable, now_ms)
                except Exception as error:  # noqa: BLE001  # the caller is told; others go on
                    async with self._database.reading() as connection:
                        failed.append(Failed(await about(connection, row), error))
        return failed

    async def let_go(self, plans: Callable[[], Sequence[Plan]], now_ms: int) -> None:
        """Make unreadable what is released, and close what every store has deleted."""
        async with self._database.writing() as connection:
            await release_ended(connection, now_ms)
        for row in await self._in(State.RELEASED):
            await self._make_unreadable(row, now_ms)
        for row in await self._in(State.UNREADABLE):
            await self._close(row, plans, now_ms)
        await self._scrub()

    async def _in(self, state: State) -> Sequence[Row[Any]]:
        query = select(HOLDS).where(HOLDS.c.state == state).order_by(HOLDS.c.placed_ms)
        async with self._database.reading() as connection:
            return (await connection.execute(query)).all()

    async def _extend(
        self,
        row: Row[Any],
        plans: Callable[[], Sequence[Plan]],
        reachable: Collection[str],
        now_ms: int,
    ) -> None:
        """Command the pseudonyms that came since; a new command's key is in the keyring first."""
        async with self._database.reading() as connection:
            wanted = await wanted_of(connection, row)
        if await asyncio.to_thread(self._was_released, wanted):
            async with self._database.writing() as connection:
                await release(connection, row.hold, OFFICE_ITSELF, now_ms)
            return
        if wanted.links:
            found, commands = await asyncio.to_thread(
                partial(self._commands, wanted, plans, reachable, now_ms)
            )
        else:
            found, commands = Missing(), []
        self._hook("keys made")
        async with self._database.writing() as connection:
            again = await wanted_of(connection, row)
            if again.before != wanted.before or again.row.state != State.LIVING:
                return  # another process did it, or it was released meanwhile
            crowded = await send(connection, row.hold, wanted, commands)
            unreached = sorted({*found.unreached, *crowded})
            one = update(HOLDS).where(HOLDS.c.hold == row.hold)
            await connection.execute(
                one.values(
                    look_ms=now_ms + LOOK_EVERY_MS,
                    unreached=msgspec.json.encode(unreached) if unreached else None,
                )
            )
        self._hook("commanded")

    def _was_released(self, wanted: Wanted) -> bool:
        """Whether a key of it is destroyed: nothing but a release does that.

        An older register may have been put back. What was copied can never be opened. Blocks.
        """
        states = (self._keys.state(name_of(one.command)) for one in wanted.before)
        return any(state == "destroyed" for state in states)

    def _commands(
        self,
        wanted: Wanted,
        plans: Callable[[], Sequence[Plan]],
        reachable: Collection[str],
        now_ms: int,
    ) -> tuple[Missing, list[HoldCommand]]:
        """What is missing, and the commands for it, with their keys. Blocks.

        A command whose key is lost takes no more: what it names is commanded anew, under a new key.
        """
        opening = [one for one in wanted.before if self._keys.state(name_of(one.command))]
        wanted = wanted._replace(before=opening)
        every = plans()
        found = missing(wanted, every, reachable, self._keys, now_ms)
        commands = [
            one
            for output, fresh in found.by_output.items()
            for one in grown(wanted, output, fresh, new_row_id)
        ]
        if not commands:
            return found, []
        keys = self._keys.ensure([name_of(one.command) for one in commands])
        return found, [
            with_floors(one, every, public_key(keys[name_of(one.command)])) for one in commands
        ]

    async def _make_unreadable(self, row: Row[Any], now_ms: int) -> None:
        """Destroy its keys, have stores delete what they cannot read, and forget whose it was."""
        async with self._database.reading() as connection:
            of_hold = select(HOLD_COMMANDS).where(HOLD_COMMANDS.c.hold == row.hold)
            rows = (await connection.execute(of_hold)).all()
        # Before: an older register that is put back must not let it live again.
        gone = [Ended(HOLD, row.hold, None), *(Ended(HOLD, one.command, None) for one in rows)]
        await asyncio.to_thread(self._remember, gone, now_ms)
        self._hook("remembered")
        names = [name_of(one.command) for one in rows]
        if names:
            await asyncio.to_thread(self._keys.destroy, names)
        self._hook("keys destroyed")
        async with self._database.writing() as connection:
            await announce_released(connection, rows, row, now_ms)
            drafts = [
                {"erasure": one, "what": "unheld", "copy": f"hold {row.hold}", "d3": d3}
                for one, d3 in await _unheld(connection, row.hold)
            ]
            await issue(connection, drafts, self._sign, now_ms)
            one = update(HOLDS).where(HOLDS.c.hold == row.hold)
            nobody = {"subject": None, "device": None, "unscrubbed": True}
            await connection.execute(one.values(state=State.UNREADABLE, unreached=None, **nobody))
        self._hook("released")

    async def _close(self, row: Row[Any], plans: Callable[[], Sequence[Plan]], now_ms: int) -> None:
        """Take its commands back once every store has deleted its copies.

        If none is known, once none could come that has any: as a command of erasure lives.
        """
        async with self._database.reading() as connection:
            outputs = {one.output for one in await commanded(connection, row.hold)}
            unknown = outputs - (await known_stores(connection)).keys()
        every = await asyncio.to_thread(plans) if unknown else ()
        life = Life(row.released_ms or now_ms, self._replay_ms)
        over = {one for one in unknown if life.until_ms(every, one, None) <= now_ms}
        async with self._database.writing() as connection:
            of_hold = HOLD_COMMANDS.c.hold == row.hold
            rows = (await connection.execute(select(HOLD_COMMANDS).where(of_hold))).all()
            for one in rows:
                if await unreleased(connection, one.command, one.output, over):
                    return
            await announce(
                connection, [ControlChange(one.topic, hold_key(one.command), None) for one in rows]
            )
            ids = [one.command for one in rows]
            await connection.execute(delete(HOLD_ANSWERS).where(HOLD_ANSWERS.c.command.in_(ids)))
            await connection.execute(delete(HOLD_COMMANDS).where(of_hold))
            closed = update(HOLDS).where(HOLDS.c.hold == row.hold)
            await connection.execute(closed.values(state=State.CLOSED, unscrubbed=True))
        self._hook("closed")

    async def _scrub(self) -> None:
        """Leave no pseudonym of what was released in the office's files."""
        async with self._database.reading() as connection:
            dirty = list(await connection.scalars(select(HOLDS.c.hold).where(HOLDS.c.unscrubbed)))
        if dirty:
            await self._database.scrub()
            async with self._database.writing() as connection:
                some = update(HOLDS).where(HOLDS.c.hold.in_(dirty))
                await connection.execute(some.values(unscrubbed=False))


async def _unheld(connection: AsyncConnection, hold: str) -> list[tuple[str, str]]:
    """The erasures of which a hold had a copy, and what is known of D3 without it."""
    erasures = await take_unheld(connection, hold)
    held = await held_erasures(connection, erasures)
    query = select(ERASURES.c.erasure, ERASURES.c.d3_ms).where(ERASURES.c.erasure.in_(erasures))
    rows = await connection.execute(query.order_by(ERASURES.c.erasure))
    return [(row.erasure, d3_in_words(row.d3_ms, held=row.erasure in held)) for row in rows]
