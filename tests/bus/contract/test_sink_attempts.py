"""A record at which every sink dies is found, passed over and told, on every broker."""

import asyncio
from collections.abc import Sequence

import pytest

from bus.failures import GaveUpError, SinkBackpressureError
from bus.loops.attempts import ATTEMPTS_MAX, Note, read_note
from bus.loops.gathering import SinkSettings
from bus.loops.sink_loop import SinkLoop
from bus.ports import Broker, ReaderSettings
from telemetry.arrived import Arrived
from tests.bus.contract.test_attempts import Died, Told, noted_at
from tests.integration.bus_road import (
    GROUP,
    IN,
    committed,
    make_road,
    numbered,
    publish,
    until,
)

SETTINGS = SinkSettings(ReaderSettings(records_max=10), gather_ms=50, give_up_ms=300)
ASKED_MAX = 1_000


class Store:
    """Durable, place by place; knows its positions, and ends its process at some offsets."""

    def __init__(self, *deadly: int, raised: type[Exception] = Died) -> None:
        self.kept: list[tuple[int, int]] = []
        self.positions: dict[int, int] = {}
        self.skipped: list[tuple[str, int, int]] = []
        self.deaths = 0
        self.deadly, self.raised = set(deadly), raised

    def position(self, topic: str, partition: int) -> int | None:
        del topic
        return self.positions.get(partition)

    async def write(self, records: Sequence[Arrived]) -> None:
        for record in records:
            assert record.offset >= self.positions.get(record.partition, 0), "it came twice"
            if record.offset in self.deadly:
                self.deaths += 1
                raise self.raised
            # As a partition becomes durable before the next one of the batch.
            self.kept.append((record.partition, record.offset))
        for record in records:
            self.positions[record.partition] = record.offset + 1

    async def skip(self, topic: str, partition: int, offset: int) -> None:
        self.skipped.append((topic, partition, offset))
        self.positions[partition] = offset + 1


class Whole(Store):
    """A store that keeps nothing of a batch at which it dies."""

    async def write(self, records: Sequence[Arrived]) -> None:
        before = list(self.kept)
        try:
            await super().write(records)
        except BaseException:
            self.kept = before
            raise


def sink_of(bus: Broker, store: Store, told: Told) -> SinkLoop:
    return SinkLoop(
        bus, [IN], GROUP, store.position, store.write,
        skip=store.skip, member="m", observer=told, settings=SETTINGS,
    )  # fmt: skip


async def restarted_until(bus: Broker, store: Store, kept: int) -> Told:
    """Start a sink again whenever it died, until so many records are kept."""
    told = Told()
    for _ in range(30):
        loop = sink_of(bus, store, told)
        task = asyncio.create_task(loop.run())
        try:
            await until(lambda: len(store.kept) >= kept, task)
        except Died:
            continue
        else:
            return told
        finally:
            await loop.stop()
            await asyncio.gather(task, return_exceptions=True)
    pytest.fail("it dies for ever")


async def test_the_record_at_which_each_sink_dies_is_passed_over(bus: Broker) -> None:
    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 40))
    store = Whole(17)
    told = await restarted_until(bus, store, 39)
    assert told.over == [(IN, 0, 17)] == store.skipped
    assert store.deaths <= 1 + 3 * ATTEMPTS_MAX
    assert store.kept == [(0, n) for n in range(40) if n != 17], "all others, once"
    assert not told.expired
    assert not told.again
    found = await noted_at(bus, 0)
    assert found is not None
    assert (found.offset, found.metadata) == (40, ""), "nothing is suspect any more"


async def test_a_sink_that_starts_after_it_does_not_meet_it_again(bus: Broker) -> None:
    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 18))
    store = Whole(17)
    told = Told()
    for _ in range(3 * ATTEMPTS_MAX + 2):
        loop = sink_of(bus, store, told)
        task = asyncio.create_task(loop.run())
        await until(lambda task=task: bool(store.skipped) or task.done())  # type: ignore[misc]
        await loop.stop()
        await asyncio.gather(task, return_exceptions=True)
    # It was the last of the topic: no later write moved the store past it.
    assert store.positions == {0: 18}
    deaths = store.deaths
    await publish(bus, numbered(18, 20))
    await restarted_until(bus, store, 19)
    assert store.deaths == deaths


async def test_two_deadly_records_of_two_partitions_cost_no_other(bus: Broker) -> None:
    await make_road(bus, partitions=2)
    await publish(bus, numbered(0, 60))
    store = Whole(3)
    told = await restarted_until(bus, store, 58)
    assert sorted(told.over) == [(IN, 0, 3), (IN, 1, 3)]
    assert len(set(store.kept)) == 58


@pytest.mark.parametrize("raised", [OSError, SinkBackpressureError])
async def test_a_store_that_cannot_be_written_is_no_death_of_its_records(
    bus: Broker, raised: type[Exception]
) -> None:
    class Full(Store):
        async def write(self, records: Sequence[Arrived]) -> None:
            del records
            raise OSError if raised is OSError else SinkBackpressureError(retry_after_ms=100)

    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 5))
    for _ in range(2 * ATTEMPTS_MAX + 2):
        with pytest.raises((OSError, GaveUpError)):
            await sink_of(bus, Full(), Told()).run()
        found = await noted_at(bus, 0)
        assert found is not None
        assert read_note(found.metadata) == Note(0, 0, 5)
    told = await restarted_until(bus, store := Store(), 5)
    assert (told.over, store.skipped) == ([], [])


async def test_a_write_that_a_stop_cuts_is_no_death(bus: Broker) -> None:
    class Slow(Store):
        begun = False

        async def write(self, records: Sequence[Arrived]) -> None:
            del records
            self.begun = True
            await asyncio.Event().wait()

    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 5))
    settings = SinkSettings(ReaderSettings(stop_deadline_ms=100), gather_ms=50)
    store = Slow()
    loop = SinkLoop(
        bus, [IN], GROUP, store.position, store.write,
        skip=store.skip, member="m", settings=settings,
    )  # fmt: skip
    task = asyncio.create_task(loop.run())
    await until(lambda: store.begun, task)
    await loop.stop()
    await asyncio.gather(task, return_exceptions=True)
    found = await noted_at(bus, 0)
    assert found is not None
    assert read_note(found.metadata) == Note(0, 0, 5)


async def test_a_group_is_told_what_a_store_kept_before_its_process_died(bus: Broker) -> None:
    await make_road(bus, partitions=2)
    await publish(bus, numbered(0, 20))
    async with bus.positions() as positions:
        ends = {at: lag.end for at, lag in (await positions.lag(GROUP, {IN: 2})).items()}
    store = Store()
    store.positions = {0: ends[IN, 0], 1: ends[IN, 1] - 2}
    loop = sink_of(bus, store, Told())
    task = asyncio.create_task(loop.run())
    await until(lambda: len(store.kept) == 2, task)
    for _ in range(ASKED_MAX):
        if await committed(bus) == ends:
            break
        await asyncio.sleep(0.02)
    else:
        pytest.fail("the group was not told")
    await loop.stop()
    await task
