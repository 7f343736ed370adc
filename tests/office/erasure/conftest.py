"""An office with two people, stores that obey it, and a clock that the test moves."""

import hashlib
from collections.abc import AsyncIterator, Collection, Iterable
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from office.erasure.answers import take_answers
from office.erasure.on_record import Found, one_of
from office.erasure.progress import Hook, Horizons, Progress, Waiting, go_on
from office.erasure.receipt_chain import Entry, file_of, read, verify
from office.erasure.receipts import all_receipts
from office.erasure.saga import State
from office.keyring.memory import MemoryKeyring
from office.outbox import Outbox
from office.ports import ControlRecord
from office.registry.consents import NewConsent
from office.registry.erasure_requests import Asked, NewErasure, ask
from office.registry.links import NewLink
from office.registry.registry import Registry
from office.store.database import Database
from policy.plan.consents import Grantable
from policy.plan.epochs import epoch_at
from policy.vocabulary.terms import Epoch
from telemetry.identity import DeviceId, EpochKey, SubjectId
from telemetry.instants import DAY_MS, HOUR_MS, SECOND_MS
from telemetry.wire.erasure import EraseAnswer, EraseCommand, take_command
from tests.office.conftest import Topics
from tests.support.plans import PLAN

NOW_MS: Final = 1_790_000_000_000
SHARING: Final = Grantable("sharing", "third_party", "insurer", "sharing@1")
ANA: Final = SubjectId("ana-the-subject")
BEN: Final = SubjectId("ben-the-subject")
HORIZONS: Final = Horizons(30 * SECOND_MS, 10 * DAY_MS, HOUR_MS, DAY_MS)
OUTPUTS: Final = frozenset(one.id for one in PLAN.outputs)
LAKE: Final = "lake:0123456789abcdef"
SIGNING: Final = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
TURNS_MAX: Final = 30
ERASE_TOPIC: Final = "control.erase."


class Office:
    """The office's side of erasure over a file, with everything around it in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_ms = NOW_MS
        self.topics = Topics()
        self.keyring = MemoryKeyring(lambda name: _key(*name))
        self.plans = [PLAN]
        self.reachable: Collection[str] = OUTPUTS
        self.stores = [LAKE]
        self.hindered: set[str] = set()
        """Outputs of which stores could not remove everything."""
        self.database: Database

    async def open(self, hook: Hook = go_on) -> None:
        self.database = await Database.create(self.folder / "office.sqlite")
        self.registry = Registry(self.database, {SHARING: {}})
        self.outbox = Outbox(self.database)
        self.progress = Progress(self.database, self.keyring, SIGNING.sign, HORIZONS, hook)

    async def furnish(self) -> None:
        """Two people, who agreed, and a key for every output."""
        since_ms = NOW_MS - 200 * DAY_MS
        await self.registry.register_fleet(
            [NewLink(DeviceId(f"dongle-of-{who[:3]}"), who, since_ms) for who in (ANA, BEN)],
            [NewConsent(who, *SHARING, since_ms) for who in (ANA, BEN)],
        )
        epochs = {epoch_at(Epoch(3), NOW_MS - days * DAY_MS).name for days in (0, 100)}
        names = [(one.purpose, one.recipient, name) for one in PLAN.outputs for name in epochs]
        self.keyring.ensure(names)

    async def ask(self, new: NewErasure) -> Asked:
        async with self.database.writing() as connection:
            return await ask(connection, new, self.now_ms)

    async def found(self, erasure: str) -> Found:
        async with self.database.reading() as connection:
            return await one_of(connection, erasure)

    async def state(self, erasure: str) -> State:
        return (await self.found(erasure)).standing.state

    async def turn(self, *, publish: bool = True, answer: bool = True) -> list[Waiting]:
        """What the office process does in a second."""
        if publish:
            await self.outbox.drain(self.topics.publish)
        if answer:
            async with self.database.writing() as connection:
                assert await take_answers(connection, list(self.answers())) == 0
        return await self.progress.turn(lambda: self.plans, self.reachable, self.now_ms)

    async def run(self, erasure: str, until: State = State.CLOSED) -> None:
        """Turns, from one date to the next, until the request is so far and its files are clean."""
        for _ in range(TURNS_MAX):
            await self.turn()
            row, standing = await self.found(erasure)
            if standing.state is until and not standing.unscrubbed:
                await self.outbox.drain(self.topics.publish)
                return
            self.now_ms = max(self.now_ms + SECOND_MS, row.look_ms)
        raise AssertionError(until)

    def commands(self) -> list[EraseCommand]:
        """Those that live on their topics."""
        last: dict[bytes, ControlRecord] = {}
        for record in self.topics.records:
            if record.topic.startswith(ERASE_TOPIC):
                last[record.key] = record
        taken = [
            take_command(one.value, one.topic.removeprefix(ERASE_TOPIC)) for one in last.values()
        ]
        return [one for one in taken if one is not None]

    def answers(self) -> Iterable[EraseAnswer]:
        for command in self.commands():
            for store in self.stores:
                left = int(command.output in self.hindered)
                yield EraseAnswer(
                    v=1, command=command.command, output=command.output, store=store,
                    located_before=7, located_after=left, unreadable=0, digest="d" * 64,
                    at_ms=self.now_ms,
                )  # fmt: skip

    async def entries(self) -> list[Entry]:
        file = file_of(await all_receipts(self.database))
        assert verify(file, SIGNING.public_key().public_bytes_raw()) == []
        return [told.entry for told in read(file)[0]]


def _key(*name: str) -> EpochKey:
    return EpochKey(hashlib.sha256("|".join(name).encode()).digest())


@pytest.fixture
async def office(folder: Path) -> AsyncIterator[Office]:
    made = Office(folder)
    await made.open()
    await made.furnish()
    yield made
    await made.database.close()
