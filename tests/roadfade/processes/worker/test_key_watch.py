"""A running worker lets go of destroyed keys, and of all that it computed of them."""

import asyncio
from pathlib import Path

import pytest

from office.errors import OfficeError
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring, KeyState
from office.keyring.memory import MemoryKeyring
from processors.core_path import core_path
from processors.processor import Processor
from processors.program import build_program
from processors.pseudonyms import KeyName
from roadfade.processes.worker.batch_handler import BatchHandler
from roadfade.processes.worker.key_cache import KeyCache
from roadfade.processes.worker.key_watch import KeyWatch
from roadfade.processes.worker.remembered import ReadyVersion, Remembered
from tests.roadfade.processes.worker.test_batch_handler import all_of, arrived, flow_of, good
from tests.support.plans import PLAN
from tests.support.ready_batches import needs_core
from tests.support.worlds import NOW_MS, known_world

SPRING: KeyName = ("study", "team", "2026-04.3m")
SUMMER: KeyName = ("study", "team", "2026-07.3m")


@pytest.mark.parametrize("in_core", [False, pytest.param(True, marks=needs_core)])
async def test_nothing_leaves_under_a_key_once_it_was_seen_to_be_destroyed(
    *, in_core: bool
) -> None:
    keyring = MemoryKeyring()
    keys = KeyCache(keyring)
    processor = Processor(
        build_program(PLAN), known_world(PLAN).people, keys, lambda _, key: key[0] % 4
    )
    core = core_path(processor, None) if in_core else None
    ready = ReadyVersion(processor.program, processor, core)
    remembered = Remembered(lambda: ready, lambda: NOW_MS, 10_000)
    remembered.begin(2)
    worker = BatchHandler("telemetry.raw", remembered, keys, lambda: NOW_MS)
    watch = KeyWatch(keys, lambda: [processor])
    before = await all_of(worker, [arrived(0, good(1)), arrived(1, good(2))])
    worker.acknowledged()
    assert sum(flow.delivered for flow in flow_of(before).ledger.values())

    await all_of(worker, [arrived(2, good(3))])
    basis = worker.basis()
    await watch.look()
    assert worker.basis() == basis
    keyring.destroy(list(keys))
    await watch.look()
    assert worker.basis() != basis  # what is in hand and not sent is decided again
    assert set(keys.values()) == {None}
    worker.decided_anew(1)
    after = flow_of(await all_of(worker, [arrived(2, good(3))]))
    assert sum(flow.delivered for flow in after.ledger.values()) == 0
    assert any("erased" in flow.withheld for flow in after.ledger.values())


def opened(folder: Path) -> Keyring:
    return Keyring.open(folder / "keyring.sqlite", FileKek(folder / "kek"))


async def test_a_look_lets_go_of_destroyed_keys_alone(tmp_path: Path) -> None:
    keys = KeyCache(await asyncio.to_thread(opened, tmp_path))
    office = await asyncio.to_thread(opened, tmp_path)
    await keys.fetch([SPRING, SUMMER])
    assert not await keys.let_go()
    summer = keys[SUMMER]
    await asyncio.to_thread(office.destroy, [SPRING])
    assert await keys.let_go()
    assert dict(keys) == {SPRING: None, SUMMER: summer}
    assert not await keys.let_go()
    await keys.fetch([SPRING, SUMMER])
    assert dict(keys) == {SPRING: None, SUMMER: summer}


async def test_a_look_reads_one_row_while_nothing_is_destroyed() -> None:
    class Counting(MemoryKeyring):
        asked = 0

        def states(self) -> dict[KeyName, KeyState]:
            Counting.asked += 1
            return super().states()

    keys = KeyCache(Counting())
    await keys.fetch([SPRING])
    for _ in range(5):
        assert not await keys.let_go()
    assert Counting.asked == 1


async def test_a_key_that_was_on_its_way_as_it_was_destroyed_does_not_stay() -> None:
    """Read before the destruction, put into the cache after a look."""
    ring = MemoryKeyring()
    keys = KeyCache(ring)
    assert not await keys.let_go()
    read, destroyed = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    ensure = ring.ensure

    def slow(wanted: list[KeyName]) -> dict[KeyName, object]:
        found = ensure(wanted)
        loop.call_soon_threadsafe(read.set)
        asyncio.run_coroutine_threadsafe(destroyed.wait(), loop).result(30)
        return dict(found)

    ring.ensure = slow  # type: ignore[method-assign,assignment]
    fetching = asyncio.create_task(keys.fetch([SPRING]))
    await read.wait()
    ring.destroy([SPRING])
    looking = asyncio.create_task(keys.let_go())
    destroyed.set()
    await fetching
    assert await looking
    assert dict(keys) == {SPRING: None}


async def test_a_keyring_that_cannot_be_asked_leaves_no_key_in_memory(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Away(MemoryKeyring):
        away = False

        def mark(self) -> str:
            if Away.away:
                msg = "the keyring cannot be used"
                raise OfficeError(msg)
            return super().mark()

    keys = KeyCache(Away())
    watch = KeyWatch(keys, list)
    await keys.fetch([SPRING])
    await watch.look()
    assert len(keys) == 1
    Away.away = True
    for _ in range(3):
        await watch.look()
    assert len(keys) == 0
    assert len([one for one in caplog.records if "no key is kept" in one.getMessage()]) == 1
    Away.away = False
    await keys.fetch([SPRING])
    await watch.look()
    assert keys[SPRING] is not None


def remade(folder: Path) -> Keyring:
    for file in (*folder.glob("keyring.sqlite*"), folder / "kek"):
        file.unlink()
    return opened(folder)


async def test_of_another_keyring_in_its_place_no_key_is_taken_for_the_old_one(
    tmp_path: Path,
) -> None:
    keys = KeyCache(await asyncio.to_thread(opened, tmp_path))
    await keys.fetch([SPRING])
    assert not await keys.let_go()
    office = await asyncio.to_thread(remade, tmp_path)
    await asyncio.to_thread(office.ensure, [SPRING])
    assert await keys.let_go()
    assert not keys
