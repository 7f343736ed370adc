import asyncio
from collections.abc import Mapping

import pytest
from sqlalchemy import insert

from office.outbox import Outbox
from office.policy_versions import record_version
from office.ports import ControlRecord
from office.registry.consents import NewConsent
from office.registry.links import NewLink
from office.registry.registry import Registry
from office.store.database import Database
from office.store.sealing_tables import SEALING_KEYS
from telemetry.identity import DeviceId, SubjectId
from telemetry.topics import (
    CONTROL,
    CONTROL_COLLECTION,
    CONTROL_CONSENTS,
    CONTROL_LINKS,
    HEARTBEAT_KEY,
)
from telemetry.wire.control import Heartbeat, decode_row
from telemetry.wire.publication import Publication
from telemetry.wire.topic_contents import RunningContents
from tests.office.conftest import IMPROVE, Topics

DONGLE = DeviceId("dongle-1")
ANA = SubjectId("ana")
PARTITIONS = {CONTROL_LINKS: 3, CONTROL_CONSENTS: 2}
WITH_LISTS = {**PARTITIONS, CONTROL_COLLECTION: 2}


async def test_changes_leave_in_the_order_in_which_they_were_made(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    link = await registry.register(DONGLE, ANA, 100)
    consent = await registry.grant(ANA, *IMPROVE, 100)
    await registry.withdraw(ANA, "improve", None, 200)
    await registry.close_link(DONGLE, 300)
    assert await outbox.drain(topics.publish) == 5
    assert [record.topic for record in topics.records] == [
        CONTROL_LINKS, CONTROL_LINKS, CONTROL_CONSENTS, CONTROL_CONSENTS, CONTROL_LINKS,
    ]  # fmt: skip
    keys = [record.key.decode() for record in topics.records]
    assert keys[1:] == [link, consent, consent, link]
    assert await outbox.drain(topics.publish) == 0


async def test_what_a_broken_broker_did_not_take_waits_for_the_next_drain(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    await registry.register(DONGLE, ANA, 100)
    topics.broken = True
    with pytest.raises(ConnectionError):
        await outbox.drain(topics.publish)
    assert await outbox.high_water() == 0
    topics.broken = False
    assert await outbox.drain(topics.publish) == 2


async def test_a_crash_between_publishing_and_marking_repeats_and_loses_nothing(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    await registry.register(DONGLE, ANA, 100)

    async def publish_and_die(records: object) -> None:
        await topics.publish(records)  # type: ignore[arg-type]  # the port's own records
        msg = "killed"
        raise asyncio.CancelledError(msg)

    with pytest.raises(asyncio.CancelledError):
        await outbox.drain(publish_and_die)
    once = topics.seen()
    assert await outbox.drain(topics.publish) == 2
    assert len(topics.records) == 4
    assert topics.seen() == once


async def test_a_refused_change_leaves_nothing_in_the_outbox(
    database: Database, outbox: Outbox, topics: Topics
) -> None:
    registry = Registry(database)
    with pytest.raises(Exception, match="no consent"):
        await registry.register_fleet([NewLink(DONGLE, ANA, 100)], [NewConsent(ANA, *IMPROVE, 100)])
    assert await outbox.drain(topics.publish) == 0


async def test_only_one_publishes_at_a_time(
    registry: Registry, database: Database, outbox: Outbox, topics: Topics
) -> None:
    await registry.register(DONGLE, ANA, 100)
    other = Outbox(database)
    answers: list[int | None] = []

    async def meanwhile(records: object) -> None:
        answers.append(await other.drain(topics.publish))
        answers.append(await other.beat(topics.publish, PARTITIONS, 7))
        await topics.publish(records)  # type: ignore[arg-type]  # the port's own records

    assert await outbox.drain(meanwhile) == 2
    assert answers == [None, None]
    assert len(topics.records) == 2
    assert await other.drain(topics.publish) == 0


async def test_a_heartbeat_reaches_every_partition_after_what_it_vouches_for(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    await registry.register(DONGLE, ANA, 100)
    assert await outbox.beat(topics.publish, PARTITIONS, 777) == 2
    beats = topics.records[2:]
    assert [(beat.topic, beat.partition, beat.key) for beat in beats] == [
        (topic, partition, HEARTBEAT_KEY)
        for topic, count in PARTITIONS.items()
        for partition in range(count)
    ]
    values = {beat.value for beat in beats if beat.value is not None}
    assert [decode_row(value) for value in values] == [Heartbeat(777, 2)]


def lying(
    topics: Topics, partitions: Mapping[str, int] = PARTITIONS
) -> dict[tuple[str, int], RunningContents]:
    """What a reader of the topics finds, by partition."""
    found = {
        (topic, number): RunningContents()
        for topic, count in partitions.items()
        for number in range(count)
    }
    for record in topics.records:
        if record.key != HEARTBEAT_KEY:
            number = record.partition
            if number is None:
                number = place(record.key, partitions[record.topic])
            found[record.topic, number].take(record.key, record.value)
    return found


def place(key: bytes, partitions: int) -> int:
    return sum(key) % partitions


async def test_a_heartbeat_says_what_its_partition_holds(
    registry: Registry, database: Database, outbox: Outbox, topics: Topics
) -> None:
    other = Outbox(database)
    for round_ in range(4):
        fleet = [NewLink(DeviceId(f"d{round_}-{n}"), SubjectId("s"), 100) for n in range(20)]
        await registry.register_fleet(fleet, [])
        await registry.delete_link(await registry.register(DeviceId(f"g{round_}"), ANA, 100))
        if round_ == 2:  # another process of the office publishes in between
            await other.drain(topics.publish)
        before = len(topics.records)
        await outbox.beat(topics.publish, PARTITIONS, 777, place)
        told = {
            (beat.topic, beat.partition): decode_row(beat.value or b"")
            for beat in topics.records[before:]
            if beat.key == HEARTBEAT_KEY
        }
        held = lying(topics)
        assert len(told) == len(held)
        assert {at: beat.contents for at, beat in told.items() if isinstance(beat, Heartbeat)} == {
            at: rows.contents for at, rows in held.items()
        }


async def test_what_the_topics_lack_is_published_again_and_strangers_go(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    await registry.register(DONGLE, ANA, 100)
    await registry.grant(ANA, *IMPROVE, 100)
    await registry.restrict(ANA, "erased", None, None, 0, 100)
    await outbox.drain(topics.publish)
    before = topics.seen()

    async def read() -> dict[tuple[str, int], RunningContents]:
        return lying(topics)

    assert await outbox.mend(topics.publish, PARTITIONS, place, read) == 0
    # The second lies where its key does not belong, and its key is no text.
    strangers = [
        ControlRecord(CONTROL_LINKS, None, b"stranger", b"{}"),
        ControlRecord(CONTROL_LINKS, place(b"\xff", 3) ^ 1, b"\xff", b"{}"),
    ]
    topics.records = [topics.records[0], *strangers]
    assert await outbox.mend(topics.publish, PARTITIONS, place, read) == 6
    await outbox.drain(topics.publish)
    assert topics.seen() == before
    assert await outbox.mend(topics.publish, PARTITIONS, place, read) == 0


async def test_what_nobody_knows_goes_and_nothing_else_is_published_again(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    await registry.register(DONGLE, ANA, 100)
    await outbox.drain(topics.publish)
    before = topics.seen()

    async def read() -> dict[tuple[str, int], RunningContents]:
        return lying(topics, WITH_LISTS)

    # Of an office that was lost: this one has begun to make its own lists.
    topics.records.append(ControlRecord(CONTROL_COLLECTION, None, b"another", b"{}"))
    assert await outbox.mend(topics.publish, WITH_LISTS, place, read) == 0
    assert await outbox.drain(topics.publish) == 0
    assert topics.seen() == before
    topics.records.append(ControlRecord(CONTROL_LINKS, None, b"stranger", b"{}"))
    assert await outbox.mend(topics.publish, WITH_LISTS, place, read) == 1
    assert await outbox.drain(topics.publish) == 0
    assert topics.seen() == before


async def test_no_heartbeat_vouches_for_rows_that_are_still_waiting(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    await registry.register(DONGLE, ANA, 100)
    sent: list[object] = []

    async def refuse_rows(records: object) -> None:
        sent.append(records)
        msg = "the broker is away"
        raise ConnectionError(msg)

    with pytest.raises(ConnectionError):
        await outbox.beat(refuse_rows, PARTITIONS, 777)
    assert len(sent) == 1  # the rows, and no heartbeat after them


async def test_a_sequence_is_never_used_again(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    await registry.register(DONGLE, ANA, 100)
    await outbox.drain(topics.publish)
    high_water = await outbox.high_water()
    await registry.close_link(DONGLE, 200)
    assert await outbox.last_sequence() == high_water + 1


async def test_a_writer_can_wait_until_its_rows_are_out(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    await registry.register(DONGLE, ANA, 100)
    sequence = await outbox.last_sequence()
    assert not await outbox.wait_published(sequence, timeout_s=0)
    waiting = asyncio.create_task(outbox.wait_published(sequence, timeout_s=60))
    await outbox.drain(topics.publish)
    assert await waiting


async def test_everything_is_published_again_to_a_lost_broker(
    registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    fleet = [NewLink(DeviceId(f"d{n}"), SubjectId(f"s{n}"), 100) for n in range(600)]
    await registry.register_fleet(fleet, [NewConsent(ANA, *IMPROVE, 100)])
    gone = await registry.register(DONGLE, ANA, 100)
    await registry.delete_link(gone)
    await registry.restrict(ANA, "objected", "improve", None, 200)
    await outbox.drain(topics.publish)
    before = topics.seen()
    topics.records.clear()
    assert await outbox.republish_all() == 1203
    await outbox.drain(topics.publish)
    assert topics.seen() == before


async def test_every_control_topic_is_published_again(
    registry: Registry, outbox: Outbox, topics: Topics, database: Database
) -> None:
    await registry.register(DONGLE, ANA, 100)
    await registry.grant(ANA, *IMPROVE, 100)
    await record_version(database, Publication("p", 1, 0, 0, {}), ())
    async with database.writing() as connection:
        await connection.execute(insert(SEALING_KEYS).values(row="60.1", value=b"{}"))
    await outbox.drain(topics.publish)
    topics.records.clear()
    await outbox.republish_all()
    await outbox.drain(topics.publish)
    assert {record.topic for record in topics.records} == set(CONTROL)
