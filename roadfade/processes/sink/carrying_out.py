"""Carrying out commands of erasure on the store, and answering them.

In: commands whose rows the sink refuses already. Out: the rows are gone, and ``audit.erasures`` has
what was found. Each is carried out again after a restart: the answer has the same key. What hinders
it (another erasure, a restatement, no room, no broker, whatever fails) ends nothing: it is tried
again; without room at once, as soon as the room is given up that was kept for it, which a copy for
a legal hold may need first. An answer is given anew each day, since its topic forgets, and the
office may be away.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from bus.failures import BrokerError, SendFailedError
from bus.pacing import monotonic_ms
from bus.publisher import Publisher
from bus.records import Outgoing
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.processes.say_once import SayOnce
from roadfade.unaccounted import ExpiredAccount
from sinks.port.kept_room import KeptRoom
from sinks.port.results import Receipt
from sinks.port.selection import Selection
from sinks.port.sink import Store, StoreFullError, StoreTakenError
from telemetry.instants import DAY_MS, MINUTE_MS
from telemetry.topics import AUDIT_ERASURES
from telemetry.wire.erasure import ERASURE_VERSION, EraseAnswer, EraseCommand, encode_answer

ROUNDS_MAX: Final = 3
"""So often one command is carried out in a row, while rows are left and nothing hinders it."""
AGAIN_MS: Final = 5_000
"""How soon it is tried again after it was hindered."""
AGAIN_LEFT_MS: Final = 60_000
"""And after it was answered, but rows are left or files cannot be read."""
ANSWER_AGAIN_MS: Final = DAY_MS
"""How soon an answer is given anew: well before its topic forgets it."""
ROOM_EVERY_MS: Final = MINUTE_MS
"""How often it is seen to that there is room kept for erasures."""
_NO_ROOM: Final = "there is no room on the store's disk to rewrite what is left"
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _State:
    """How far a command is."""

    command: EraseCommand
    again_ms: int
    before: int | None = None
    """Rows that were there as it was first carried out."""
    digests: list[str] = field(default_factory=list)
    said: tuple[int, int] | None = None
    """Rows left and files unreadable, as last answered."""
    answer: Outgoing | None = None
    """What was answered last."""
    done: bool = False


class CarryingOut:
    """Remembers what it has done; one command at a time."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        account: ExpiredAccount,
        clock: WallClock,
        elapsed_ms: Callable[[], int] = monotonic_ms,
        reserve: KeptRoom | None = None,
    ) -> None:
        """``clock`` dates answers, ``elapsed_ms`` says when to try again.

        ``reserve``: room on the store's disk that is kept for erasures.
        """
        self._store = store
        self._publisher = publisher
        self._account = account
        self._clock = clock
        self._elapsed_ms = elapsed_ms
        self._reserve = reserve
        self._room_ms = 0
        self._say = SayOnce(logger)
        self._states: dict[str, _State] = {}

    def is_done(self, command: EraseCommand) -> bool:
        """Whether it is carried out, and the answer is durable."""
        return self._state(command).done

    def is_due(self, command: EraseCommand) -> bool:
        """Whether it is worth trying now, or answering anew."""
        return self._state(command).again_ms <= self._elapsed_ms()

    def forget_all_but(self, living: Collection[str]) -> None:
        """Remember no command but those with these ids."""
        if len(self._states) > len(living):
            states = self._states.items()
            self._states = {id_: state for id_, state in states if id_ in living}

    async def keep_room(self) -> None:
        """Have room kept on the store's disk, if that is wanted and there is some; now and then."""
        if self._reserve is None or self._elapsed_ms() < self._room_ms:
            return
        self._room_ms = self._elapsed_ms() + ROOM_EVERY_MS
        try:
            there = await asyncio.to_thread(self._reserve.keep)
        except OSError as error:
            there = False
            self._say(f"no room can be kept for erasures: {error.strerror}", about="reserve")
        metrics.ERASE_RESERVE.set(there)

    async def make_room(self, folder: Path) -> bool:
        """Give up the room that is kept, if a copy that an erasure waits for needs it in a folder.

        False if there is none, or if it is on another disk.
        """
        return await asyncio.to_thread(self._make_room, folder)

    async def carry_out(self, command: EraseCommand) -> None:
        """Have its rows removed, and answer; later, if something hinders it."""
        state = self._state(command)
        state.again_ms = self._elapsed_ms() + AGAIN_MS
        try:
            if state.done:
                await self._answer_anew(state)
                return
            receipt = await asyncio.to_thread(self._erase_or_make_room, command, state)
            await self._answer(state, receipt)
        except StoreTakenError:
            return  # another's work on the store is bounded
        except OSError as error:
            self._say(f"a command of erasure waits, the store cannot be written: {error}")
        except (SendFailedError, BrokerError, TimeoutError):
            self._say("a command of erasure is carried out, and its answer waits for the broker")
        except Exception as failure:  # noqa: BLE001  # a sink that ends for it keeps nothing at all
            # The message may quote what was read.
            self._say(f"a command of erasure could not be carried out: {type(failure).__name__}")
        else:
            self._say.forget()

    def _state(self, command: EraseCommand) -> _State:
        state = self._states.get(command.command)
        if state is None or state.command != command:
            state = self._states[command.command] = _State(command, self._elapsed_ms())
        return state

    def _erase_or_make_room(self, command: EraseCommand, state: _State) -> Receipt:
        """Blocks. StoreFullError without room, and no room that was kept is left."""
        try:
            return self._erase(command, state, self._clock())
        except StoreFullError:
            if not self._make_room():
                raise
            return self._erase(command, state, self._clock())

    def _make_room(self, folder: Path | None = None) -> bool:
        """Blocks. ``folder``: only if it is on the same disk."""
        if self._reserve is None or (folder is not None and not self._reserve.is_beside(folder)):
            return False
        if not self._reserve.release():
            return False
        metrics.ERASE_RESERVE.set(0)
        logger.warning("the store's disk is full: the room kept for erasures is given up")
        return True

    def _erase(self, command: EraseCommand, state: _State, now_ms: int) -> Receipt:
        """Blocks. StoreFullError without room for all of it: it is answered when there is."""
        selection = Selection.of(command)
        for _ in range(ROUNDS_MAX):
            receipt = self._store.erase(command.output, selection, now_ms)
            if state.before is None:
                state.before = receipt.located_before
            if receipt.located_before > 0:
                state.digests.append(receipt.digest)
                # Else they would seem to be lost.
                gone = max(0, receipt.located_before - receipt.located_after)
                self._account.add({command.output: gone})
            if receipt.located_after and receipt.full:
                raise StoreFullError(_NO_ROOM)
            if not receipt.located_after or receipt.unreadable:
                break
        return receipt

    async def _answer(self, state: _State, receipt: Receipt) -> None:
        found = receipt.located_after, receipt.unreadable
        if found != state.said:
            answer = await asyncio.to_thread(self._made_out, state, receipt)
            state.answer = Outgoing(AUDIT_ERASURES, None, answer.key, encode_answer(answer))
            await self._publisher.publish([state.answer])
            state.said = found
        state.done = found == (0, 0)
        later_ms = ANSWER_AGAIN_MS if state.done else AGAIN_LEFT_MS
        state.again_ms = self._elapsed_ms() + later_ms

    async def _answer_anew(self, state: _State) -> None:
        if state.answer is not None:
            await self._publisher.publish([state.answer])
        state.again_ms = self._elapsed_ms() + ANSWER_AGAIN_MS

    def _made_out(self, state: _State, receipt: Receipt) -> EraseAnswer:
        """Blocks."""
        digests = state.digests
        many = sha256("".join(digests).encode()).hexdigest()
        return EraseAnswer(
            v=ERASURE_VERSION,
            command=state.command.command,
            output=state.command.output,
            store=self._store.name(),
            located_before=state.before or 0,
            located_after=receipt.located_after,
            unreadable=receipt.unreadable,
            digest=digests[0] if len(digests) == 1 else many if digests else receipt.digest,
            at_ms=receipt.at_ms,
        )
