"""`roadfade office republish`: what the office knows is sent again, and nothing else stays."""

from bus.memory.broker import FakeBroker
from bus.records import Outgoing
from office.outbox import Outbox
from office.store.database import Database
from roadfade.processes.office.control_topics import lying_in
from roadfade.processes.office.republishing import republish
from telemetry.identity import DeviceId
from telemetry.topics import CONTROL, CONTROL_LINKS
from telemetry.wire.control import DeviceRegistration, encode_row

REGISTRATION = encode_row(DeviceRegistration(DeviceId("somebody-elses"), 0))


async def held(broker: FakeBroker) -> set[tuple[str, bytes]]:
    async with broker.admin() as admin:
        found = await admin.describe(CONTROL)
    partitions = {topic: one.partitions for topic, one in found.items() if one is not None}
    lying = await lying_in(broker, partitions)
    return {(topic, key) for (topic, _), rows in lying.items() for key in rows.keys}


async def test_rows_that_the_office_does_not_know_are_deleted_and_counted(
    database: Database, broker: FakeBroker
) -> None:
    first = await republish(database, broker)
    assert (first.queued, first.foreign) == (1, 0)
    known = await held(broker)
    async with broker.admin() as admin:
        count = (await admin.describe([CONTROL_LINKS]))[CONTROL_LINKS]
    assert count is not None
    for key in (b"row", b"\xff no text"):
        for partition in range(count.partitions):  # in its own, and out of place
            broker.feed(CONTROL_LINKS, partition, Outgoing(CONTROL_LINKS, None, key, REGISTRATION))
    assert (await republish(database, broker)).foreign == 2 * count.partitions
    assert await held(broker) == known
    assert (await republish(database, broker)).foreign == 0


async def test_what_cannot_be_looked_for_is_not_said_to_be_none(
    database: Database, broker: FakeBroker
) -> None:
    async with Outbox(database)._database.sole_publisher() as sole:
        assert sole
        assert (await republish(database, broker)).foreign is None, "another one publishes"
    broker.go_away()
    assert (await republish(database, broker)).foreign is None
