"""The office publishes what is on record, proves that it lives, and comes through an outage."""

import asyncio
import errno
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bus.memory.broker import FakeBroker
from bus.memory.faults import Fault
from bus.records import Outgoing
from office.outbox import Outbox
from office.policy_versions import published, record_version
from office.store import sqlite_file
from office.store.database import Database
from roadfade import metrics
from roadfade.in_force.control_rows import heartbeat_at
from roadfade.processes.office import process
from roadfade.processes.office.process import serve, topics_of
from roadfade.readiness import Need, readiness
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.instants import DAY_MS
from telemetry.topics import CONTROL, CONTROL_POLICIES, HEARTBEAT_KEY
from telemetry.wire.publication import decode_publication
from tests.integration.bus_road import until
from tests.support.small_house import (
    NOW_MS,
    SURVEY,
    Clock,
    version,
)


@asynccontextmanager
async def office(
    settings: Settings, broker: FakeBroker, database: Database
) -> AsyncIterator[asyncio.Task[None]]:
    keeper = await topics_of(settings, broker, database)
    stopping = asyncio.Event()
    task = asyncio.create_task(serve(settings, broker, database, keeper, stopping))
    yield task
    stopping.set()
    await task


def told(broker: FakeBroker) -> list[int]:
    """The versions published, in order."""
    rows = [r.value for r in broker.records(CONTROL_POLICIES) if r.key != HEARTBEAT_KEY]
    return [decode_publication(value or b"").version for value in rows]


def beaten(broker: FakeBroker) -> set[tuple[str, int]]:
    """The partitions that carry a heartbeat."""
    rows = [(topic, record) for topic in CONTROL for record in broker.records(topic)]
    return {(topic, r.partition) for topic, r in rows if r.key == HEARTBEAT_KEY}


def said(broker: FakeBroker) -> list[int]:
    """What time the heartbeats of one topic say it is."""
    rows = [r.value or b"" for r in broker.records(CONTROL_POLICIES) if r.key == HEARTBEAT_KEY]
    return [heartbeat_at(value) for value in rows]


EVERYWHERE = {(topic, partition) for topic in CONTROL for partition in (0, 1)}


async def test_it_tells_what_is_on_record_and_that_it_lives_in_every_partition(
    settings: Settings, broker: FakeBroker, database: Database
) -> None:
    async with office(settings, broker, database) as task:
        await until(lambda: beaten(broker) == EVERYWHERE, task)
    assert told(broker) == [1]


async def test_a_heartbeat_is_never_sent_before_a_row_that_waits(
    settings: Settings, broker: FakeBroker, database: Database
) -> None:
    broker.fail_next(*[Fault.REFUSED] * 3)

    def nothing_vouched_for_too_early() -> bool:
        assert told(broker) or not beaten(broker)
        return beaten(broker) == EVERYWHERE

    async with office(settings, broker, database) as task:
        await until(nothing_vouched_for_too_early, task)


async def test_a_lost_acknowledgement_tells_it_twice_and_no_less(
    settings: Settings, broker: FakeBroker, database: Database
) -> None:
    broker.fail_next(Fault.ACK_LOST)
    async with office(settings, broker, database) as task:
        await until(lambda: beaten(broker) == EVERYWHERE, task)
    assert told(broker) == [1, 1]


async def test_what_is_recorded_during_an_outage_is_published_afterwards(
    settings: Settings, broker: FakeBroker, database: Database
) -> None:
    retries = metrics.PRODUCE_RETRIES._value.get()
    async with office(settings, broker, database) as task:
        await until(lambda: beaten(broker) == EVERYWHERE, task)
        broker.go_away()
        await record_version(database, version(2, NOW_MS, SURVEY), await published(database))
        await asyncio.sleep(50)
        await until(lambda: metrics.PRODUCE_RETRIES._value.get() > retries, task)
        assert told(broker) == [1]
        broker.come_back()
        await until(lambda: told(broker) == [1, 2], task)
        assert await Outbox(database).wait_published(2, 60)


