"""The broker goes away under load and comes back: everything goes on by itself, nothing is lost."""

import asyncio
from collections.abc import Callable

import pytest

from bus.client.connection import Connection
from bus.client.producer import AckedProducer
from bus.loops.batch_loop import BatchSettings
from bus.ports import ReaderSettings
from bus.publisher import Publisher
from bus.topics import TopicSpec
from bus.view import CompactedView
from roadfade.local.broker import LocalBroker
from tests.integration.bus_road import (
    IN,
    OUT,
    Noted,
    clock,
    copier,
    make_road,
    make_topics,
    numbered,
    publish,
    running,
    until,
    values,
)

pytestmark = [pytest.mark.broker, pytest.mark.faults]

Make = Callable[[], LocalBroker]


@pytest.mark.parametrize("ending", ["stop", "kill9"])
async def test_a_broker_that_returns_finds_everything_going_on(
    killable_broker: Make, ending: str
) -> None:
    broker = await asyncio.to_thread(killable_broker)
    connection = Connection(broker.bootstrap_servers, prefix="out.")
    await make_road(connection)
    noted, published = Noted(), 0
    quit_ = asyncio.Event()

    async def load() -> None:
        nonlocal published
        async with Publisher(connection, clock=clock) as publisher:
            while not quit_.is_set():
                await publisher.publish(numbered(published, published + 200))
                published += 200
                await asyncio.sleep(0.01)

    # Short deadlines, so that the batch in hand fails during the outage and is read again.
    producer = AckedProducer(connection, clock=clock, deadline_ms=1_000)
    async with running(copier(connection, noted, producer=producer)) as tasks:
        loading = asyncio.create_task(load())
        await until(lambda: noted.records > 1_000, *tasks)
        await asyncio.to_thread(getattr(broker, ending))
        await asyncio.sleep(2)
        await asyncio.to_thread(broker.start)
        before = published
        await until(lambda: published > before + 1_000, *tasks)
        quit_.set()
        await loading
        await until(lambda: noted.records >= published, *tasks)
        await until(lambda: bool(noted.batches) and noted.batches[-1].lag == 0, *tasks)
    given = set(await values(connection, IN))
    found = await values(connection, OUT)
    assert {b"%d" % n for n in range(published)} <= given
    assert set(found) == given


async def test_stopping_while_the_broker_is_away_ends_within_its_deadlines(
    killable_broker: Make,
) -> None:
    broker = await asyncio.to_thread(killable_broker)
    connection = Connection(broker.bootstrap_servers, prefix="out.")
    await make_road(connection)
    noted = Noted()
    settings = BatchSettings(ReaderSettings(stop_deadline_ms=500, commit_deadline_ms=500))
    producer = AckedProducer(connection, clock=clock, deadline_ms=500)
    loop = copier(connection, noted, producer=producer, settings=settings)
    task = asyncio.create_task(loop.run())
    await publish(connection, numbered(0, 1_000))
    await until(lambda: noted.records == 1_000, task)
    await asyncio.to_thread(broker.kill9)
    # A hang would meet this; what keeps running afterwards fails the test as a leaked task.
    async with asyncio.timeout(30):
        await loop.stop()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_view_goes_stale_during_an_outage_and_is_right_afterwards(
    killable_broker: Make,
) -> None:
    broker = await asyncio.to_thread(killable_broker)
    connection = Connection(broker.bootstrap_servers, prefix="out.")
    await make_topics(connection, TopicSpec("control", 1, {"cleanup.policy": "compact"}))
    rows: dict[bytes, bytes | None] = {}
    view = CompactedView(
        connection, "control", rows.__setitem__, heartbeat_at=int, elapsed_ms=clock
    )
    task = asyncio.create_task(view.run())
    beat = numbered(0, 1, "control")[0]._replace(key=b"~heartbeat")
    await publish(connection, [beat._replace(value=b"1000"), *numbered(0, 5, "control")])
    await until(lambda: view.heartbeat_ms == 1_000 and len(rows) == 5, task)
    assert view.fresh(1_000 + 30_000)
    await asyncio.to_thread(broker.stop)
    await asyncio.sleep(1)
    assert not view.fresh(1_000 + 30_001)
    assert len(rows) == 5
    await asyncio.to_thread(broker.start)
    gone = numbered(0, 1, "control")[0]._replace(value=None)
    await publish(connection, [gone, beat._replace(value=b"90000")])
    await until(lambda: view.heartbeat_ms == 90_000, task)
    assert rows[b"key-0"] is None
    assert view.fresh(90_000)
    await view.stop()
    await task
