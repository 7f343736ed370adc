"""What a handler goes by survives everything that can go wrong, on the broker in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from bus.loops.batch_loop import BatchLoop, BatchSettings
from bus.loops.recall import RECALLS_MAX, Place, Places, read_place
from bus.memory.broker import FakeBroker
from bus.memory.faults import Event, Fault
from bus.ports import Committed, ReaderSettings, TopicPartition
from bus.records import Outgoing
from bus.topic_watch import TopicWatch
from bus.topics import TopicSpec
from telemetry.arrived import Arrived
from tests.bus.recalling import HOUR_MS, Counting, right
from tests.integration.bus_road import GROUP, IN, OUT, copier, running, until
from tests.support.fast_time import fast_time

AT = TopicPartition(IN, 0)


class Clock:
    now_ms = 10 * HOUR_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def broker(clock: Clock) -> FakeBroker:
    made = FakeBroker(clock)
    appended = {"message.timestamp.type": "LogAppendTime"}
    await made.admin().create([TopicSpec(IN, 1, appended), TopicSpec(OUT, 1, appended)])
    return made


@pytest.fixture(autouse=True)
async def _fast() -> AsyncIterator[None]:
    with fast_time():
        yield


async def carry(broker: FakeBroker, records: int, known: Counting, **options: Any) -> Counting:
    options = {"handle": known.handle} | options
    goal = known.records + records
    async with running(copier(broker, known, recollection=known, **options)) as tasks:
        await until(lambda: known.records >= goal, *tasks)
    return known


def feed(broker: FakeBroker, *items: int | Event) -> None:
    broker.feed(IN, 0, *[one if isinstance(one, Event) else b"%d" % one for one in items])


def said(broker: FakeBroker) -> list[bytes]:
    return [record.value or b"" for record in broker.records(OUT)]


@pytest.mark.parametrize(
    "fault",
    [Fault.REFUSED, Fault.HALF_WRITTEN, Fault.ACK_LOST, Fault.COMMIT_LOST, Fault.COMMIT_REFUSED],
)
async def test_a_batch_that_comes_again_is_counted_once(broker: FakeBroker, fault: Fault) -> None:
    feed(broker, *range(4), Event.REBALANCE, *range(4, 9))
    broker.fail_next(fault)
    await carry(broker, 9, Counting())
    feed(broker, *range(9, 12))
    known = await carry(broker, 3, Counting())
    assert known.recalled_records == 9
    assert right(said(broker)) and len({*said(broker)}) == 12


async def test_what_went_to_another_member_is_forgotten(clock: Clock) -> None:
    broker = FakeBroker(clock)
    appended = {"message.timestamp.type": "LogAppendTime"}
    await broker.admin().create([TopicSpec(name, 2, appended) for name in (IN, OUT)])
    one, other = Counting(), Counting()
    for partition in (0, 1):
        broker.feed(IN, partition, b"0")
    first = copier(broker, one, handle=one.handle, recollection=one)
    second = copier(broker, other, handle=other.handle, recollection=other)
    async with running(first) as tasks:
        await until(lambda: one.records == 2, *tasks)
        assert one.knows(0) and one.knows(1)
        async with running(second) as more:
            await until(lambda: one.knows(0) != one.knows(1), *tasks, *more)


async def test_other_rules_read_the_log_again_and_go_on(broker: FakeBroker) -> None:
    known = Counting()
    async with running(copier(broker, known, handle=known.handle, recollection=known)) as tasks:
        for rules in (1, 2, 3):
            known.rules = rules
            feed(broker, *range(5))
            await until(lambda rules=rules: known.records == 5 * rules, *tasks)  # type: ignore[misc]
    assert known.recalled_records == 5 + 10
    assert right(said(broker))
    assert not known.again and not known.expired and not known.lost


async def test_no_more_is_read_again_than_matters(broker: FakeBroker, clock: Clock) -> None:
    feed(broker, *range(5))
    await carry(broker, 5, Counting())
    clock.now_ms += HOUR_MS - 1
    feed(broker, 5, 6)
    await carry(broker, 2, Counting())
    clock.now_ms += 2
    feed(broker, 7)
    known = await carry(broker, 1, Counting())
    assert known.recalled_records == 2
    clock.now_ms += HOUR_MS + 1
    feed(broker, 8)
    known = await carry(broker, 1, Counting())
    assert (known.recalled_records, known.lost) == (0, [])


async def test_who_remembers_nothing_reads_nothing_again(broker: FakeBroker) -> None:
    for start in (0, 5):
        feed(broker, *range(start, start + 5))
        known = await carry(broker, 5, Counting(life_ms=0))
        assert known.recalled_records == 0


async def test_a_partition_whose_records_all_expired_has_lost_nothing(
    broker: FakeBroker, clock: Clock
) -> None:
    feed(broker, *range(5))
    await carry(broker, 5, Counting())
    clock.now_ms += 2 * HOUR_MS
    broker.delete_before(IN, 0, 5)
    feed(broker, 5)
    assert (await carry(broker, 1, Counting())).lost == []
    broker.delete_before(IN, 0, 6)
    feed(broker, 6)
    # The record before was recent, and is gone.
    assert (await carry(broker, 1, Counting())).lost == [(0, clock.now_ms)]


async def test_what_was_lost_stays_lost_for_a_successor(broker: FakeBroker, clock: Clock) -> None:
    feed(broker, *range(5))
    broker.delete_before(IN, 0, 2)
    await carry(broker, 3, Counting())
    clock.now_ms += 1_000
    feed(broker, 5)
    known = await carry(broker, 1, Counting())
    assert known.recalled_records == 3
    assert (0, clock.now_ms - 1_000) in known.lost


async def test_a_topic_made_anew_is_remembered_from_its_beginning(broker: FakeBroker) -> None:
    known = Counting()
    watch = TopicWatch(broker, {}, learn=[IN])
    options: Any = {"handle": known.handle, "recollection": known, "watch": watch}
    async with running(copier(broker, known, **options)) as tasks:
        feed(broker, *range(5))
        await until(lambda: known.records == 5, *tasks)
        broker.remake(IN)
        feed(broker, *range(3))
        await until(lambda: known.records == 8, *tasks)
    assert said(broker)[5:] == [b"0:0", b"1:1", b"2:2"]


async def test_a_set_aside_batch_that_is_met_again_is_told_once(broker: FakeBroker) -> None:
    feed(broker, 0, 1)
    broker.drop_bomb(IN, 0)
    feed(broker, 3)
    known = Counting()
    told: list[int] = []

    def tell(topic: str, partition: int, records: int) -> None:
        told.append(records)

    known.quarantined = tell  # type: ignore[method-assign]
    await carry(broker, 3, known)
    assert told == [1]
    feed(broker, 4)
    again = Counting()
    again.quarantined = tell  # type: ignore[method-assign]
    await carry(broker, 1, again)
    assert (told, again.recalled_records) == ([1], 3)
    assert broker.committed(GROUP)[IN, 0] == 5


class Dying(Counting):
    """Dies as it remembers the record at an offset."""

    def __init__(self, offset: int) -> None:
        super().__init__()
        self._offset = offset

    def remember(self, partition: int, records: Sequence[Arrived]) -> None:
        if any(one.offset == self._offset for one in records):
            raise MemoryError
        super().remember(partition, records)


async def test_what_ends_each_process_that_reads_it_again_is_read_no_more(
    broker: FakeBroker,
) -> None:
    feed(broker, *range(5))
    await carry(broker, 5, Counting())
    feed(broker, *range(5, 7))
    for _ in range(RECALLS_MAX):
        with pytest.raises(MemoryError):
            await crash(broker, Dying(2))
    known = await carry(broker, 2, Dying(2))
    assert len(known.lost) == 1 and known.recalled_records == 0


async def test_ten_kills_while_it_reads_again_lose_nothing(broker: FakeBroker) -> None:
    feed(broker, *range(12))
    await carry(broker, 12, Counting())
    feed(broker, 12)
    for killed_at in range(10):
        with pytest.raises(MemoryError):
            await crash(broker, Dying(killed_at))
    known = await carry(broker, 1, Counting())
    assert (known.recalled_records, known.lost) == (12, [])


async def crash(broker: FakeBroker, known: Counting) -> None:
    """Run until it dies; what it would say as it leaves is lost with it."""
    loop = copier(broker, known, handle=known.handle, recollection=known)
    loop._reader.notes.give_up_recalls = lambda: asyncio.sleep(0)  # type: ignore[method-assign]
    async with asyncio.timeout(60):
        await loop.run()


class Leaving(Counting):
    """Is asked to stop as soon as it begins to read again."""

    loop: BatchLoop

    def recalled(self, topic: str, partition: int, records: int) -> None:
        super().recalled(topic, partition, records)
        self.leaving = asyncio.ensure_future(self.loop.stop())


async def test_a_stop_while_it_reads_again_is_no_death(broker: FakeBroker) -> None:
    feed(broker, *range(900))
    await carry(broker, 900, Counting())
    feed(broker, 900)
    for _ in range(2 * RECALLS_MAX):
        known = Leaving()
        known.loop = copier(
            broker,
            known,
            handle=known.handle,
            recollection=known,
            settings=BatchSettings(ReaderSettings(records_max=100)),
        )
        await known.loop.run()
        assert 0 < known.recalled_records < 900 and not known.records
    done = await carry(broker, 1, Counting())
    assert done.lost == [] and done.recalled_records == 900


async def test_a_record_that_was_passed_over_is_not_read_again(broker: FakeBroker) -> None:
    feed(broker, *range(4))
    deaths = 0
    while broker.committed(GROUP).get((IN, 0)) != 4:
        known = Counting()

        async def dying(
            partition: int, records: Sequence[Arrived], known: Counting = known
        ) -> list[Outgoing]:
            if any(one.offset == 1 for one in records):
                raise MemoryError
            return await known.handle(partition, records)

        try:
            async with running(copier(broker, known, handle=dying, recollection=known)) as tasks:
                await until(lambda: broker.committed(GROUP).get((IN, 0)) == 4, *tasks)
        except MemoryError:
            deaths += 1
    assert deaths > 0
    feed(broker, 4)
    known = await carry(broker, 1, Dying(1))
    assert (known.recalled_records, known.lost) == (3, [])


async def test_a_broker_that_is_away_as_it_looks_for_the_place_is_asked_again(
    broker: FakeBroker,
) -> None:
    feed(broker, *range(5))
    await carry(broker, 5, Counting())
    known = Counting()
    async with running(copier(broker, known, handle=known.handle, recollection=known)) as tasks:
        await asyncio.sleep(1)
        broker.go_away()
        feed(broker, 5)
        await asyncio.sleep(5)
        broker.come_back()
        await until(lambda: known.records == 1, *tasks)
    assert right(said(broker)) and not known.lost


@pytest.mark.parametrize(
    ("metadata", "place"),
    [
        ("", Place(7)),
        ("v1;attempts=2;from=7;to=9", Place(7)),
        ("v1;append=1790000000000", Place(7, 1790000000000)),
        ("v1;attempts=2;from=7;to=9;append=5;lost_to=4;recalls=2;over=3", Place(7, 5, 4, 2, 2)),
        ("another's own words", Place(7)),
        ("v1;append=x;lost_to=-1", Place(7)),
    ],
)
def test_a_note_is_read_and_what_is_not_noted_is_unknown(metadata: str, place: Place) -> None:
    assert read_place(Committed(7, metadata)) == place
    assert read_place(None) == Place(None)


def test_a_note_stands_behind_that_of_attempts_and_comes_back() -> None:
    places = Places()
    places.learn(AT, Committed(7, "v1;append=5;lost_to=4;over=3"))
    plain = places.noted({AT: Committed(7, "")})[AT]
    beside = places.noted({AT: Committed(7, "v1;attempts=1;from=7;to=9")})[AT]
    assert beside.metadata.startswith("v1;attempts=1;from=7;to=9;")
    assert read_place(plain) == read_place(beside) == Place(7, 5, 4, 0, 2)
