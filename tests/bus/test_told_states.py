"""A loop tells what becomes of it: partitions that come and go, pauses and their reasons."""

from collections.abc import AsyncIterator, Collection

import pytest

from bus.memory.broker import FakeBroker
from bus.topics import TopicSpec
from tests.integration.bus_road import GROUP, IN, OUT, Noted, copier, running, until
from tests.support.fast_time import fast_time


@pytest.fixture
async def broker() -> FakeBroker:
    made = FakeBroker(lambda: 1_000)
    await made.admin().create([TopicSpec(IN, 2, {}), TopicSpec(OUT, 2, {})])
    return made


@pytest.fixture(autouse=True)
async def _fast() -> AsyncIterator[None]:
    with fast_time():
        yield


class Watching(Noted):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def assigned(self, partitions: Collection[tuple[str, int]]) -> None:
        self.told.append(f"+{sorted(number for _, number in partitions)}")

    def revoked(self, partitions: Collection[tuple[str, int]]) -> None:
        self.told.append(f"-{sorted(number for _, number in partitions)}")

    def paused(self, reason: str) -> None:
        self.told.append(reason)

    def resumed(self) -> None:
        self.told.append("resumed")


async def test_partitions_that_come_and_go_are_told_once(broker: FakeBroker) -> None:
    first, second = Watching(), Watching()
    async with running(copier(broker, first, member="a")) as one:
        await until(lambda: first.told == ["+[0, 1]"], *one)
        async with running(copier(broker, second, member="b")) as two:
            await until(lambda: len(first.told) > 1 and bool(second.told), *one, *two)
            broker.feed(IN, 0, b"0", b"1")
            await until(lambda: first.records + second.records == 2, *one, *two)
    assert first.told == ["+[0, 1]", "-[1]"]
    assert second.told == ["+[1]"]


async def test_a_spare_member_is_told_that_it_joined_and_has_nothing(broker: FakeBroker) -> None:
    several = [Watching() for _ in range(3)]
    loops = [copier(broker, one, member=f"m{at}") for at, one in enumerate(several)]
    async with running(*loops) as tasks:
        await until(lambda: "+[]" in [one.told[-1] for one in several if one.told], *tasks)
    assert broker.committed(GROUP) == {}


async def test_a_pause_is_told_with_each_reason_it_has_and_its_end_once(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, b"0")
    told, reasons = Watching(), iter(["stale", "stale", "no policy", "no policy"])
    now: list[str | None] = [None]

    def begin() -> str | None:
        now[0] = next(reasons, None)
        return now[0]

    async with running(copier(broker, told, begin=begin, pause_reason=lambda: now[0])) as tasks:
        await until(lambda: told.told[-1:] == ["resumed"] and told.records == 1, *tasks)
    assert told.told == ["stale", "+[0, 1]", "no policy", "resumed"]
