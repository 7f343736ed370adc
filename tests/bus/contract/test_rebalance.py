"""Two members of one group on every broker: a batch in hand is finished before it moves."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from bus.loops.batch_loop import BatchSettings
from bus.ports import Broker, ReaderSettings
from bus.records import Outgoing
from telemetry.arrived import Arrived
from tests.integration.bus_road import (
    Noted,
    committed,
    copier,
    copy,
    make_road,
    numbered,
    publish,
    running,
    until,
    values,
)


async def test_a_batch_in_hand_is_committed_before_a_second_member_reads(
    bus: Broker,
) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 100))
    first, second = Noted(), Noted()
    begun, gate = asyncio.Event(), asyncio.Event()

    async def slow(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        begun.set()
        await gate.wait()
        return await copy(partition, records)

    async with running(copier(bus, first, handle=slow)) as tasks:
        await begun.wait()
        async with running(copier(bus, second)) as others:
            # The second joins while the first holds its batch; nothing may be read twice.
            await asyncio.sleep(4)
            assert not second.batches
            gate.set()
            await until(lambda: first.records == 100, *tasks, *others)
            await publish(bus, numbered(100, 1_100))
            await until(lambda: first.records + second.records == 1_100, *tasks, *others)
            assert second.records > 0
    assert await values(bus) == Counter(b"%d" % n for n in range(1_100))
    assert sum((await committed(bus)).values()) == 1_100
    assert not first.missed


async def test_a_batch_that_outlasts_the_deadline_is_left_to_its_new_owner(
    bus: Broker,
) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 100))
    first, second = Noted(), Noted()
    begun, gate = asyncio.Event(), asyncio.Event()
    handled: set[bytes] = set()

    async def stuck(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        begun.set()
        await gate.wait()
        return await noting(partition, records)

    async def noting(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        handled.update(r.value or b"" for r in records)
        return await copy(partition, records)

    settings = BatchSettings(ReaderSettings(revoke_deadline_ms=200))
    loop = copier(bus, first, handle=stuck, settings=settings)
    async with running(loop) as tasks:
        await begun.wait()
        async with running(copier(bus, second, handle=noting)) as others:
            await until(lambda: second.records > 0, *tasks, *others)
            gate.set()
            await until(lambda: first.records + second.records >= 100, *tasks, *others)
            assert "RevokeDeadline" in first.missed
            assert "rebalanced" in first.retries
            # It crashed neither member, and both go on.
            await publish(bus, numbered(100, 200))
            written = {b"%d" % n for n in range(200)}
            await until(lambda: handled == written, *tasks, *others)
    assert sorted(await values(bus)) == sorted(written)


async def test_a_static_member_that_restarts_takes_up_its_partitions_at_once(
    bus: Broker,
) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 100))
    noted = Noted()
    for wanted in (100, 200, 300):
        async with running(copier(bus, noted, member="worker-0")) as tasks:
            # Well within the session timeout: the new member does not wait for the old one's.
            async with asyncio.timeout(8):
                await until(lambda wanted=wanted: noted.records == wanted, *tasks)  # type: ignore[misc]
        await publish(bus, numbered(wanted, wanted + 100))
    assert not noted.again
