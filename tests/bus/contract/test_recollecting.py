"""What a handler goes by is read again after a restart and a rebalance, on every broker."""

import asyncio
from typing import Any

from bus.loops.batch_loop import BatchLoop
from bus.ports import Broker, ReaderSettings, TopicPartition
from tests.bus.recalling import Counting, right
from tests.integration.bus_road import (
    IN,
    clock,
    copier,
    delete_before,
    make_road,
    numbered,
    publish,
    running,
    until,
    values,
)


def counter(bus: Broker, known: Counting, **options: Any) -> BatchLoop:
    return copier(bus, known, handle=known.handle, recollection=known, **options)


async def test_it_is_known_where_records_of_a_time_begin(bus: Broker) -> None:
    await make_road(bus, 1)
    at = TopicPartition(IN, 0)
    before_ms = clock()
    await publish(bus, numbered(0, 2))
    between_ms = clock() + 1
    await until(lambda: clock() >= between_ms)
    await publish(bus, numbered(2, 4))

    async def revoked() -> None:
        return

    member = bus.group_member(
        "group", [IN], member=None, settings=ReaderSettings(), revoked=revoked
    )
    await member.start()
    try:
        async with asyncio.timeout(60):
            while not await member.fetch():
                pass
        assert await member.since(at, before_ms - 5) == (0, 0)
        assert await member.since(at, -1) == (0, 0)
        assert await member.since(at, between_ms) in [(0, 2), (0, 0)]
        assert await member.since(at, between_ms + 3_600_000) == (0, None)
        await delete_before(bus, IN, 0, 3)
        assert await member.since(at, before_ms - 5) == (3, 3)
    finally:
        await member.stop(10_000)


async def test_a_successor_knows_what_was_before(bus: Broker) -> None:
    await make_road(bus)
    for start in range(0, 900, 300):
        await publish(bus, numbered(start, start + 300))
        known = Counting()
        async with running(counter(bus, known)) as tasks:
            await until(lambda known=known: known.records == 300, *tasks)  # type: ignore[misc]
        assert known.recalled_records == start
        assert not known.lost and not known.again and not known.expired
    found = await values(bus)
    assert len(found) >= 450 and right([*found])


async def test_two_members_know_what_the_other_has_read(bus: Broker) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 200))
    first, second = Counting(), Counting()
    async with running(counter(bus, first)) as tasks:
        await until(lambda: first.records == 200, *tasks)
        async with running(counter(bus, second)) as others:
            sent = 200
            while second.records == 0:
                await publish(bus, numbered(sent, sent + 20))
                sent += 20
                await asyncio.sleep(0.2)
            await until(lambda: first.records + second.records >= sent, *tasks, *others)
        await publish(bus, numbered(sent, sent + 100))
        await until(lambda: first.records + second.records >= sent + 100, *tasks)
    assert second.recalled_records > 0
    assert right([*await values(bus)])
    assert not first.lost and not second.lost


async def test_what_was_deleted_unread_counts_as_lost(bus: Broker) -> None:
    await make_road(bus, 1)
    await publish(bus, numbered(0, 10))
    await delete_before(bus, IN, 0, 4)
    known = Counting()
    async with running(counter(bus, known)) as tasks:
        await until(lambda: known.records == 6, *tasks)
    assert [partition for partition, _ in known.lost] == [0]


async def test_what_was_deleted_within_the_life_counts_as_lost(bus: Broker) -> None:
    await make_road(bus, 1)
    await publish(bus, numbered(0, 10))
    known = Counting()
    async with running(counter(bus, known)) as tasks:
        await until(lambda: known.records == 10, *tasks)
    await publish(bus, numbered(10, 20))
    await delete_before(bus, IN, 0, 7)
    known = Counting()
    async with running(counter(bus, known)) as tasks:
        await until(lambda: known.records == 10, *tasks)
    assert known.recalled_records == 3
    assert [partition for partition, _ in known.lost] == [0]
