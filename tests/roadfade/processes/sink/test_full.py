"""An erasure on a full disk goes through with the room that is kept for it, and waits without."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bus.publisher import Publisher
from bus.records import Outgoing
from roadfade import metrics
from roadfade.processes.sink.carrying_out import AGAIN_MS, ROOM_EVERY_MS, CarryingOut
from roadfade.processes.sink.holding import Holding
from roadfade.unaccounted import ExpiredAccount
from sinks.holds.folder import HoldFolder
from sinks.lake.reserve import Reserve
from sinks.lake.stored import StoredLake
from telemetry.held_copy import SUFFIX
from telemetry.wire.erasure import take_answer
from tests.sinks.erasing import command
from tests.sinks.holding import hold
from tests.sinks.lakes import lake_at
from tests.sinks.records import NOW_MS, record
from tests.support.small_disk import fill, free, small_disk

SIZE = 1 << 20
ASKED = command("P")


class World:
    """A lake on a full disk, with rows of two people in one part, and a clock of the test's."""

    def __init__(self, disk: Path, elsewhere: Path, size: int, holds: str | None = None) -> None:
        self.disk, self.lake = disk, disk / "lake"
        self.elapsed_ms = 0
        self.sent: list[Outgoing] = []
        with lake_at(self.lake) as lake:
            lake.write([record(0, pseudonym="P"), record(1, pseudonym="Q")], NOW_MS)
        self.reserve = Reserve(self.lake, size)
        self.carrying_out = CarryingOut(
            StoredLake(self.lake),
            cast("Publisher", SimpleNamespace(publish=self.publish)),
            ExpiredAccount(elsewhere / "ledger"),
            lambda: NOW_MS,
            lambda: self.elapsed_ms,
            self.reserve,
        )
        if holds is not None:
            (disk / holds).mkdir()
        asyncio.run(self.carrying_out.keep_room())
        fill(disk)

    def held(self, folder: Path) -> bool:
        """Whether an erasure has to wait no longer for a legal hold whose copies lie there."""
        holding = Holding(
            StoredLake(self.lake),
            HoldFolder(folder, 1_000),
            cast("Publisher", SimpleNamespace(publish=self.publish)),
            lambda: NOW_MS,
            lambda: self.elapsed_ms,
            partial(self.carrying_out.make_room, folder),
        )
        return asyncio.run(holding.copied_before(ASKED, [hold("P")]))

    async def publish(self, records: list[Outgoing]) -> None:
        self.sent += records

    def turn(self) -> bool:
        asyncio.run(self.carrying_out.carry_out(ASKED))
        return self.carrying_out.is_done(ASKED)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 8) as disk:
        yield disk


def kept() -> float:
    return float(metrics.ERASE_RESERVE._value.get())


def test_it_goes_through_with_room_that_is_kept_for_it(disk: Path, tmp_path: Path) -> None:
    world = World(disk, tmp_path, SIZE)
    assert kept() == 1
    assert world.turn()
    assert kept() == 0
    (answer,) = (take_answer(one.value) for one in world.sent)
    assert answer is not None
    assert (answer.located_before > 0, answer.done) == (True, True)
    assert not world.reserve.is_there()
    fill(disk)
    world.elapsed_ms += ROOM_EVERY_MS
    asyncio.run(world.carrying_out.keep_room())
    assert kept() == 0
    free(disk)
    world.elapsed_ms += ROOM_EVERY_MS
    asyncio.run(world.carrying_out.keep_room())
    assert (kept(), world.reserve.is_there()) == (1, True)


@pytest.mark.parametrize("size", [SIZE, 0])
def test_the_copy_that_it_waits_for_has_that_room_too(
    disk: Path, tmp_path: Path, size: int
) -> None:
    world = World(disk, tmp_path, size, holds="holds")
    assert world.held(world.disk / "holds") is (size > 0)
    copies = list((world.disk / "holds").rglob(f"*{SUFFIX}"))
    assert (len(copies), kept()) == (int(size > 0), 0)


def test_on_another_disk_it_is_kept(disk: Path, tmp_path: Path) -> None:
    world = World(disk, tmp_path, SIZE)
    with small_disk(tmp_path / "other", 1) as other:
        (other / "holds").mkdir()
        fill(other)
        assert not world.held(other / "holds")
    assert (world.reserve.is_there(), kept()) == (True, 1)


def test_it_waits_without_and_goes_on_with_free_space(
    disk: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(disk, tmp_path, 0)
    for _ in range(2):
        assert not world.turn()
        world.elapsed_ms += AGAIN_MS
    assert world.sent == []
    assert sum("command of erasure waits" in one for one in caplog.messages) == 1
    free(disk)
    assert world.turn()


def test_what_is_given_up_is_not_enough_it_waits_too(disk: Path, tmp_path: Path) -> None:
    world = World(disk, tmp_path, SIZE)
    assert world.reserve.release()
    fill(disk)
    assert not world.turn()
    free(disk)
    assert world.turn()
