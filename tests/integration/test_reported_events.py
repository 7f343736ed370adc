"""Another system reports events on a real broker; the office records them, and lives end early."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from sqlalchemy import select

from bus.client.connection import Connection
from bus.publisher import Publisher
from bus.records import Outgoing
from bus.topics import TopicSpec
from office.erasure.event_ends import ask_for_ends
from office.registry.events import events
from office.registry.registry import Registry
from office.registry.reported import places, waiting_answers
from office.store.database import Database
from office.store.erasure_tables import ERASURES
from policy.artefacts.topics import topic_configs
from roadfade.clock import wall_ms
from roadfade.commands import event_publish
from roadfade.commands.event_file import read_events
from roadfade.processes.office.reported_events import Moment, ReportedEvents
from roadfade.settings import Settings
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import DAY_MS, format_instant
from telemetry.topics import AUDIT_EVENTS, EVENTS_REPORTED
from telemetry.wire.event import EVENT_BYTES_MAX, RefusedEvent, take_refused
from tests.integration import reported_until
from tests.office.erasure.test_ends import kept
from tests.support.plans import PLAN

pytestmark = pytest.mark.broker

ANA = SubjectId("ana-the-subject")
DONGLE = DeviceId("dongle-of-ana")
AT_MS = wall_ms() // 1_000 * 1_000 - DAY_MS
PLANS = [replace(kept(), effective_ms=0)]
"""Readings of a contract are kept for 90 days after its end."""
CONFIGS = topic_configs(PLAN)
# Made here: on the office's loop nothing may be read.
SETTINGS = Settings()


@pytest.fixture
async def topics(connection: Connection) -> None:
    specs = [TopicSpec(name, 1, CONFIGS[name]) for name in (EVENTS_REPORTED, AUDIT_EVENTS)]
    async with connection.admin() as admin:
        await admin.create(specs)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.create(tmp_path / "office.sqlite")
    await Registry(opened).register(DONGLE, ANA, AT_MS - 100 * DAY_MS)
    yield opened
    await opened.close()


@asynccontextmanager
async def office(connection: Connection, database: Database) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    reader = ReportedEvents(SETTINGS, connection, database, wall_ms)
    async with asyncio.TaskGroup() as group:
        group.create_task(reader.run(stopping))
        yield
        stopping.set()


async def until_read(database: Database, offset: int) -> None:
    async with asyncio.timeout(60):
        while True:
            async with database.reading() as connection:
                place = (await places(connection)).get(0)
                if place and place.next_offset >= offset and not await waiting_answers(connection):
                    return
            await asyncio.sleep(0.05)


async def answers(connection: Connection) -> list[RefusedEvent]:
    found = list[RefusedEvent]()
    reader = connection.reader(AUDIT_EVENTS, 1)
    await reader.start()
    try:
        while not await reader.caught_up():
            for records in (await reader.fetch()).values():
                told = [take_refused(one.value) for one in records]
                found += [one for one in told if one is not None]
    finally:
        await reader.stop(10_000)
    return found


def event(number: int, **more: Any) -> Outgoing:
    own = f"event-{number:04}"
    at = format_instant(AT_MS - number * 1_000)
    told = {"v": 1, "id": own, "kind": "contract_end", "at": at, "subject": ANA} | more
    return Outgoing(EVENTS_REPORTED, 0, own.encode(), json.dumps(told).encode())


async def send(connection: Connection, *records: Outgoing) -> None:
    async with Publisher(connection, clock=wall_ms) as publisher:
        await publisher.publish(records)


@pytest.mark.usefixtures("topics")
async def test_a_life_ends_early_by_what_another_system_reported(
    connection: Connection, database: Database, tmp_path: Path
) -> None:
    """By the file that the office takes, sent twice as a sender does that was cut off."""
    file = tmp_path / "events.jsonl"
    lines = [
        {"kind": "contract_end", "at": format_instant(AT_MS), "subject": ANA},
        {"kind": "contract_end", "at": format_instant(AT_MS), "device": DONGLE, "id": "retired-1"},
    ]
    await asyncio.to_thread(file.write_text, "\n".join(map(json.dumps, lines)))
    told = await asyncio.to_thread(lambda: list(read_events(file, with_ids=True)))
    reported = [event_publish._reported(one) for one in told]
    async with office(connection, database):
        for _ in range(2):
            await event_publish._publish(connection, reported)
        await until_read(database, 4)
    async with database.reading() as reading:
        assert [one.origin for one in await events(reading)] == ["topic", "topic"]
    assert await answers(connection) == []
    await ask_for_ends(database, lambda: PLANS, AT_MS + 89 * DAY_MS)
    assert await ends_of(database) == []
    await ask_for_ends(database, lambda: PLANS, AT_MS + 91 * DAY_MS)
    assert await ends_of(database) == [("contract_end", AT_MS)] * 2


async def ends_of(database: Database) -> list[tuple[str, int]]:
    async with database.reading() as connection:
        rows = await connection.execute(select(ERASURES).where(ERASURES.c.subject == ANA))
        return [(row.reason, row.to_ms) for row in rows]


@pytest.mark.usefixtures("topics")
async def test_poison_is_refused_by_its_place_and_the_stream_goes_on(
    connection: Connection, database: Database
) -> None:
    await send(
        connection,
        event(1)._replace(value=None),
        event(1)._replace(key=None),
        event(1)._replace(value=b"\x00\xff" * 50),
        event(1, note="x" * EVENT_BYTES_MAX),
        event(1, subject="nobody-of-ours"),
        event(1),
    )
    async with office(connection, database):
        await until_read(database, 6)
    async with database.reading() as reading:
        assert len(await events(reading)) == 1
    found = await answers(connection)
    assert [(one.offset, str(one.reason)) for one in found] == [
        (0, "no value"),
        (1, "foreign"),
        (2, "undecodable"),
        (3, "oversized"),
        (4, "unknown"),
    ]


@pytest.mark.usefixtures("topics")
async def test_what_a_sender_took_back_was_never_reported(
    connection: Connection, database: Database
) -> None:
    topic = connection.topic(EVENTS_REPORTED)
    producer = AIOKafkaProducer(
        **connection.client_options(), transactional_id=topic, enable_idempotence=True
    )
    await producer.start()
    try:
        for one, holds in ((event(1), False), (event(2), True)):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, one.value, one.key, partition=0)
            await (producer.commit_transaction() if holds else producer.abort_transaction())
    finally:
        await producer.stop()
    async with office(connection, database):
        await until_read(database, 3)
    async with database.reading() as reading:
        assert [one.at_ms for one in await events(reading)] == [AT_MS - 2_000]


@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize("moment", [Moment.WRITTEN, Moment.DURABLE])
async def test_an_office_that_is_killed_loses_nothing_and_records_nothing_twice(
    connection: Connection, database: Database, moment: Moment
) -> None:
    await send(connection, event(1), event(2)._replace(value=None), event(2))
    words = (connection.bootstrap_servers, connection.prefix, database.file.parent, moment)
    command = [sys.executable, "-m", reported_until.__name__, *map(str, words)]
    died = await asyncio.to_thread(subprocess.run, command, timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    held = moment is Moment.DURABLE
    async with database.reading() as reading:
        assert len(await events(reading)) == (2 if held else 0)
        assert bool(await places(reading)) is held
    async with office(connection, database):
        await until_read(database, 3)
    async with database.reading() as reading:
        assert len(await events(reading)) == 2
    # It may be given twice, and is the same then.
    assert {(one.offset, str(one.reason)) for one in await answers(connection)} == {(1, "no value")}


@pytest.mark.usefixtures("topics")
async def test_a_topic_made_anew_is_read_from_its_beginning(
    connection: Connection, database: Database
) -> None:
    await send(connection, event(1), event(2))
    async with office(connection, database):
        await until_read(database, 2)
    async with connection.admin() as admin:
        await admin.delete([EVENTS_REPORTED])
        await admin.create([TopicSpec(EVENTS_REPORTED, 1, CONFIGS[EVENTS_REPORTED])])
    await send(connection, *[event(number) for number in range(3, 8)])
    async with office(connection, database):
        await until_read(database, 5)
    async with database.reading() as reading:
        assert len(await events(reading)) == 7
