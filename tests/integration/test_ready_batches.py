"""Ready batches over a broker that goes away under load: each record arrives, and arrives once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from itertools import count

import pytest

from bus.client.connection import Connection
from bus.client.producer import AckedProducer
from bus.topics import TopicSpec
from roadfade.local.broker import LocalBroker
from tests.integration.bus_road import clock, lying_in, make_topics, until
from tests.support.ready_batches import MAKERS, Make, Plain

pytestmark = [pytest.mark.broker, pytest.mark.faults]

PARTITIONS, PER_BATCH = 2, 50


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("ending", ["stop", "kill9"])
async def test_a_restart_of_the_broker_neither_loses_nor_doubles_a_record(
    killable_broker: Callable[[], LocalBroker], make: Make, ending: str
) -> None:
    broker = await asyncio.to_thread(killable_broker)
    connection = Connection(broker.bootstrap_servers, prefix="ready.")
    await make_topics(connection, TopicSpec("ready", PARTITIONS, {}))
    # One producer all the time: what it sends again after the outage it has sent before.
    producer = AckedProducer(connection, clock=clock, deadline_ms=120_000)
    sent, quit_ = 0, asyncio.Event()

    async def load() -> None:
        nonlocal sent
        for round_ in count():
            values = [b"%d-%d" % (round_, number) for number in range(PER_BATCH)]
            records = [Plain(b"k", value, (("h", b"1"),)) for value in values]
            await producer.send_all(
                [make("ready", partition, records, "zstd") for partition in range(PARTITIONS)]
            )
            sent = round_ + 1
            if quit_.is_set():
                return

    loading = asyncio.create_task(load())
    await until(lambda: sent > 20, loading)
    await asyncio.to_thread(getattr(broker, ending))
    await asyncio.to_thread(broker.start)
    before = sent
    await until(lambda: sent > before + 20, loading)
    quit_.set()
    await loading
    await producer.stop()
    found = Counter(
        (one.partition, one.value) for one in await lying_in(connection, "ready", PARTITIONS)
    )
    assert len(found) == sent * PARTITIONS * PER_BATCH
    assert set(found.values()) == {1}
