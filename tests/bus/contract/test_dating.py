"""A record says who dated it: a topic may have drifted to the times of its producers."""

import pytest

from bus.ports import Broker
from bus.records import Outgoing, arrived_from
from bus.topics import TopicSpec
from tests.integration.bus_road import make_topics, publish

STOP_MS = 10_000


@pytest.mark.parametrize(
    ("by", "broker_dated"),
    [("LogAppendTime", True), ("CreateTime", False)],
    ids=["broker", "producer"],
)
async def test_a_record_says_who_dated_it(bus: Broker, by: str, *, broker_dated: bool) -> None:
    await make_topics(bus, TopicSpec("raw", 1, {"message.timestamp.type": by}))
    await publish(bus, [Outgoing("raw", 0, b"k", b"v")])
    reader = bus.reader("raw", 1)
    await reader.start()
    try:
        while not (fetched := await reader.fetch()):
            pass
    finally:
        await reader.stop(STOP_MS)
    [arrived] = arrived_from("raw", [one for records in fetched.values() for one in records])
    assert arrived.broker_dated is broker_dated
