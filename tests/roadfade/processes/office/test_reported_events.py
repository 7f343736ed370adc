"""Reported events are recorded once whatever happens, and nothing on their topic stops the office."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bus.memory.broker import FakeBroker
from bus.memory.faults import Fault
from bus.records import Outgoing
from office.registry import reported
from office.registry.events import events
from office.registry.registry import Registry
from office.registry.reported import TOLD_MAX, Place, places, take_told, waiting_answers
from office.store.database import Database
from roadfade import metrics
from roadfade.processes.office import process, reported_events
from roadfade.processes.office.process import serve, topics_of
from roadfade.processes.office.reported_events import (
    LOOK_EVERY,
    STEP,
    UNREAD,
    Moment,
    ReportedEvents,
)
from roadfade.processes.office.told_events import begin_at
from roadfade.settings import Settings
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import format_instant
from telemetry.topics import AUDIT_EVENTS, CONTROL_CONSENTS, EVENTS_REPORTED, HEARTBEAT_KEY
from telemetry.wire.event import EVENT_BYTES_MAX, EventRefusal, RefusedEvent, take_refused
from tests.integration.bus_road import until
from tests.support.small_house import NOW_MS, Clock

ANA = SubjectId("ana-the-subject")
AT = format_instant(NOW_MS - 10_000)


@pytest.fixture(autouse=True)
async def known(database: Database) -> None:
    await Registry(database).register(DeviceId("dongle-1"), ANA, NOW_MS - 10**9)


def event(number: int, **more: Any) -> Outgoing:
    own = f"event-{number:04}"
    told = {"v": 1, "id": own, "kind": "contract_end", "at": AT, "subject": ANA} | more
    return Outgoing(EVENTS_REPORTED, 0, own.encode(), json.dumps(told).encode())


def at(second: int) -> dict[str, str]:
    return {"at": format_instant(NOW_MS - 10_000 - second * 1_000)}


POISON = {
    "no value": Outgoing(EVENTS_REPORTED, 0, b"event-0001", None),
    "undecodable": Outgoing(EVENTS_REPORTED, 0, b"event-0001", b"[" * 4_000),
    "oversized": event(1, note="x" * EVENT_BYTES_MAX),
    "foreign": event(1)._replace(key=b"event-0002"),
    "unknown": event(1, subject="nobody-of-ours"),
    "unknown event": event(1, kind="trip_end"),
}


@asynccontextmanager
async def reading(
    settings: Settings,
    broker: FakeBroker,
    database: Database,
    hook: Callable[[Moment], None] = lambda _: None,
) -> AsyncIterator[asyncio.Task[None]]:
    stopping = asyncio.Event()
    reader = ReportedEvents(settings, broker, database, Clock(), hook)
    task = asyncio.create_task(reader.run(stopping))
    yield task
    stopping.set()
    await task


async def recorded(database: Database) -> list[int]:
    async with database.reading() as connection:
        return [one.at_ms for one in await events(connection)]


async def place(database: Database) -> int | None:
    async with database.reading() as connection:
        found = (await places(connection)).get(0)
    return None if found is None else found.next_offset


def answers(broker: FakeBroker) -> list[RefusedEvent]:
    found = [take_refused(one.value) for one in broker.records(AUDIT_EVENTS)]
    return [one for one in found if one is not None]


def counted(outcome: str) -> float:
    return float(metrics.REPORTED_EVENTS.labels(outcome)._value.get())


async def until_read(database: Database, offset: int, task: asyncio.Task[None]) -> None:
    """Wait until so much of the topic is on record, and no answer waits."""
    async with asyncio.timeout(60):
        while True:
            async with database.reading() as connection:
                waiting = await waiting_answers(connection)
            if await place(database) == offset and not waiting:
                return
            if task.done():
                task.result()
            await asyncio.sleep(0.05)


async def test_poison_is_answered_by_its_place_and_the_stream_goes_on(
    settings: Settings,
    broker: FakeBroker,
    database: Database,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    before = {reason: counted(reason) for reason in (*POISON, "unpacking", "recorded")}
    async with reading(settings, broker, database) as task:
        broker.drop_bomb(EVENTS_REPORTED, 0)
        broker.feed(EVENTS_REPORTED, 0, *POISON.values(), event(1))
        await until_read(database, len(POISON) + 2, task)
    assert len(await recorded(database)) == 1
    assert [(one.offset, str(one.reason)) for one in answers(broker)] == [
        (0, "unpacking"),
        *enumerate(POISON, 1),
    ]
    assert {reason: counted(reason) - was for reason, was in before.items()} == dict.fromkeys(
        before, 1
    )
    told = b"".join((one.key or b"") + (one.value or b"") for one in broker.records(AUDIT_EVENTS))
    for secret in (ANA, "nobody-of-ours", "event-0001", "xxxx"):
        assert secret.encode() not in told
        assert secret not in caplog.text


class Died(BaseException):  # nobody catches it, as nobody survives a kill
    """The process is no more."""


@pytest.mark.parametrize("moment", Moment)
async def test_who_dies_at_any_moment_has_recorded_and_answered_all_once_in_effect(
    settings: Settings, broker: FakeBroker, database: Database, moment: Moment
) -> None:
    def die(now: Moment) -> None:
        if now is moment:
            raise Died

    broker.feed(EVENTS_REPORTED, 0, event(1, **at(1)), POISON["foreign"], event(2, **at(2)))
    with pytest.raises(Died):
        async with reading(settings, broker, database, die) as task:
            await asyncio.wait([task])
    done = moment in (Moment.DURABLE, Moment.ANSWERED)
    assert len(await recorded(database)) == (2 if done else 0)
    assert await place(database) == (3 if done else None)
    async with reading(settings, broker, database) as task:
        await until_read(database, 3, task)
    assert len(await recorded(database)) == 2
    assert {(one.key, one.reason) for one in answers(broker)} == {
        (answers(broker)[0].key, EventRefusal.FOREIGN)
    }


async def test_many_come_in_bounded_transactions_and_a_resend_does_nothing(
    settings: Settings,
    broker: FakeBroker,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = list[int]()

    async def noted(*args: Any) -> list[str]:
        sizes.append(len(args[3]))
        return await take_told(*args)

    monkeypatch.setattr(reported_events, "take_told", noted)
    monkeypatch.setattr(reported, "ONE_MAX", 1_200)
    many = [event(number, **at(number)) for number in range(1_200)]
    broker.feed(EVENTS_REPORTED, 0, *many, *many[:10])
    async with reading(settings, broker, database) as task:
        await until_read(database, 1_210, task)
    assert max(sizes) == TOLD_MAX
    assert len(await recorded(database)) == 1_200


@pytest.mark.parametrize("running", [True, False])
async def test_of_a_topic_made_anew_nothing_is_skipped(
    settings: Settings, broker: FakeBroker, database: Database, *, running: bool
) -> None:
    """It has grown past the place already when it is noticed."""
    broker.feed(EVENTS_REPORTED, 0, event(1, **at(1)), event(2, **at(2)))
    anew = [event(number, **at(number)) for number in range(3, 8)]
    async with reading(settings, broker, database) as task:
        await until_read(database, 2, task)
        if running:
            broker.remake(EVENTS_REPORTED)
            broker.feed(EVENTS_REPORTED, 0, *anew)
            await until_read(database, 5, task)
            await asyncio.sleep(LOOK_EVERY)
    if not running:
        broker.remake(EVENTS_REPORTED)
        broker.feed(EVENTS_REPORTED, 0, *anew)
    async with reading(settings, broker, database) as task:
        await until_read(database, 5, task)
    assert len(await recorded(database)) == 7


async def test_a_topic_that_lost_its_end_is_noticed_and_nothing_is_skipped(
    settings: Settings, broker: FakeBroker, database: Database
) -> None:
    broker.feed(EVENTS_REPORTED, 0, *[event(number, **at(number)) for number in range(4)])
    before = metrics.REWOUND._value.get()
    async with reading(settings, broker, database) as task:
        await until_read(database, 4, task)
        (log,) = broker._cluster.topics[EVENTS_REPORTED].logs
        del log.records[1:]
        log.end = 1
        broker.feed(EVENTS_REPORTED, 0, event(4, **at(4)), event(5, **at(5)))
        await until_read(database, 3, task)
    assert len(await recorded(database)) == 6
    assert metrics.REWOUND._value.get() == before + 4


async def test_what_ended_unread_is_counted_once(
    settings: Settings, broker: FakeBroker, database: Database
) -> None:
    broker.feed(EVENTS_REPORTED, 0, event(1, **at(1)))
    async with reading(settings, broker, database) as task:
        await until_read(database, 1, task)
    broker.feed(EVENTS_REPORTED, 0, event(2, **at(2)), event(3, **at(3)), event(4, **at(4)))
    broker.delete_before(EVENTS_REPORTED, 0, 3)
    before = counted(UNREAD)
    for _ in range(2):
        async with reading(settings, broker, database) as task:
            await until_read(database, 4, task)
    assert counted(UNREAD) == before + 2
    assert len(await recorded(database)) == 2


async def test_a_broker_that_goes_away_is_waited_for(
    settings: Settings, broker: FakeBroker, database: Database
) -> None:
    async with reading(settings, broker, database) as task:
        broker.feed(EVENTS_REPORTED, 0, event(1, **at(1)))
        await until_read(database, 1, task)
        broker.feed(EVENTS_REPORTED, 0, POISON["foreign"])
        broker.fail_next(*[Fault.REFUSED] * 3)
        broker.go_away()
        await asyncio.sleep(30)
        broker.come_back()
        broker.feed(EVENTS_REPORTED, 0, event(2, **at(2)))
        await until_read(database, 3, task)
    assert len(await recorded(database)) == 2
    assert {one.offset for one in answers(broker)} == {1}


async def test_no_failure_of_it_ends_a_heartbeat(
    settings: Settings,
    broker: FakeBroker,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(*_: object) -> list[str]:
        raise RuntimeError(ANA)

    monkeypatch.setattr(reported_events, "take_told", fail)
    monkeypatch.setattr(process, "wall_ms", Clock())
    broker.feed(EVENTS_REPORTED, 0, event(1))

    def beats() -> int:
        return sum(one.key == HEARTBEAT_KEY for one in broker.records(CONTROL_CONSENTS))

    def failures() -> float:
        return float(metrics.ERASURE_FAILURES.labels(STEP)._value.get())

    before = failures()
    keeper = await topics_of(settings, broker, database)
    stopping = asyncio.Event()
    task = asyncio.create_task(serve(settings, broker, database, keeper, stopping))
    await until(lambda: failures() >= before + 3 and beats() > 4, task)
    stopping.set()
    await task
    said = [one.getMessage() for one in caplog.records]
    assert sum("RuntimeError" in line for line in said) == 1
    assert not any(ANA in line for line in said)


def test_a_place_counts_in_its_own_topic_and_within_it_alone() -> None:
    known = {number: Place(topic, 5) for number, topic in enumerate(["a", "b", "a", "a"])}
    begins = {(EVENTS_REPORTED, number): begin for number, begin in enumerate([0, 0, 7, 0, 2])}
    ends = {(EVENTS_REPORTED, number): end for number, end in enumerate([9, 9, 9, 4, 9])}
    since, lost, back = begin_at(known, "a", begins, ends)
    assert since == {0: 5, 1: 0, 2: 7, 3: 0, 4: 2}
    assert (lost, back) == (2, 2)