async def test_a_memory_that_cannot_be_used_holds_all_back_until_it_can_be_and_ends_nothing(
    settings: Settings,
    broker: FakeBroker,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, process.__name__)
    settings.suppressions_path.write_bytes(b"no database" * 1_000)
    retries = metrics.PRODUCE_RETRIES._value.get()
    readiness.need("office")
    readiness.met(Need.HEARTBEAT)
    async with office(settings, broker, database) as task:
        await until(lambda: metrics.PRODUCE_RETRIES._value.get() > retries + 2, task)
        why = readiness.lacking()[Need.HEARTBEAT]
        assert "the memory of what was removed" in why
        assert "its file is damaged or no database" in why
        assert (told(broker), beaten(broker)) == ([], set())
        said_once = [one for one in caplog.messages if one.startswith("nothing is published")]
        assert len(said_once) == 1
        settings.suppressions_path.unlink()
        await until(lambda: beaten(broker) == EVERYWHERE, task)
        await until(lambda: Need.HEARTBEAT not in readiness.lacking(), task)
    assert told(broker) == [1]


async def test_a_memory_that_has_no_place_on_the_disk_holds_all_back_until_it_has(
    settings: Settings,
    broker: FakeBroker,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_file: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_file, "create_private", full)
        retries = metrics.PRODUCE_RETRIES._value.get()
        readiness.need("office")
        async with office(settings, broker, database) as task:
            await until(lambda: metrics.PRODUCE_RETRIES._value.get() > retries, task)
            assert "No space left on device" in readiness.lacking()[Need.HEARTBEAT]
            patch.undo()
            await until(lambda: beaten(broker) == EVERYWHERE, task)
    assert told(broker) == [1]


async def test_a_clock_that_is_set_back_while_it_runs_holds_no_heartbeat_back(
    settings: Settings, broker: FakeBroker, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(process, "wall_ms", clock)
    async with office(settings, broker, database) as task:
        await until(lambda: NOW_MS in said(broker), task)
        clock.now_ms -= 2 * DAY_MS
        await until(lambda: NOW_MS - 2 * DAY_MS in said(broker), task)


async def test_it_does_not_start_on_topics_that_are_not_as_the_policy_says(
    settings: Settings, database: Database
) -> None:
    with pytest.raises(NotReady, match="topics apply"):
        await topics_of(settings, FakeBroker(), database)


async def test_a_control_topic_made_anew_is_filled_again(
    settings: Settings,
    broker: FakeBroker,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "LOOK_EVERY_MS", 0)
    async with office(settings, broker, database) as task:
        await until(lambda: beaten(broker) == EVERYWHERE, task)
        await asyncio.sleep(2)  # it looks where the topics end
        broker.remake(CONTROL_POLICIES)
        assert told(broker) == []
        await until(lambda: told(broker) == [1], task)


async def test_a_control_topic_made_anew_and_longer_than_it_was_is_filled_again(
    settings: Settings,
    broker: FakeBroker,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "LOOK_EVERY_MS", 0)
    async with office(settings, broker, database) as task:
        await until(lambda: beaten(broker) == EVERYWHERE, task)
        await asyncio.sleep(2)
        broker.remake(CONTROL_POLICIES)
        nothing = Outgoing(CONTROL_POLICIES, None, HEARTBEAT_KEY, None)
        for partition in range(settings.partitions):
            broker.feed(CONTROL_POLICIES, partition, *[nothing] * 500)
        await until(lambda: told(broker) == [1], task)


async def test_what_was_lost_while_no_office_ran_is_published_again(
    settings: Settings, broker: FakeBroker, database: Database
) -> None:
    async with office(settings, broker, database) as task:
        await until(lambda: beaten(broker) == EVERYWHERE, task)
    broker.remake(CONTROL_POLICIES)
    async with office(settings, broker, database) as task:
        await until(lambda: told(broker) == [1], task)
