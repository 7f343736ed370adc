"""The program itself, in one process: registry, outbox, worker's processor, store, saga, sweep.

In: what happens, and an instant that the test moves. Out: the rows that the store has. Between the
office, the worker and the store stand lists of records instead of a broker; all else is what ships.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, Protocol, cast

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from bus.publisher import Publisher
from bus.records import Outgoing
from office.consent_evidence.officers_file import FILE, OfficersFile
from office.erasure.answers import take_answers
from office.erasure.consent_moves import ConsentMoves
from office.erasure.event_ends import ask_for_ends
from office.erasure.link_ends import (
    Lives,
    delete_links,
    due_links,
    note_ended,
    scrub_if_needed,
)
from office.erasure.on_record import oldest_uncommanded_ms
from office.erasure.progress import Horizons, Progress
from office.erasure.saga import State
from office.keyring.ended import Horizon, ended
from office.keyring.keyring import Keyring
from office.keyring.memory import MemoryKeyring
from office.outbox import Outbox
from office.ports import ControlRecord
from office.registry.registry import Registry
from office.replay_memory.taken_back import TakenBackEvents
from office.store.database import Database
from office.store.erasure_tables import ERASURES
from policy.plan.consents import grantable
from policy.plan.plan import Plan
from processors.packed_people import PackedPeople
from processors.processor import Processor
from processors.program import build_program
from processors.pseudonyms import KeyName, KeysNeeded
from processors.state.bins import Room
from processors.tally import Tally
from roadfade.processes.sink.carrying_out import CarryingOut
from roadfade.unaccounted import ExpiredAccount
from telemetry.arrived import Arrived
from telemetry.identity import EpochKey
from telemetry.instants import DAY_MS, HOUR_MS, SECOND_MS
from telemetry.topics import CONTROL, commanded_output
from telemetry.wire.control import decode_row
from telemetry.wire.erasure import EraseCommand, take_answer, take_command
from telemetry.wire.record import CE_ID
from tests.sinks.contract import Both
from tests.walk.model import Key

HORIZONS: Final = Horizons(30 * SECOND_MS, 42 * DAY_MS, HOUR_MS, HOUR_MS)
"""As the settings have them by default."""
ROUNDS_MAX: Final = 12
TIDY_EVERY_MS: Final = 7 * DAY_MS
"""How often it is looked which keys and links are over."""
SIGNING: Final = Ed25519PrivateKey.from_private_bytes(b"w" * 32)


class Shelf(Protocol):
    """A store that can be ended and opened again, and its rows as they lie there."""

    def open(self) -> Both:
        """End the one before, if any."""

    def rows(self) -> list[tuple[str, str, str, int]]:
        """Output, record, signal and time of every row, expired ones included."""

    def close(self) -> None:
        """For good."""


class Program:
    """Whatever happens, and ``go_to`` the next instant."""

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        shelf: Shelf,
        database: Database,
        keyring: Keyring | MemoryKeyring | None = None,
    ) -> None:
        self.plan, self.shelf, self.database = plan, shelf, database
        self.now_ms = 0
        self._tidied_ms = 0
        self.registry = Registry(database, grantable(plan))
        self.outbox = Outbox(database)
        self.taken_back = TakenBackEvents(database.file, lambda: self.now_ms)
        self.keyring = keyring or MemoryKeyring()
        moves = ConsentMoves(database, OfficersFile(folder / FILE))
        self.progress = Progress(database, self.keyring, SIGNING.sign, HORIZONS, moves=moves)
        self.people = PackedPeople()
        self.keys: dict[KeyName, EpochKey | None] = {}
        program = build_program(plan)
        self.processor = Processor(program, self.people, self.keys, lambda _, key: key[0] % 2)
        self.tally, self.state = Tally(program), program.empty_state(Room(100_000))
        self.envelope_of: dict[str, int] = {}
        """By the id of a record that came of it."""
        self.commands: dict[bytes, EraseCommand] = {}
        self.answers: list[Outgoing] = []
        self.sink = shelf.open()
        self.offsets = {at: place.next_offset - 1 for at, place in self.sink.places().items()}
        self.carrying_out = CarryingOut(
            cast("Any", _Now(self)),
            cast("Publisher", SimpleNamespace(publish=self._answer)),
            ExpiredAccount(folder / "ledger"),
            lambda: self.now_ms,
            lambda: self.now_ms,
        )

    def rows(self) -> set[Key]:
        """What the store has, by the envelope that it came of."""
        found = [
            (output, self.envelope_of[record], signal, t_ms)
            for output, record, signal, t_ms in self.shelf.rows()
        ]
        assert len(set(found)) == len(found), "a row is there twice"
        return set(found)

    def restart_sink(self) -> None:
        """Join its small pieces, end the sink and open it again; it is told anew what to refuse."""
        self.sink.join(self.now_ms)
        self.sink = self.shelf.open()
        self.sink.refuse(list(self.commands.values()))

    async def go_to(self, now_ms: int, *, office: bool = True) -> None:
        """Let the clock run, as far as any request of the office waits for a date before.

        Without ``office`` nothing but the sweep is due at that instant itself.
        """
        while (date_ms := await self._next_look()) is not None and date_ms < now_ms:
            self.now_ms = date_ms
            await self.settle()
        self.now_ms = now_ms
        if office:
            await self.settle()
        else:
            await asyncio.to_thread(self.sink.expire, now_ms)

    async def settle(self) -> None:
        """Everything that office, sink and sweep do at this instant."""
        await asyncio.to_thread(self.sink.expire, self.now_ms)
        await ask_for_ends(self.database, lambda: [self.plan], self.now_ms)
        before: object = None
        for _ in range(ROUNDS_MAX):
            if (after := await self._second()) == before:
                break
            before = after
        else:
            msg = "the office does not come to rest"
            raise AssertionError(msg)
        if self.now_ms - self._tidied_ms >= TIDY_EVERY_MS:
            self._tidied_ms = self.now_ms
            await self._keys_and_links()

    def receive(self, number: int, value: bytes) -> None:
        """One envelope through the worker and into the store, now."""
        while True:
            try:
                made = self.processor.process(
                    value, self.now_ms, self.now_ms, self.tally, self.state
                )
                break
            except KeysNeeded as needed:
                found = self.keyring.ensure(needed.names)
                self.keys |= {name: found.get(name) for name in needed.names}
        assert not self.tally.rejected, self.tally.rejected
        arrived = []
        for one in made:
            at = one.topic, one.partition
            offset = self.offsets[at] = self.offsets.get(at, -1) + 1
            arrived.append(Arrived(*at, offset, self.now_ms, one.key, one.value, one.headers))
            self.envelope_of[dict(one.headers)[CE_ID].decode()] = number
        written = self.sink.write(arrived, self.now_ms)
        assert not written.rejected, written.rejected

    async def _second(self) -> object:
        """What the office and the sink do in a second; equal if it changes nothing any more."""
        await self.outbox.drain(self._published)
        await asyncio.to_thread(self.sink.refuse, list(self.commands.values()))
        for command in list(self.commands.values()):
            if self.carrying_out.is_due(command):
                await self.carrying_out.carry_out(command)
        self.carrying_out.forget_all_but({one.command for one in self.commands.values()})
        answers = [answer for one in self.answers if (answer := take_answer(one.value or b""))]
        self.answers = []
        if answers:
            async with self.database.writing() as connection:
                assert await take_answers(connection, answers) == 0
        outputs = {one.id for one in self.plan.outputs}
        await self.progress.turn(lambda: [self.plan], outputs, self.now_ms)
        async with self.database.reading() as connection:
            columns = (ERASURES.c.erasure, ERASURES.c.state, ERASURES.c.unscrubbed)
            open_ = select(*columns).where(
                (ERASURES.c.state != State.CLOSED) | ERASURES.c.unscrubbed
            )
            rows = (await connection.execute(open_)).all()
        return sorted(map(tuple, rows)), len(self.commands)

    async def _published(self, records: Sequence[ControlRecord]) -> None:
        for one in records:
            output = commanded_output(one.topic)
            if one.topic in CONTROL:
                row = None if one.value is None else decode_row(one.value)
                self.people.apply(one.key, row)
            elif output is not None and one.value is None:
                self.commands.pop(one.key, None)
            elif output is not None:
                command = take_command(one.value, output)
                assert command is not None
                self.commands[one.key] = command

    async def _answer(self, records: Sequence[Outgoing]) -> None:
        self.answers += records

    async def _next_look(self) -> int | None:
        later, open_ = ERASURES.c.look_ms > self.now_ms, ERASURES.c.state != State.CLOSED
        async with self.database.reading() as connection:
            query = select(func.min(ERASURES.c.look_ms)).where(later, open_)
            found: int | None = await connection.scalar(query)
            return found

    async def _keys_and_links(self) -> None:
        """What is destroyed because nothing needs it any more."""
        async with self.database.reading() as connection:
            asked_ms = await oldest_uncommanded_ms(connection, self.now_ms)
        live = [name for name, state in self.keyring.states().items() if state == "live"]
        horizon = Horizon(self.now_ms, HORIZONS.replay_ms, asked_ms)
        if over := ended(live, [self.plan], horizon):
            self.keyring.destroy(over)
            self.keys |= dict.fromkeys(over)
            self.processor.forget_keys()
        if await note_ended(self.database, self.now_ms):
            lives = Lives([self.plan], HORIZONS.replay_ms)
            if some := await due_links(self.database, lives, self.now_ms):
                await delete_links(self.database, some)
                await scrub_if_needed(self.database)
                await self.outbox.drain(self._published)


class _Now:
    """The sink as it is now: it may have been opened anew."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def __getattr__(self, name: str) -> Any:
        return getattr(self._program.sink, name)


def encode(body: Any) -> bytes:
    """An envelope's bytes."""
    return msgspec.json.encode(body)
