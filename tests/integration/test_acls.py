"""The rights that ``roadfade policy acls`` prints, on a broker that enforces them.

Each process's own code does its work as its principal. What is refused: test_acls_denied.
"""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bus.client.admin import TopicAdmin
from bus.client.positions import Positions
from bus.client.producer import AckedProducer
from bus.loops.batch_loop import BatchLoop
from bus.loops.gathering import SinkSettings
from bus.loops.sink_loop import SinkLoop
from bus.publisher import Publisher
from bus.records import Outgoing
from bus.view import CompactedView
from policy.artefacts.acls import ADMIN, GATEWAY, OFFICE, READER, SINK, SWEEP, WORKER
from roadfade.in_force.broker import bring_about, check_topics
from roadfade.in_force.control_rows import heartbeat_at
from roadfade.in_force.published import read_published
from telemetry.arrived import Arrived
from telemetry.topics import (
    AUDIT_FLOW,
    CONTROL,
    CONTROL_OF_WORKERS,
    HEARTBEAT_KEY,
    LEDGER_GROUP,
    RAW,
    SINK_GROUP,
    WORKER_GROUP,
)
from telemetry.wire.publication import Publication
from tests.integration.bus_road import Noted, clock
from tests.integration.guarded_road import (
    HEARTBEAT,
    OUTPUTS,
    PUBLISHED,
    SPARE,
    SPECS,
    TOPICS,
    Way,
    carried,
    delete_spare,
    in_group,
    viewed,
)
from tests.support.guarded_broker import SUPER_USER

pytestmark = pytest.mark.broker


@pytest.mark.parametrize("principal", [WORKER, SINK, OFFICE, ADMIN])
async def test_who_checks_the_topics_before_starting_finds_them_all(
    way: Way, principal: str
) -> None:
    async with TopicAdmin(way(principal)) as admin:
        assert set(await check_topics(admin, SPECS)) == {*TOPICS, SPARE}


@pytest.mark.parametrize("principal", [WORKER, SINK, SWEEP, OFFICE, GATEWAY, ADMIN])
async def test_who_applies_the_policy_reads_its_versions_and_the_deletion_delays(
    way: Way, principal: str
) -> None:
    async with TopicAdmin(way(principal)) as admin:
        assert (await admin.broker_settings()).segment_delete_delay_ms == 1_000
    told = await read_published(way(principal), Publication("own", 1, 0, 0, {}))
    assert told.versions == (PUBLISHED,)


async def test_a_worker_may_read_raw_data_and_write_every_purpose_and_the_ledger(
    way: Way,
) -> None:
    async def handle(partition: int, records: Sequence[Arrived]) -> list[Outgoing]:
        return [Outgoing(topic, partition, b"k", b"v") for topic in (*OUTPUTS, SPARE, AUDIT_FLOW)]

    noted, producer = Noted(), AckedProducer(way(WORKER), clock=clock)
    await carried(
        BatchLoop(way(WORKER), RAW, WORKER_GROUP, handle, producer, observer=noted), noted
    )
    assert await in_group(way(WORKER), LEDGER_GROUP, AUDIT_FLOW) > 0


async def test_a_worker_reads_whole_what_people_said(way: Way) -> None:
    for topic in CONTROL_OF_WORKERS:
        rows: dict[bytes, bytes | None] = {}
        await viewed(
            CompactedView(
                way(WORKER), topic, rows.__setitem__, heartbeat_at=heartbeat_at, elapsed_ms=clock
            )
        )
        assert rows


class Kept:
    """A store that holds nothing yet."""

    def position(self, topic: str, partition: int) -> int | None:
        return None

    async def write(self, records: Sequence[Arrived]) -> None:
        assert {record.topic for record in records} <= set(OUTPUTS)


async def test_a_sink_keeps_every_purpose(way: Way) -> None:
    async with Positions(way(SINK)) as positions:
        ends = await positions.end(dict.fromkeys(OUTPUTS, 2))
    assert all(ends[topic, 0] > 0 for topic in OUTPUTS)
    noted, settings = Noted(), SinkSettings(gather_ms=0)
    store = Kept()
    loop = SinkLoop(
        way(SINK), [*OUTPUTS], SINK_GROUP, store.position, store.write,
        observer=noted, settings=settings,
    )  # fmt: skip
    await carried(loop, noted)


async def test_a_gateway_delivers(way: Way) -> None:
    async with TopicAdmin(way(GATEWAY)) as admin:
        found = (await admin.describe([RAW]))[RAW]
    assert found is not None and found.partitions == 2, "a device's partition depends on it"
    async with Publisher(way(GATEWAY), clock=clock) as publisher:
        await publisher.publish([Outgoing(RAW, None, b"k", b"v")])


async def test_the_office_proves_that_it_lives(way: Way) -> None:
    async with Publisher(way(OFFICE), clock=clock) as publisher:
        await publisher.publish([Outgoing(t, 1, HEARTBEAT_KEY, HEARTBEAT) for t in CONTROL])


@pytest.mark.parametrize("principal", [OFFICE, ADMIN])
async def test_who_keeps_the_topics_makes_and_mends_them(way: Way, principal: str) -> None:
    finer = [replace(s, config={**s.config, "segment.ms": "60000"}) for s in SPECS]
    await delete_spare(way(SUPER_USER))
    async with TopicAdmin(way(principal)) as admin:
        assert await bring_about(admin, SPECS) == ([SPARE], [])
        try:
            _, changed = await bring_about(admin, finer)
        finally:
            await bring_about(admin, SPECS)
    already = {spec.name for spec in SPECS if spec.config.get("segment.ms") == "60000"}
    assert set(CONTROL) <= already
    assert set(changed) == {*TOPICS, SPARE} - already


async def test_the_office_deletes_what_no_version_needs(way: Way) -> None:
    await delete_spare(way(OFFICE))
    async with TopicAdmin(way(SUPER_USER)) as admin:
        await bring_about(admin, SPECS)


async def test_the_office_measures_how_old_topics_are_and_how_far_they_are_read(way: Way) -> None:
    async with Publisher(way(GATEWAY), clock=clock) as publisher:
        await publisher.publish([Outgoing(RAW, None, b"k", b"v")])
    await in_group(way(WORKER), WORKER_GROUP, RAW)
    sizes = dict.fromkeys((RAW, *OUTPUTS), 2)
    async with Positions(way(OFFICE)) as positions:
        assert set(await positions.oldest_ms(sizes)) == set(sizes)
        lag = await positions.lag(WORKER_GROUP, {RAW: 2})
        assert any(one.committed for one in lag.values())
        await positions.lag(SINK_GROUP, dict.fromkeys(OUTPUTS, 2))


async def test_an_administrator_may_read_every_groups_offsets(way: Way) -> None:
    read = {WORKER_GROUP: [RAW], LEDGER_GROUP: [AUDIT_FLOW], SINK_GROUP: [*OUTPUTS]}
    async with Positions(way(ADMIN)) as positions:
        for group, topics in read.items():
            await positions.lag(group, dict.fromkeys(topics, 2))


@pytest.mark.parametrize("topic", OUTPUTS)
async def test_a_reader_reads_its_purpose_in_its_own_group(way: Way, topic: str) -> None:
    reader = READER + OUTPUTS[topic]
    assert await in_group(way(reader), reader, topic) > 0
