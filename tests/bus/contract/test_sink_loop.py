"""Topics into a store on every broker: the store's position decides where reading goes on."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from bus.failures import GaveUpError, SinkBackpressureError, TopicRewoundError
from bus.loops.gathering import SinkSettings
from bus.loops.sink_loop import SinkLoop
from bus.ports import Broker
from bus.topics import TopicSpec
from telemetry.arrived import Arrived
from tests.integration.bus_road import Noted, committed, make_topics, numbered, publish, until

TOPICS = ("a", "b")
AT_ONCE = SinkSettings(gather_ms=50)


class Store:
    """Keeps each value by its place, as a durable store would; knows its own positions."""

    def __init__(self, *, knows_positions: bool = True) -> None:
        self.kept: dict[tuple[str, int, int], bytes | None] = {}
        self.writes: list[int] = []
        self.again = 0
        self.pressure = 0
        self.failure: Exception | None = None
        self._knows = knows_positions

    def position(self, topic: str, partition: int) -> int | None:
        mine = [offset for t, p, offset in self.kept if (t, p) == (topic, partition)]
        return max(mine) + 1 if mine and self._knows else None

    async def write(self, records: Sequence[Arrived]) -> None:
        if self.pressure:
            self.pressure -= 1
            raise SinkBackpressureError(retry_after_ms=20)
        if self.failure:
            raise self.failure
        places = [(r.topic, r.partition, r.offset) for r in records]
        self.again += sum(place in self.kept for place in places)
        self.kept.update(zip(places, (r.value for r in records), strict=True))
        self.writes.append(len(records))


@asynccontextmanager
async def sinking(
    bus: Broker,
    store: Store,
    noted: Noted | None = None,
    settings: SinkSettings = AT_ONCE,
) -> AsyncIterator[asyncio.Task[None]]:
    loop = SinkLoop(
        bus, TOPICS, "sink", store.position, store.write, observer=noted, settings=settings
    )
    task = asyncio.create_task(loop.run())
    try:
        yield task
    finally:
        await loop.stop()
        await asyncio.gather(task, return_exceptions=True)


async def fill(bus: Broker, start: int, stop: int) -> None:
    for topic in TOPICS:
        await publish(bus, numbered(start, stop, topic))


@pytest.fixture
async def filled(bus: Broker) -> Broker:
    await make_topics(bus, *(TopicSpec(topic, 2, {}) for topic in TOPICS))
    await fill(bus, 0, 500)
    return bus


async def test_every_record_is_kept_once_and_committed_after_its_write(filled: Broker) -> None:
    store = Store()
    async with sinking(filled, store) as task:
        await until(lambda: len(store.kept) == 1_000, task)
    assert store.again == 0
    assert sum((await committed(filled, "sink")).values()) == 1_000


async def test_records_are_gathered_into_few_writes(filled: Broker) -> None:
    store = Store()
    patient = SinkSettings(gather_ms=60_000, gather_records_max=1_000)
    async with sinking(filled, store, settings=patient) as task:
        await until(lambda: len(store.kept) == 1_000, task)
    assert store.writes == [1_000]


async def test_stopping_writes_what_was_gathered(filled: Broker) -> None:
    store = Store()
    noted = Noted()
    loop = SinkLoop(
        filled,
        TOPICS,
        "sink",
        store.position,
        store.write,
        observer=noted,
        settings=SinkSettings(gather_ms=60_000),
    )
    task = asyncio.create_task(loop.run())
    await until(lambda: loop._gathered.count == 1_000, task)
    assert store.writes == []
    await loop.stop()
    await task
    assert len(store.kept) == 1_000


async def test_what_is_gathered_is_written_and_committed_before_another_member_reads(
    filled: Broker,
) -> None:
    first, second, noted = Store(), Store(), Noted()
    patient = SinkSettings(gather_ms=3_600_000)
    loop = SinkLoop(
        filled, TOPICS, "sink", first.position, first.write, observer=noted, settings=patient
    )
    task = asyncio.create_task(loop.run())
    await until(lambda: loop._gathered.count == 1_000, task)
    assert first.writes == []
    async with sinking(filled, second) as other:
        await until(lambda: len(first.kept) == 1_000, task, other)
        await fill(filled, 500, 1_000)
        await until(lambda: loop._gathered.count + len(second.kept) == 1_000, task, other)
        # Nothing was read a second time, by either.
        assert first.kept.keys().isdisjoint(second.kept)
        assert len(second.kept) > 0
        await loop.stop()
        await task
    assert sum((await committed(filled, "sink")).values()) == 2_000
    assert not noted.missed


async def test_a_crash_between_write_and_commit_costs_nothing(filled: Broker) -> None:
    store = Store()
    loop = SinkLoop(filled, TOPICS, "sink", store.position, store.write, settings=AT_ONCE)

    async def crash(_: object) -> bool:
        raise ConnectionAbortedError

    loop._reader.progress.commit = crash  # type: ignore[assignment, method-assign]
    with pytest.raises(ConnectionAbortedError):
        await loop.run()
    held = len(store.kept)
    assert held > 0
    assert not any((await committed(filled, "sink")).values())
    async with sinking(filled, store) as task:
        await until(lambda: len(store.kept) == 1_000, task)
    assert store.again == 0


async def test_a_store_that_lost_its_end_gets_it_again(filled: Broker) -> None:
    store = Store()
    async with sinking(filled, store) as task:
        await until(lambda: len(store.kept) == 1_000, task)
    lost = [place for place in store.kept if place[2] >= 100]
    for place in lost:
        del store.kept[place]
    async with sinking(filled, store) as task:
        # Nothing new arrives: the store's own position alone makes the loop read back.
        await until(lambda: len(store.kept) == 1_000, task)


async def test_a_topic_made_anew_ends_it_and_nothing_is_dropped(filled: Broker) -> None:
    store = Store()
    async with sinking(filled, store) as task:
        await until(lambda: len(store.kept) == 1_000, task)
        async with filled.admin() as admin:
            await admin.delete(TOPICS)
            await admin.create([TopicSpec(topic, 2, {}) for topic in TOPICS])
        await fill(filled, 0, 20)
        with pytest.raises(TopicRewoundError):
            async with asyncio.timeout(60):
                await task
    assert len(store.kept) == 1_000


async def test_a_store_without_positions_goes_on_from_the_commit(filled: Broker) -> None:
    store = Store(knows_positions=False)
    async with sinking(filled, store) as task:
        await until(lambda: len(store.kept) == 1_000, task)
    await fill(filled, 500, 600)
    async with sinking(filled, store) as task:
        await until(lambda: len(store.kept) == 1_200, task)
    assert store.again == 0


async def test_backpressure_brings_the_same_records_later(filled: Broker) -> None:
    store, noted = Store(), Noted()
    store.pressure = 3
    async with sinking(filled, store, noted) as task:
        await until(lambda: len(store.kept) == 1_000, task)
    assert noted.retries == ["SinkBackpressureError"] * 3
    assert sum((await committed(filled, "sink")).values()) == 1_000


async def test_backpressure_without_end_ends_the_loop(filled: Broker) -> None:
    store = Store()
    store.pressure = 1_000_000
    settings = SinkSettings(gather_ms=10, give_up_ms=200)
    with pytest.raises(GaveUpError):
        await SinkLoop(filled, TOPICS, "sink", store.position, store.write, settings=settings).run()
    assert not any((await committed(filled, "sink")).values())


async def test_a_failing_store_ends_the_loop_with_nothing_committed(filled: Broker) -> None:
    store = Store()
    store.failure = OSError("disk")
    with pytest.raises(OSError, match="disk"):
        await SinkLoop(filled, TOPICS, "sink", store.position, store.write, settings=AT_ONCE).run()
    assert not any((await committed(filled, "sink")).values())


async def test_two_sinks_share_the_partitions_and_keep_everything(filled: Broker) -> None:
    first, second = Store(), Store()
    slow = SinkSettings(gather_ms=400)
    async with (
        sinking(filled, first, settings=slow) as one,
        sinking(filled, second, settings=slow) as other,
    ):
        kept = 1_000
        # The first to join may read all there is: more is written until both have some.
        while not (first.kept and second.kept):
            assert kept < 60_000, "one sink takes everything"
            await fill(filled, kept // 2, kept // 2 + 500)
            kept += 1_000
            await until(
                lambda kept=kept: len(first.kept.keys() | second.kept.keys()) == kept,  # type: ignore[misc]
                one,
                other,
            )
        assert not first.kept.keys() & second.kept.keys()
