"""Copying for legal holds: what lies in the store, what comes, what an erasure is about to take.

In: commands of holds that the office vouches for, and which records were written. Out: sealed
copies, and what was copied on ``audit.erasures``. A hold is carried out whole when it comes, after
a restart and each day, and within a minute for who wrote since. Expiry never waits for a copy: what
had expired before it was copied is not held. An erasure does wait: its rows go once they are
copied. What hinders copying (no room, no broker) ends nothing: it is tried again.
Sealed files are read piece by piece, one in a turn, so that no erasure waits for all of a hold.
"""

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from operator import attrgetter
from typing import Final

from bus.failures import BrokerError, SendFailedError
from bus.pacing import monotonic_ms
from bus.publisher import Publisher
from bus.records import Outgoing
from roadfade.clock import WallClock
from roadfade.processes.say_once import SayOnce
from roadfade.processes.sink.hold_state import HoldState, both_name
from sinks.holds.folder import Held, HoldFolder
from sinks.port.sink import Store
from telemetry.arrived import Arrived
from telemetry.identity import Pseudonym
from telemetry.instants import DAY_MS, MINUTE_MS
from telemetry.topics import AUDIT_ERASURES
from telemetry.wire.erasure import EraseCommand
from telemetry.wire.hold import HOLD_VERSION, HoldAnswer, HoldCommand, encode_hold_answer

AGAIN_MS: Final = 5_000
"""How soon it is tried again after it was hindered."""
WHOLE_AGAIN_MS: Final = DAY_MS
"""How soon everything is looked through, and answered, anew."""
NEW_AGAIN_MS: Final = MINUTE_MS
"""How soon what came since is copied."""
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)
_KEY: Final = attrgetter("key")
logger = logging.getLogger(__name__)


