import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from bus.admin import TopicAdmin
from bus.connection import Connection
from bus.outgoing import Outgoing
from bus.positions import Positions
from bus.publisher import Publisher
from bus.topics import TopicSpec
from roadfade.clock import wall_ms

pytestmark = pytest.mark.broker

CONFIG = {"message.timestamp.type": "LogAppendTime"}


async def delete_first(admin: TopicAdmin, topic: str, partition: int) -> None:
    """Delete the first record of a partition, as a retention pass would."""
    wanted = {TopicPartition(topic, partition): RecordsToDelete(before_offset=1)}
    await admin._client.delete_records(wanted)


async def test_the_age_of_a_topic_is_its_oldest_records(connection: Connection) -> None:
    specs = [TopicSpec("filled", 3, CONFIG), TopicSpec("empty", 1, CONFIG)]
    async with TopicAdmin(connection) as admin:
        await admin.create(specs)
    before_ms = wall_ms()
    async with Publisher(connection, clock=wall_ms) as publisher:
        await publisher.publish([Outgoing("filled", 2, b"k", b"first")])
        between_ms = wall_ms()
        await publisher.publish([Outgoing("filled", 0, b"k", b"second")])
    async with Positions(connection) as positions:
        sizes = {"filled": 3, "empty": 1}
        oldest = await positions.oldest_ms(sizes)
        assert await positions.oldest_ms(sizes) == oldest
        # A record that was deleted is old no more.
        async with TopicAdmin(connection) as admin:
            await delete_first(admin, connection.topic("filled"), 2)
        assert (await positions.oldest_ms(sizes))["filled"] >= between_ms - 1
    assert set(oldest) == {"filled"}
    assert before_ms - 1 <= oldest["filled"] <= between_ms + 1
