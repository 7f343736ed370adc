"""What a view makes of a batch that cannot be unpacked, on the broker in memory."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bus.failures import RowFault
from bus.memory.broker import FakeBroker
from bus.topics import TopicSpec
from telemetry.topics import HEARTBEAT_KEY
from telemetry.wire.topic_contents import RunningContents
from tests.bus.contract.test_view import COMPACTED, CONTROL, Rows, reading, row
from tests.integration.bus_road import until
from tests.support.fast_time import fast_time

NOW_MS = 5_000


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    made = FakeBroker()
    await made.admin().create([TopicSpec(CONTROL, 1, COMPACTED)])
    with fast_time():
        yield made


def beat(broker: FakeBroker, **held: bytes) -> None:
    """A heartbeat that says what the office knows."""
    kept = RunningContents()
    for key, value in held.items():
        kept.take(key.encode(), value)
    broker.feed(CONTROL, 0, row(HEARTBEAT_KEY, b"%d %d %d" % (NOW_MS, *kept.contents)))


async def test_a_bomb_pauses_until_a_heartbeat_tells_what_there_is(broker: FakeBroker) -> None:
    broker.feed(CONTROL, 0, row(b"a", b"1"))
    beat(broker, a=b"1")
    rows = Rows(broker, NOW_MS)
    async with reading(rows) as task:
        await until(lambda: rows.view.fresh(NOW_MS), task)
        broker.drop_bomb(CONTROL, 0)
        await until(lambda: bool(rows.quarantined), task)
        assert not rows.view.complete, "whose rows it holds is unknown"
        beat(broker, a=b"1")
        await until(lambda: rows.view.fresh(NOW_MS), task)
    assert rows.quarantined == [(CONTROL, RowFault.UNPACKING)]


async def test_a_heartbeat_before_a_bomb_says_nothing_of_it(broker: FakeBroker) -> None:
    broker.feed(CONTROL, 0, row(b"a", b"1"))
    beat(broker, a=b"1")
    broker.drop_bomb(CONTROL, 0)
    rows = Rows(broker, NOW_MS)
    async with reading(rows) as task:
        await until(rows.view.ready.is_set, task)
        assert not rows.view.complete
        beat(broker, a=b"1", lost=b"in the bomb")
        await asyncio.sleep(60)
        assert not rows.view.complete, "what the bomb held is lost"
        broker.feed(CONTROL, 0, row(b"lost", b"in the bomb"))
        beat(broker, a=b"1", lost=b"in the bomb")
        await until(lambda: rows.view.fresh(NOW_MS), task)