class Holding:
    """Remembers what it has copied; one command at a time."""

    def __init__(
        self,
        store: Store,
        folder: HoldFolder,
        publisher: Publisher,
        clock: WallClock,
        elapsed_ms: Callable[[], int] = monotonic_ms,
        make_room: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """``clock`` says what has expired and dates answers, ``elapsed_ms`` when to try again.

        ``make_room`` gives up what is kept for erasures on the copies' disk; whether there was any.
        """
        self._store = store
        self._folder = folder
        self._publisher = publisher
        self._clock = clock
        self._elapsed_ms = elapsed_ms
        self._make_room = make_room
        self._say = SayOnce(logger)
        self._say_reading = SayOnce(logger, logging.INFO)
        self._states: dict[str, HoldState] = {}
        self._by_key: dict[bytes | None, list[HoldState]] = {}
        self._turns = 0

    def keep_to(self, living: Iterable[HoldCommand]) -> None:
        """Know these commands, and remember no others."""
        commands = {one.command: one for one in living}
        if {id_: state.command for id_, state in self._states.items()} == commands:
            return
        self._states = {id_: self._state(one) for id_, one in commands.items()}
        self._by_key = {}
        for state in self._states.values():
            for pseudonym in state.command.pseudonyms:
                self._by_key.setdefault(pseudonym.encode(), []).append(state)

    def forget_all_but(self, living: Collection[str]) -> None:
        """Remember of no erasure but those with these ids what was copied for it."""
        for state in self._states.values():
            for id_ in state.copied_before.keys() - living:
                del state.copied_before[id_]

    def saw(self, records: Sequence[Arrived]) -> None:
        """Records were written: a record's key is its pseudonym."""
        if self._by_key.keys().isdisjoint(map(_KEY, records)):
            return
        for key in {record.key for record in records} & self._by_key.keys():
            for state in self._by_key[key]:
                state.wrote.add(Pseudonym((key or b"").decode()))

    def is_done(self, command: HoldCommand) -> bool:
        """Whether what it names is copied, or, once it is released, deleted."""
        state = self._states.get(command.command)
        return state is not None and state.command == command and state.done

    def is_due(self, command: HoldCommand) -> bool:
        """Whether something may be copied or answered now."""
        state, now_ms = self._state(command), self._elapsed_ms()
        if state.hindered_ms > now_ms:
            return False
        return state.whole_ms <= now_ms or bool(state.wrote and state.new_ms <= now_ms)

    def next_due(self, commands: Iterable[HoldCommand]) -> HoldCommand | None:
        """The one that is due and had its turn longest ago; None: none is due."""
        due = filter(self.is_due, commands)
        return min(due, key=lambda one: self._state(one).turn, default=None)

    async def carry_out(self, command: HoldCommand) -> None:
        """Copy what is due, and answer; later, if something hinders it or more is to be read."""
        state = self._state(command)
        self._turns += 1
        state.turn = self._turns
        if command.released_ms is not None:
            await self._tried(state, self._delete)
        elif state.whole_ms <= self._elapsed_ms():
            await self._tried(state, self._copy_whole)
        else:
            await self._tried(state, self._copy_new)

    async def copied_before(
        self,
        erase: EraseCommand,
        holds: Iterable[HoldCommand],
        unvouched: Iterable[HoldCommand] = (),
    ) -> bool:
        """Whether no hold lacks a row that an erasure names: they are copied now.

        False as well while files of a hold are to be read first: ask again in the next turn. What
        was copied for it until then stays known, however much others have read in between.

        What arrives behind is refused by the erasure, and so is nobody's to copy. ``unvouched``
        are holds that are not carried out yet: none may mean such a row.
        """
        if any(both_name(erase, one) for one in unvouched):
            return False
        named = [(self._state(one), both) for one in holds if (both := both_name(erase, one))]
        for state, both in named:
            if max(state.hindered_ms, state.erasure_ms) > self._elapsed_ms():
                return False
            if not state.is_copied_before(erase, both, self._clock()):
                copy = partial(self._copy_for_erasure, some=both)
                if not await self._tried(state, copy, for_erasure=True):
                    return False
                state.copied_before[erase.command] = erase
        for state, _ in named:
            del state.copied_before[erase.command]
        return True

    async def _tried(
        self,
        state: HoldState,
        work: Callable[[HoldState], Awaitable[bool | None]],
        *,
        for_erasure: bool = False,
    ) -> bool:
        """Whether it was done; what hinders it is said once, and it is due again soon.

        ``work`` gives None if it goes on in the next turn.
        """
        later_ms = AGAIN_MS
        try:
            done = await work(state)
        except OSError as error:
            self._say(f"a legal hold waits, its copies cannot be written: {error.strerror}")
        except (SendFailedError, BrokerError, TimeoutError):
            self._say("a legal hold is carried out, and its answer waits for the broker")
        except Exception as failure:  # noqa: BLE001  # a sink that ends for it keeps nothing at all
            # The message may quote what was read.
            self._say(f"a legal hold could not be carried out: {type(failure).__name__}")
        else:
            if done is None:
                return False
            if done:
                self._say.forget()
                return True
            self._say("a legal hold has more rows than `hold_rows_max` lets a store copy")
            later_ms = NEW_AGAIN_MS
        state.copied_before.clear()
        again_ms = self._elapsed_ms() + later_ms
        if for_erasure:
            state.erasure_ms = again_ms
        else:
            state.hindered_ms = again_ms
        state.whole_ms, state.held = min(state.whole_ms, again_ms), None
        return False

    async def _copy_whole(self, state: HoldState) -> bool | None:
        command = state.command.command
        now_ms = self._elapsed_ms()
        if state.read_ms is None or now_ms - state.read_ms >= WHOLE_AGAIN_MS:
            self._folder.ask_anew(command)
            state.read_ms = now_ms
        if not await asyncio.to_thread(self._folder.read_on, command, anew=True):
            return None
        state.wrote.clear()  # what is written from here on is due again
        now_ms = self._clock()
        held = await asyncio.to_thread(self._folder.copy, self._store, state.command, now_ms)
        await self._answer(state, held, now_ms)
        state.held = held
        # With files that cannot be read it is as far as it goes: they may be put back.
        state.whole_ms = self._elapsed_ms() + WHOLE_AGAIN_MS
        state.new_ms = self._elapsed_ms() + NEW_AGAIN_MS
        return held.complete

    async def _copy_new(self, state: HoldState) -> bool | None:
        return await self._copy_some(state, state.wrote)

    async def _copy_for_erasure(self, state: HoldState, some: Collection[Pseudonym]) -> bool | None:
        if not await asyncio.to_thread(self._folder.read_on, state.command.command, spare=True):
            self._say_reading("an erasure waits until the copies of a legal hold are read")
            return None
        self._say_reading.forget()
        try:
            return await self._copy_some(state, some)
        except OSError as error:
            full = error.errno in NO_ROOM
            if not full or self._make_room is None or not await self._make_room():
                raise
            return await self._copy_some(state, some)

    async def _copy_some(self, state: HoldState, some: Collection[Pseudonym]) -> bool | None:
        if not await asyncio.to_thread(self._folder.read_on, state.command.command):
            return None
        some = frozenset(some)
        state.wrote -= some
        state.new_ms = self._elapsed_ms() + NEW_AGAIN_MS
        now_ms = self._clock()
        try:
            held = await asyncio.to_thread(
                self._folder.copy, self._store, state.command, now_ms, some
            )
        except BaseException:
            state.wrote |= some
            raise
        if state.answered is not None and held.rows != state.answered:
            # Whoever answers a person has to know that a copy remains.
            unreadable = state.held.unreadable if state.held else 0
            await self._answer(state, held._replace(unreadable=unreadable), now_ms)
        return held.complete

    async def _delete(self, state: HoldState) -> bool:
        await asyncio.to_thread(self._folder.delete, state.command.command)
        held = Held(0, 0, complete=True)
        await self._answer(state, held, self._clock())
        state.held = held
        state.whole_ms = self._elapsed_ms() + WHOLE_AGAIN_MS
        return True

    async def _answer(self, state: HoldState, held: Held, now_ms: int) -> None:
        """Publish what is copied; each day anew, since the topic forgets."""
        command = state.command
        answer = HoldAnswer(
            v=HOLD_VERSION,
            kind="hold",
            command=command.command,
            output=command.output,
            store=await asyncio.to_thread(self._store.name),
            rows=held.rows,
            unreadable=held.unreadable,
            complete=held.complete,
            released=command.released_ms is not None,
            at_ms=now_ms,
        )
        record = Outgoing(AUDIT_ERASURES, None, answer.key, encode_hold_answer(answer))
        await self._publisher.publish([record])
        state.answered = held.rows

    def _state(self, command: HoldCommand) -> HoldState:
        state = self._states.get(command.command)
        if state is None or state.command != command:
            read_ms = None if state is None else state.read_ms
            state = self._states[command.command] = HoldState(
                command, self._elapsed_ms(), read_ms=read_ms
            )
        return state
