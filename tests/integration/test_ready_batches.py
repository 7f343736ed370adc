"""Ready batches over a broker that goes away under load: each record arrives, and arrives once.

A send that failed may have written, and is repeated as a loop repeats it: only its own records may
be there twice. What the producer sends again by itself, within one send, never is.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from bus.client.connection import Connection
from bus.client.producer import AckedProducer
from bus.failures import SendFailedError
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
    producer = AckedProducer(connection, clock=clock)
    sent, repeated, quit_ = 0, set[bytes](), asyncio.Event()

    async def load() -> None:
        nonlocal sent
        while not quit_.is_set():
            values = [b"%d-%d" % (sent, number) for number in range(PER_BATCH)]
            records = [Plain(b"k", value, (("h", b"1"),)) for value in values]
            batches = [make("ready", one, records, "zstd") for one in range(PARTITIONS)]
            try:
                await producer.send_all(batches)
            except SendFailedError:
                repeated.update(values)
                await producer.settled()
            else:
                sent += 1

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
    assert {value for (_, value), times in found.items() if times > 1} <= repeated
    assert len(repeated) < sent * PER_BATCH / 2
