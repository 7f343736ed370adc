"""The batch loop on every broker: nothing lost, and no offset ahead of an acknowledgement."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from bus.failures import GaveUpError, SendFailedError
from bus.loops.batch_loop import BatchSettings
from bus.ports import Broker, ReaderSettings
from bus.records import Outgoing, Sendable
from bus.topics import TopicSpec
from telemetry.arrived import Arrived
from tests.integration.bus_road import (
    IN,
    OUT,
    Noted,
    Through,
    clock,
    committed,
    copier,
    copy,
    delete_before,
    make_road,
    make_topics,
    numbered,
    publish,
    running,
    until,
    values,
)  # fmt: skip


def once_each(start: int, stop: int) -> Counter[bytes]:
    return Counter(b"%d" % n for n in range(start, stop))


class Crashed(Exception):  # noqa: N818  # what the test does to the loop, not a failure of ours
    pass


class Gated(Through):
    """Sends, then keeps the acknowledgements back until the gate opens."""

    def __init__(self, bus: Broker) -> None:
        super().__init__(bus)
        self.sent, self.gate = asyncio.Event(), asyncio.Event()

    async def send_all(self, outgoing: Sequence[Sendable]) -> None:
        await super().send_all(outgoing)
        self.sent.set()
        await self.gate.wait()


async def test_every_record_is_copied_once_and_committed(bus: Broker) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 5_000))
    noted = Noted()
    async with running(copier(bus, noted)) as tasks:
        await until(lambda: noted.records == 5_000, *tasks)
    assert await values(bus) == once_each(0, 5_000)
    assert sum((await committed(bus)).values()) == 5_000
    assert noted.batches[-1].lag == 0
    assert not noted.expired
    assert not noted.again


async def test_no_offset_is_committed_before_the_acknowledgements(bus: Broker) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 100))
    noted, producer = Noted(), Gated(bus)
    async with running(copier(bus, noted, producer=producer)) as tasks:
        await producer.sent.wait()
        assert not any((await committed(bus)).values())
        producer.gate.set()
        await until(lambda: noted.records == 100, *tasks)
    assert sum((await committed(bus)).values()) == 100


async def test_a_crash_between_ack_and_commit_doubles_and_never_loses(
    bus: Broker,
) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 300))

    class DiesAfterAcks(Through):
        async def send_all(self, outgoing: Sequence[Sendable]) -> None:
            await super().send_all(outgoing)
            raise Crashed

    dying = copier(bus, Noted(), producer=DiesAfterAcks(bus))
    with pytest.raises(Crashed):
        await dying.run()
    assert not any((await committed(bus)).values())
    noted = Noted()
    async with running(copier(bus, noted)) as tasks:
        await until(lambda: noted.records == 300, *tasks)
    found = await values(bus)
    assert set(found) == set(once_each(0, 300))
    assert sum(found.values()) > 300


async def test_a_handler_that_raises_ends_the_loop_with_nothing_committed(
    bus: Broker,
) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 50))

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        raise Crashed

    with pytest.raises(Crashed):
        await copier(bus, Noted(), handle=handle).run()
    assert not any((await committed(bus)).values())
    assert not await values(bus)


async def test_a_refused_batch_gets_a_new_producer_and_nothing_is_lost(
    bus: Broker,
) -> None:
    await make_topics(bus, TopicSpec(IN, 2, {}), TopicSpec(OUT, 2, {"max.message.bytes": "2000"}))
    await publish(bus, numbered(0, 2_000))
    noted, big = Noted(), [True, True]

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        out = await copy(partition, records)
        if len(noted.batches) >= 2 and big:
            big.pop()
            # Larger than the topic takes: the broker refuses the batch, its mates with it.
            out[3] = out[3]._replace(value=bytes(5_000))
        return out

    producer = bus.producer(clock=clock, compression=None)
    settings = BatchSettings(ReaderSettings(records_max=20))
    loop = copier(bus, noted, handle=handle, producer=producer, settings=settings)
    async with running(loop) as tasks:
        await until(lambda: noted.records == 2_000, *tasks)
    assert noted.retries == ["MessageSizeTooLargeError"] * 2
    found = await values(bus)
    assert set(found) == set(once_each(0, 2_000))
    assert found[bytes(5_000)] == 0


async def test_failing_for_too_long_ends_the_loop(bus: Broker) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 10))

    class Refused(Through):
        async def send_all(self, outgoing: Sequence[Sendable]) -> None:
            raise SendFailedError

    loop = copier(
        bus, Noted(), producer=Refused(bus),
        settings=BatchSettings(give_up_ms=300),
    )  # fmt: skip
    with pytest.raises(GaveUpError):
        await loop.run()
    assert not any((await committed(bus)).values())


async def test_while_paused_nothing_is_handled_and_afterwards_everything(
    bus: Broker,
) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 100))
    noted = Noted()
    reason: list[str] = []
    loop = copier(bus, noted, pause_reason=lambda: reason[0] if reason else None)
    async with running(loop) as tasks:
        await until(lambda: noted.records == 100, *tasks)
        reason.append("stale")
        await until(lambda: noted.pauses == ["stale"], *tasks)
        await publish(bus, numbered(100, 200))
        # A membership that is not kept alive would be lost within these polls' rebalances.
        other = Noted()
        async with running(copier(bus, other, pause_reason=lambda: "stale")) as others:
            await until(lambda: other.pauses == ["stale"], *tasks, *others)
        assert noted.records + other.records == 100
        # The client fetches nothing either: it is paused, not read and reset again and again.
        assert loop._reader._member.paused() == loop._reader.assigned() != set()
        assert sum((await committed(bus)).values()) == 100
        reason.clear()
        await until(lambda: noted.records == 200, *tasks)
    assert await values(bus) == once_each(0, 200)


async def test_a_batch_that_turns_stale_after_the_fetch_is_put_back(bus: Broker) -> None:
    await make_road(bus)
    await publish(bus, numbered(0, 100))
    noted, handled = Noted(), Counter[bytes]()
    # Stale at the second question of a turn: after the fetch, before the batch is handled.
    answers = iter([None, "stale"] * 40)
    last: list[str | None] = []

    def reason() -> str | None:
        last[:] = [next(answers, None)]
        return last[0]

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        assert last == [None]
        handled.update(r.value or b"" for r in records)
        return await copy(partition, records)

    async with running(copier(bus, noted, handle=handle, pause_reason=reason)) as tasks:
        await until(lambda: noted.records == 100, *tasks)
    assert handled == once_each(0, 100)


async def test_records_that_expired_unread_are_counted(bus: Broker) -> None:
    await make_road(bus, partitions=1)
    await publish(bus, numbered(0, 100))
    noted = Noted()
    async with running(copier(bus, noted)) as tasks:
        await until(lambda: noted.records == 100, *tasks)
    await publish(bus, numbered(100, 150))
    await delete_before(bus, IN, 0, 130)
    later = Noted()
    async with running(copier(bus, later)) as tasks:
        await until(lambda: later.records == 20, *tasks)
    assert later.expired == {0: 30}
    assert not later.again
