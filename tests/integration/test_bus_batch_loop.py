"""The batch loop on the real broker: nothing lost, and no offset ahead of an acknowledgement."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from bus.batch_loop import BatchSettings
from bus.connection import Connection
from bus.failures import GaveUpError, SendFailedError
from bus.outgoing import Outgoing
from bus.ports import ReaderSettings
from bus.producer import AckedProducer
from bus.topics import TopicSpec
from telemetry.arrived import Arrived
from tests.integration.bus_road import (
    IN,
    OUT,
    Noted,
    clock,
    committed,
    copier,
    copy,
    make_road,
    make_topics,
    numbered,
    publish,
    running,
    until,
    values,
)  # fmt: skip

pytestmark = pytest.mark.broker


def once_each(start: int, stop: int) -> Counter[bytes]:
    return Counter(b"%d" % n for n in range(start, stop))


class Crashed(Exception):  # noqa: N818  # what the test does to the loop, not a failure of ours
    pass


class Gated(AckedProducer):
    """Sends, then keeps the acknowledgements back until the gate opens."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, clock=clock)
        self.sent, self.gate = asyncio.Event(), asyncio.Event()

    async def send_all(self, outgoing: Sequence[Outgoing]) -> None:
        await super().send_all(outgoing)
        self.sent.set()
        await self.gate.wait()


async def test_every_record_is_copied_once_and_committed(connection: Connection) -> None:
    await make_road(connection)
    await publish(connection, numbered(0, 5_000))
    noted = Noted()
    async with running(copier(connection, noted)) as tasks:
        await until(lambda: noted.records == 5_000, *tasks)
    assert await values(connection) == once_each(0, 5_000)
    assert sum((await committed(connection)).values()) == 5_000
    assert noted.batches[-1].lag == 0
    assert not noted.expired
    assert not noted.again


async def test_no_offset_is_committed_before_the_acknowledgements(connection: Connection) -> None:
    await make_road(connection)
    await publish(connection, numbered(0, 100))
    noted, producer = Noted(), Gated(connection)
    async with running(copier(connection, noted, producer=producer)) as tasks:
        await producer.sent.wait()
        assert await committed(connection) == {}
        producer.gate.set()
        await until(lambda: noted.records == 100, *tasks)
    assert sum((await committed(connection)).values()) == 100


async def test_a_crash_between_acknowledgement_and_commit_doubles_and_never_loses(
    connection: Connection,
) -> None:
    await make_road(connection)
    await publish(connection, numbered(0, 300))

    class DiesAfterAcks(AckedProducer):
        async def send_all(self, outgoing: Sequence[Outgoing]) -> None:
            await super().send_all(outgoing)
            raise Crashed

    dying = copier(connection, Noted(), producer=DiesAfterAcks(connection, clock=clock))
    with pytest.raises(Crashed):
        await dying.run()
    assert await committed(connection) == {}
    noted = Noted()
    async with running(copier(connection, noted)) as tasks:
        await until(lambda: noted.records == 300, *tasks)
    found = await values(connection)
    assert set(found) == set(once_each(0, 300))
    assert sum(found.values()) > 300


async def test_a_handler_that_raises_ends_the_loop_with_nothing_committed(
    connection: Connection,
) -> None:
    await make_road(connection)
    await publish(connection, numbered(0, 50))

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        raise Crashed

    with pytest.raises(Crashed):
        await copier(connection, Noted(), handle=handle).run()
    assert await committed(connection) == {}
    assert not await values(connection)


async def test_a_refused_batch_gets_a_new_producer_and_nothing_is_lost(
    connection: Connection,
) -> None:
    await make_topics(
        connection, TopicSpec(IN, 2, {}), TopicSpec(OUT, 2, {"max.message.bytes": "2000"})
    )
    await publish(connection, numbered(0, 2_000))
    noted, big = Noted(), [True, True]

    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        out = await copy(partition, records)
        if len(noted.batches) >= 2 and big:
            big.pop()
            # Larger than the topic takes: the broker refuses the batch, its mates with it.
            out[3] = out[3]._replace(value=bytes(5_000))
        return out

    producer = AckedProducer(connection, clock=clock, compression=None)
    settings = BatchSettings(ReaderSettings(records_max=20))
    loop = copier(connection, noted, handle=handle, producer=producer, settings=settings)
    async with running(loop) as tasks:
        await until(lambda: noted.records == 2_000, *tasks)
    assert noted.retries == ["MessageSizeTooLargeError"] * 2
    found = await values(connection)
    assert set(found) == set(once_each(0, 2_000))
    assert found[bytes(5_000)] == 0


async def test_failing_for_too_long_ends_the_loop(connection: Connection) -> None:
    await make_road(connection)
    await publish(connection, numbered(0, 10))

    class Refused(AckedProducer):
        async def send_all(self, outgoing: Sequence[Outgoing]) -> None:
            raise SendFailedError

    loop = copier(
        connection, Noted(), producer=Refused(connection, clock=clock),
        settings=BatchSettings(give_up_ms=300),
    )  # fmt: skip
    with pytest.raises(GaveUpError):
        await loop.run()
    assert await committed(connection) == {}


async def test_while_paused_nothing_is_handled_and_afterwards_everything(
    connection: Connection,
) -> None:
    await make_road(connection)
    await publish(connection, numbered(0, 100))
    noted = Noted()
    reason: list[str] = []
    loop = copier(connection, noted, pause_reason=lambda: reason[0] if reason else None)
    async with running(loop) as tasks:
        await until(lambda: noted.records == 100, *tasks)
        reason.append("stale")
        await until(lambda: noted.pauses == ["stale"], *tasks)
        await publish(connection, numbered(100, 200))
        # A membership that is not kept alive would be lost within these polls' rebalances.
        other = Noted()
        async with running(copier(connection, other, pause_reason=lambda: "stale")) as others:
            await until(lambda: other.pauses == ["stale"], *tasks, *others)
        assert noted.records + other.records == 100
        # The client fetches nothing either: it is paused, not read and put back in circles.
        assert loop._reader._member.paused() == loop._reader.assigned() != set()
        assert sum((await committed(connection)).values()) == 100
        reason.clear()
        await until(lambda: noted.records == 200, *tasks)
    assert await values(connection) == once_each(0, 200)


async def test_a_batch_that_turns_stale_after_the_fetch_is_put_back(connection: Connection) -> None:
    await make_road(connection)
    await publish(connection, numbered(0, 100))
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

    async with running(copier(connection, noted, handle=handle, pause_reason=reason)) as tasks:
        await until(lambda: noted.records == 100, *tasks)
    assert handled == once_each(0, 100)


async def test_records_that_expired_unread_are_counted(connection: Connection) -> None:
    await make_road(connection, partitions=1)
    await publish(connection, numbered(0, 100))
    noted = Noted()
    async with running(copier(connection, noted)) as tasks:
        await until(lambda: noted.records == 100, *tasks)
    await publish(connection, numbered(100, 150))
    admin = AIOKafkaAdminClient(**connection.client_options())
    await admin.start()
    part = TopicPartition(connection.topic(IN), 0)
    await admin.delete_records({part: RecordsToDelete(before_offset=130)})
    await admin.close()
    later = Noted()
    async with running(copier(connection, later)) as tasks:
        await until(lambda: later.records == 20, *tasks)
    assert later.expired == {0: 30}
    assert not later.again
