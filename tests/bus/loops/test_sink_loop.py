"""How a sink loop gathers and places, on the broker in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from bus.failures import TopicRewoundError
from bus.loops.gathering import SinkSettings
from bus.loops.sink_loop import SinkLoop
from bus.memory.broker import FakeBroker
from bus.memory.faults import Event, Fault
from bus.ports import ReaderSettings
from bus.topics import TopicSpec
from telemetry.arrived import Arrived
from tests.integration.bus_road import IN, Noted, until
from tests.support.fast_time import fast_time

GROUP = "keepers"


class Store:
    """Keeps the offsets of every write, by write."""

    def __init__(self, position: int | None = None) -> None:
        self.at, self.writes = position, list[list[int]]()
        self.kept: Callable[[], None] = lambda: None

    def position(self, topic: str, partition: int) -> int | None:
        return self.at

    async def write(self, batch: Sequence[Arrived]) -> None:
        self.writes.append([record.offset for record in batch])
        self.kept()


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    made = FakeBroker()
    await made.admin().create([TopicSpec(IN, 1, {})])
    with fast_time():
        yield made


async def keep(
    broker: FakeBroker, store: Store, committed: int, settings: SinkSettings | None = None
) -> Noted:
    """Run until this many offsets are committed."""
    noted = Noted()
    loop = SinkLoop(
        broker, [IN], GROUP, store.position, store.write, observer=noted, settings=settings
    )
    task = asyncio.create_task(loop.run())
    try:
        await until(lambda: broker.committed(GROUP).get((IN, 0)) == committed, task)
    finally:
        await loop.stop()
        await task
    return noted


async def test_nothing_is_committed_before_it_is_written(broker: FakeBroker) -> None:
    broker.feed(IN, 0, b"0", b"1")
    store, seen = Store(), list[object]()
    store.kept = lambda: seen.append(broker.committed(GROUP))
    await keep(broker, store, 2)
    # What the group noted as it began moves no offset.
    assert (store.writes, seen) == ([[0, 1]], [{(IN, 0): 0}])


async def test_reading_starts_where_the_sink_left_off(broker: FakeBroker) -> None:
    broker.feed(IN, 0, *[b"x"] * 9)
    store = Store(position=7)
    noted = await keep(broker, store, 9)
    assert store.writes == [[7, 8]]
    assert not noted.expired


@pytest.mark.parametrize("new", [1, 3, 8], ids=["fewer", "as many", "more"])
async def test_a_topic_that_lost_its_end_is_not_taken_for_read(
    broker: FakeBroker, new: int
) -> None:
    broker.feed(IN, 0, b"0", b"1", b"2")
    store, noted = Store(position=0), Noted()
    loop = SinkLoop(broker, [IN], GROUP, store.position, store.write, observer=noted)
    task = asyncio.create_task(loop.run())
    await until(lambda: broker.committed(GROUP).get((IN, 0)) == 3, task)
    store.at = 3
    broker.remake(IN)
    await until(lambda: loop._reader._member._positions[IN, 0] == 0, task)  # type: ignore[attr-defined]  # as a client that asks for the end
    broker.feed(IN, 0, *[b"new"] * new)
    with pytest.raises(TopicRewoundError, match="3 was due, 0 came"):
        async with asyncio.timeout(60):
            await task
    assert store.writes == [[0, 1, 2]]
    assert noted.again == {0: 3}
    assert broker.committed(GROUP) == {}  # what was committed in the topic before went with it


@pytest.mark.parametrize(
    "bound", [SinkSettings(gather_bytes_max=3), SinkSettings(gather_records_max=3)]
)
async def test_bytes_and_records_bound_what_is_gathered(
    broker: FakeBroker, bound: SinkSettings
) -> None:
    broker.feed(IN, 0, *[b"x"] * 6)
    settings = SinkSettings(
        ReaderSettings(records_max=1), 3_600_000, bound.gather_records_max, bound.gather_bytes_max
    )
    store = Store()
    await keep(broker, store, 6, settings)
    assert store.writes == [[0, 1, 2], [3, 4, 5]]


LONG = SinkSettings(gather_ms=3_600_000, gather_records_max=4)


async def test_what_was_gathered_is_written_and_committed_before_a_rebalance(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, b"0", b"1", Event.REBALANCE, b"2", b"3", b"4", b"5")
    store, seen = Store(), list[object]()
    store.kept = lambda: seen.append(broker.committed(GROUP))
    await keep(broker, store, 6, LONG)
    assert store.writes == [[0, 1], [2, 3, 4, 5]]
    assert seen == [{(IN, 0): 0}, {(IN, 0): 2}]


async def test_what_a_rebalance_does_not_wait_for_is_left_to_the_new_owner(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, b"0", b"1", Event.REBALANCE, b"2", b"3")
    reader = ReaderSettings(revoke_deadline_ms=1_000)
    ended = asyncio.Event()

    class Slow(Store):
        async def write(self, batch: Sequence[Arrived]) -> None:
            await super().write(batch)
            if len(self.writes) == 1:
                await asyncio.sleep(5)
                ended.set()

    store = Slow()
    noted = await keep(broker, store, 4, SinkSettings(reader, 3_600_000, 4))
    # The write went on past the bound; its records come again.
    assert ended.is_set()
    assert store.writes == [[0, 1], [0, 1, 2, 3]]
    assert "RevokeDeadline" in noted.missed


async def test_a_store_that_writes_past_a_rebalance_says_what_is_due_after_it(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, b"0", b"1")
    reader = ReaderSettings(revoke_deadline_ms=1_000, poll_ms=8_000)

    class Slow(Store):
        async def write(self, batch: Sequence[Arrived]) -> None:
            if not self.writes:
                await asyncio.sleep(5)
            await super().write(batch)
            self.at = batch[-1].offset + 1

    store, noted = Slow(0), Noted()
    settings = SinkSettings(reader, 3_600_000, 3)
    loop = SinkLoop(
        broker, [IN], GROUP, store.position, store.write, observer=noted, settings=settings
    )
    task = asyncio.create_task(loop.run())
    await until(lambda: bool(loop._gathered), task)
    # As the client does it: beside the loop, whose next fetch has records of the new generation.
    rebalance = asyncio.create_task(loop._reader._revoked())
    await until(lambda: loop._reader.generation == 1, task)
    broker.feed(IN, 0, b"2", b"3", b"4")
    await until(lambda: broker.committed(GROUP).get((IN, 0)) == 5, task)
    await rebalance
    await loop.stop()
    await task
    assert store.writes == [[0, 1], [2, 3, 4]], "each once, and the topic did not go back"
    assert "RevokeDeadline" in noted.missed


async def test_what_a_write_before_a_rebalance_raises_ends_the_loop(broker: FakeBroker) -> None:
    broker.feed(IN, 0, b"0", b"1", Event.REBALANCE, b"2")

    def fail() -> None:
        raise OSError(28, "no room")

    store = Store()
    store.kept = fail
    loop = SinkLoop(broker, [IN], GROUP, store.position, store.write, settings=LONG)
    with pytest.raises(OSError, match="no room"):
        async with asyncio.timeout(60):
            await loop.run()
    assert store.writes == [[0, 1]]


async def test_nothing_is_written_before_a_rebalance_under_a_pause(broker: FakeBroker) -> None:
    broker.feed(IN, 0, b"0", b"1")
    store, why = Store(), list[str]()
    loop = SinkLoop(
        broker, [IN], GROUP, store.position, store.write,
        pause_reason=lambda: why[0] if why else None, settings=LONG,
    )  # fmt: skip
    task = asyncio.create_task(loop.run())
    await until(lambda: bool(loop._gathered), task)
    why.append("a reason")
    await broker.rebalance(GROUP)
    assert not store.writes
    why.clear()
    await loop.stop()
    await task


async def test_a_store_not_informed_of_its_commit_gets_the_batch_again(broker: FakeBroker) -> None:
    broker.feed(IN, 0, b"0", b"1")
    store = Store()
    store.kept = lambda: broker.fail_next(Fault.COMMIT_REFUSED)
    settings = SinkSettings(gather_ms=0)
    loop = SinkLoop(broker, [IN], GROUP, store.position, store.write, settings=settings)
    task = asyncio.create_task(loop.run())
    await until(lambda: bool(store.writes), task)
    await loop.stop()
    await task
    assert broker.committed(GROUP) == {(IN, 0): 0}
    store.kept = lambda: None
    await keep(broker, store, 2, settings)
    assert store.writes == [[0, 1], [0, 1]]


async def test_a_bomb_at_the_end_is_passed_over_once_all_before_it_is_written(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, b"0", b"1")
    broker.drop_bomb(IN, 0)
    store, seen = Store(), list[object]()
    store.kept = lambda: seen.append(broker.committed(GROUP))
    await keep(broker, store, 3, SinkSettings(gather_ms=60_000))
    assert (store.writes, seen) == ([[0, 1]], [{(IN, 0): 0}])


async def test_what_is_gathered_when_a_pause_begins_is_not_written(broker: FakeBroker) -> None:
    broker.feed(IN, 0, b"0", b"1")
    store, why = Store(), list[str]()
    loop = SinkLoop(
        broker, [IN], GROUP, store.position, store.write,
        pause_reason=lambda: why[0] if why else None, settings=SinkSettings(gather_ms=60_000),
    )  # fmt: skip
    task = asyncio.create_task(loop.run())
    await until(lambda: bool(loop._gathered), task)
    why.append("a reason")
    await asyncio.sleep(120)
    assert not store.writes
    why.clear()
    await until(lambda: broker.committed(GROUP).get((IN, 0)) == 2, task)
    await loop.stop()
    await task
    assert store.writes == [[0, 1]]
