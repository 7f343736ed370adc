"""The office of the erasures' tests, with legal holds that have their turn before erasures."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Final

import pytest

from office.erasure.progress import Waiting
from office.holds.answers import take_hold_answers
from office.holds.commanding import commanded
from office.holds.overview import HoldOverview, show_hold
from office.holds.progress import HoldProgress
from office.holds.register import NewHold, place, release
from office.replay_memory.items import Item
from office.store.database import Database
from telemetry.instants import DAY_MS
from telemetry.wire.hold import HoldAnswer, HoldCommand, is_hold, take_hold
from tests.office.erasure.conftest import ANA, ERASE_TOPIC, HORIZONS, NOW_MS, SIGNING, Office

OFFICER: Final = "an officer"
HOLD: Final = NewHold("litigation", "case 7", OFFICER, NOW_MS + 30 * DAY_MS, subject=ANA)


class HoldingOffice(Office):
    """Stores copy 5 rows for each command of a hold."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.copied = 5
        self.remembered: list[Item] = []
        self.hook: Callable[[str], None] = lambda _: None

    @property
    def holding(self) -> HoldProgress:
        return HoldProgress(
            self.database, self.keyring, SIGNING.sign, self.remember, HORIZONS.replay_ms, self.hook
        )

    def remember(self, items: Collection[Item], _now_ms: int) -> None:
        self.remembered += items

    async def place(self, new: NewHold = HOLD) -> str:
        async with self.database.writing() as connection:
            return await place(connection, new, 90, self.now_ms)

    async def release(self, hold: str) -> None:
        async with self.database.writing() as connection:
            await release(connection, hold, OFFICER, self.now_ms)

    async def hold_turn(self) -> None:
        await self.outbox.drain(self.topics.publish)
        async with self.database.writing() as connection:
            assert await take_hold_answers(connection, list(self.hold_answers())) == 0
        await self.holding.let_go(lambda: self.plans, self.now_ms)
        for failed in await self.holding.extend(lambda: self.plans, self.reachable, self.now_ms):
            raise failed.error
        await self.outbox.drain(self.topics.publish)

    async def turn(self, *, publish: bool = True, answer: bool = True) -> list[Waiting]:
        await self.hold_turn()
        return await super().turn(publish=publish, answer=answer)

    async def told(self, hold: str) -> HoldOverview:
        async with self.database.reading() as connection:
            return await show_hold(connection, hold, self.now_ms)

    async def commands_of(self, hold: str) -> list[HoldCommand]:
        async with self.database.reading() as connection:
            return await commanded(connection, hold)

    def hold_commands(self) -> list[HoldCommand]:
        """Those that are not taken back."""
        last = {r.key: r for r in self.topics.records if is_hold(r.key)}
        taken = [take_hold(r.value, r.topic.removeprefix(ERASE_TOPIC)) for r in last.values()]
        return [one for one in taken if one is not None]

    def hold_answers(self) -> Iterable[HoldAnswer]:
        for one in self.hold_commands():
            for store in self.stores:
                yield answer(one, store, self.copied, self.now_ms)


def answer(one: HoldCommand, store: str, rows: int, at_ms: int, **more: Any) -> HoldAnswer:
    released = one.released_ms is not None
    facts: dict[str, Any] = {
        "v": 1, "kind": "hold", "command": one.command, "output": one.output, "store": store,
        "rows": 0 if released else rows, "unreadable": 0, "complete": True, "released": released,
        "at_ms": at_ms,
    }  # fmt: skip
    return HoldAnswer(**(facts | more))


@pytest.fixture
async def office(folder: Path) -> AsyncIterator[HoldingOffice]:
    made = HoldingOffice(folder)
    await made.open()
    await made.furnish()
    yield made
    await made.database.close()


@pytest.fixture
def database(office: HoldingOffice) -> Database:
    return office.database
