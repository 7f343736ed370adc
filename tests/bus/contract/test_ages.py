from bus.ports import Broker
from bus.publisher import Publisher
from bus.records import Outgoing
from bus.topics import TopicSpec
from roadfade.clock import wall_ms
from tests.integration.bus_road import delete_before

CONFIG = {"message.timestamp.type": "LogAppendTime"}


async def test_the_age_of_a_topic_is_its_oldest_records(bus: Broker) -> None:
    specs = [TopicSpec("filled", 3, CONFIG), TopicSpec("empty", 1, CONFIG)]
    async with bus.admin() as admin:
        await admin.create(specs)
    before_ms = wall_ms()
    async with Publisher(bus, clock=wall_ms) as publisher:
        await publisher.publish([Outgoing("filled", 2, b"k", b"first")])
        between_ms = wall_ms()
        await publisher.publish([Outgoing("filled", 0, b"k", b"second")])
    async with bus.positions() as positions:
        sizes = {"filled": 3, "empty": 1}
        oldest = await positions.oldest_ms(sizes)
        assert await positions.oldest_ms(sizes) == oldest
        # A deleted record has no age.
        await delete_before(bus, "filled", 2, 1)
        assert (await positions.oldest_ms(sizes))["filled"] >= between_ms - 1
    assert set(oldest) == {"filled"}
    assert before_ms - 1 <= oldest["filled"] <= between_ms + 1
