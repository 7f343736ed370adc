"""A topic that is made anew under a running sink loop, on the broker in memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bus.failures import BrokerError, TopicRemadeError
from bus.loops.sink_loop import SinkLoop
from bus.memory.broker import FakeBroker
from bus.topic_watch import TopicWatch
from bus.topics import TopicSpec
from tests.bus.loops.test_sink_loop import GROUP, Store
from tests.integration.bus_road import IN, OUT, Noted, until
from tests.support.fast_time import fast_time


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    made = FakeBroker()
    await made.admin().create([TopicSpec(IN, 1, {}), TopicSpec(OUT, 1, {})])
    with fast_time():
        yield made


async def watch_of(broker: FakeBroker, *names: str) -> TopicWatch:
    async with broker.topic_ids() as ids:
        found = await ids.of(names)
    return TopicWatch(broker, {name: found.get(name) for name in names})


async def test_topics_that_stay_are_no_news(broker: FakeBroker) -> None:
    watch = await watch_of(broker, IN, OUT, "not yet")
    broker.feed(IN, 0, b"0")
    await watch.check()
    await watch.check()
    await watch.aclose()


async def test_a_topic_made_anew_or_made_since_is_named(broker: FakeBroker) -> None:
    watch = await watch_of(broker, IN, OUT, "not yet")
    broker.remake(OUT)
    with pytest.raises(TopicRemadeError, match=f"topic {OUT}: it was topic-2, and is topic-3 now"):
        await watch.check()
    watch = await watch_of(broker, "not yet")
    await broker.admin().create([TopicSpec("not yet", 1, {})])
    with pytest.raises(TopicRemadeError, match="it was not there"):
        await watch.check()


async def test_what_cannot_be_known_is_an_error_and_asked_again(broker: FakeBroker) -> None:
    watch = await watch_of(broker, IN)
    broker.go_away()
    with pytest.raises(BrokerError):
        await watch.check()
    broker.come_back()
    await watch.check()
    await broker.admin().delete([IN])
    with pytest.raises(BrokerError):
        await watch.check()


def loop_over(broker: FakeBroker, store: Store, watch: TopicWatch, noted: Noted) -> SinkLoop:
    return SinkLoop(
        broker, [IN], GROUP, store.position, store.write, verify=watch.check, observer=noted
    )


async def test_a_topic_that_grew_past_the_position_is_not_taken_for_read(
    broker: FakeBroker,
) -> None:
    broker.feed(IN, 0, b"0", b"1", b"2")
    store, watch = Store(position=3), await watch_of(broker, IN)
    broker.remake(IN)
    broker.feed(IN, 0, *[b"new"] * 8)
    with pytest.raises(TopicRemadeError):
        await loop_over(broker, store, watch, Noted()).run()
    assert store.writes == []
    assert broker.committed(GROUP) == {}


async def test_it_is_noticed_while_nothing_comes(broker: FakeBroker) -> None:
    broker.feed(IN, 0, b"0")
    store, watch = Store(), await watch_of(broker, IN)
    task = asyncio.create_task(loop_over(broker, store, watch, Noted()).run())
    await until(lambda: broker.committed(GROUP).get((IN, 0)) == 1, task)
    broker.remake(IN)
    with pytest.raises(TopicRemadeError):
        await task


async def test_nothing_is_written_while_the_topic_is_not_known(broker: FakeBroker) -> None:
    store, watch, noted = Store(), await watch_of(broker, IN), Noted()

    async def unknown() -> None:
        if not noted.retries:
            raise BrokerError
        await watch.check()

    loop = SinkLoop(
        broker, [IN], GROUP, store.position, store.write, verify=unknown, observer=noted
    )
    broker.feed(IN, 0, b"0", b"1")
    task = asyncio.create_task(loop.run())
    await until(lambda: broker.committed(GROUP).get((IN, 0)) == 2, task)
    await loop.stop()
    await task
    assert noted.retries == ["BrokerError"]
    assert store.writes == [[0, 1]]
