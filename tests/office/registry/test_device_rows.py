from office.outbox import Outbox
from office.registry.device_rows import standing_of
from office.registry.registry import Registry
from office.store.database import Database
from telemetry.identity import DeviceId, SubjectId
from telemetry.wire.control import ConsentInterval, DeviceRegistration, LinkInterval, Restriction
from tests.office.conftest import IMPROVE, INSURE, Topics

OURS, OTHERS = DeviceId("dongle-1"), DeviceId("dongle-2")


async def test_device_rows_are_what_the_workers_receive_of_these_devices(
    database: Database, registry: Registry, topics: Topics
) -> None:
    for device, subject, given in ((OURS, "anne", IMPROVE), (OTHERS, "ben", INSURE)):
        service = "linkdrive" if device == OURS else None
        await registry.register(device, SubjectId(subject), 1_000, service=service)
        await registry.grant(SubjectId(subject), *given, 2_000)
        await registry.restrict(SubjectId(subject), "objected", None, None, 3_000)

    await Outbox(database).drain(topics.publish)
    told = topics.seen()
    mine = dict(await standing_of(database, [OURS]))
    assert mine.items() <= told.items()
    known = [row for row in mine.values() if isinstance(row, DeviceRegistration)]
    assert [row.service for row in known] == ["linkdrive"]
    assert {type(row) for row in mine.values()} == {
        DeviceRegistration,
        LinkInterval,
        ConsentInterval,
        Restriction,
    }
    assert dict(await standing_of(database, [OURS, OTHERS])) == told
    assert await standing_of(database, [DeviceId("stranger")]) == []
