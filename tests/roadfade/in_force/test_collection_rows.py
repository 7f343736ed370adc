"""Lists come from their topic, and none is handed out while the office is not heard."""

import asyncio
from contextlib import suppress

from bus.memory.broker import FakeBroker
from bus.records import Outgoing
from bus.topics import TopicSpec
from roadfade import metrics
from roadfade.in_force.collection_rows import CollectionRows
from telemetry.topics import CONTROL_COLLECTION, HEARTBEAT_KEY
from telemetry.wire.control import Heartbeat, encode_row
from tests.ingest.gateway.test_collection_lists import MINE, OTHERS, signed
from tests.integration.bus_road import until


async def test_a_gateway_hands_out_what_the_office_said_until_it_hears_it_no_more() -> None:
    broker, now_ms = FakeBroker(), [0]
    async with broker.admin() as admin:
        await admin.create([TopicSpec(CONTROL_COLLECTION, 1, {"cleanup.policy": "compact"})])
    rows = CollectionRows(broker, lambda: now_ms[0], 30_000)
    count = metrics.QUARANTINED.labels(CONTROL_COLLECTION, "undecodable")
    before = count._value.get()
    broker.feed(CONTROL_COLLECTION, 0, Outgoing("", None, b"r1", signed(MINE)))
    reading = asyncio.create_task(rows.view.run())
    await until(rows.view.ready.is_set, reading)
    assert rows.lists.of(MINE) is None  # no heartbeat vouches for it yet
    beat = Outgoing("", None, HEARTBEAT_KEY, encode_row(Heartbeat(0, 1)))
    garbage = Outgoing("", None, b"r2", b"garbage")
    broker.feed(CONTROL_COLLECTION, 0, garbage, beat)
    await until(lambda: rows.lists.of(MINE) == signed(MINE), reading)
    assert count._value.get() == before + 1 and rows.unreadable
    more = Outgoing("", None, b"r2", signed(OTHERS))
    broker.feed(CONTROL_COLLECTION, 0, more, Outgoing("", None, b"r1", None))
    await until(lambda: rows.lists.of(OTHERS) == signed(OTHERS), reading)
    await until(lambda: rows.lists.of(MINE) is None, reading)
    assert not rows.unreadable
    now_ms[0] = 30_001
    assert rows.lists.of(OTHERS) is None
    await rows.view.stop()
    with suppress(asyncio.CancelledError):
        await reading
