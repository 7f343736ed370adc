"""Events from their topic leave what events of a file leave, once, and never stop what follows."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from office.errors import OfficeError
from office.registry.events import AHEAD_MS_MAX, KINDS, NewEvent, events, forget_events
from office.registry.registry import Registry
from office.registry.reported import (
    AGAIN,
    ONE_MAX,
    RECORDED,
    Place,
    Told,
    answered,
    digest_of,
    forget_ids,
    places,
    take_told,
    waiting_answers,
)
from office.replay_memory.memory import FILE
from office.replay_memory.taken_back import TakenBackEvents
from office.store.database import Database
from office.store.event_tables import EVENT_IDS, EVENT_PLACES, EVENTS, REFUSED_EVENTS
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import format_instant, parse_instant
from telemetry.wire.event import EventRefusal, ReportedEvent
from tests.support.times import examples

ANA, BO, NOBODY = "ana", "bo", "nobody"
DONGLE = "dongle-1"
NOW_MS = parse_instant("2026-11-30T00:00:00Z")
AT_MS = NOW_MS - 10_000
MANY = 1_000_000
PLAIN = (EventRefusal.UNDECODABLE, EventRefusal.NO_VALUE)
Row = tuple[str, int, str | None, str | None]


def event(number: int, **more: Any) -> ReportedEvent:
    facts = {"kind": "contract_end", "at": format_instant(AT_MS), "subject": ANA} | more
    return ReportedEvent(v=1, id=f"event-{number:04}", **facts)


def laid(*what: ReportedEvent | EventRefusal, first: int = 0) -> list[Told]:
    return [Told(offset, offset + 1, one) for offset, one in enumerate(what, first)]


async def take(database: Database, told: Sequence[Told], ids_max: int = MANY) -> list[str]:
    async with database.writing() as connection:
        taken_back = remembered_by(database).known
        return await take_told(connection, "topic-1", 0, told, NOW_MS, ids_max, taken_back)


def remembered_by(database: Database) -> TakenBackEvents:
    return TakenBackEvents(database.file, lambda: NOW_MS)


async def rows_of(database: Database) -> list[Row]:
    async with database.reading() as connection:
        found = await events(connection)
    return sorted(((one.kind, one.at_ms, one.subject, one.device) for one in found), key=repr)


async def refused(database: Database) -> list[tuple[int, str]]:
    async with database.reading() as connection:
        found = await waiting_answers(connection)
    return sorted((one.offset, str(one.reason)) for one in found)


async def people(registry: Registry) -> None:
    await registry.register(DeviceId(DONGLE), SubjectId(ANA), NOW_MS - 1_000_000)
    await registry.register(DeviceId("dongle-2"), SubjectId(BO), NOW_MS - 1_000_000)


@pytest.fixture
async def known(registry: Registry) -> None:
    await people(registry)


async def offices(folder: Path) -> list[Database]:
    """Two that know the same people."""
    found = [await Database.create(folder / name / "office.sqlite") for name in ("file", "topic")]
    for database in found:
        await people(Registry(database))
    return found


reported = st.builds(
    event,
    st.integers(0, 5),
    kind=st.sampled_from([*KINDS[:2], "trip_end"]),
    at=st.sampled_from([0, 1, 2, -AHEAD_MS_MAX, -AHEAD_MS_MAX - 1]).map(
        lambda back_ms: format_instant(NOW_MS - back_ms)
    ),
    subject=st.sampled_from([ANA, BO, NOBODY, None]),
    device=st.sampled_from([DONGLE, None, None]),
)


def test_file_and_topic_leave_the_same_rows(tmp_path: Path) -> None:
    """However records are parted, and if all of them come again; each id tells one event."""
    with asyncio.Runner() as runner:
        by_file, by_topic = runner.run(offices(tmp_path))

        @settings(max_examples=examples(30))
        @given(st.lists(reported | st.sampled_from(PLAIN)), st.integers(1, 4), st.booleans())
        def same(what: list[ReportedEvent | EventRefusal], size: int, twice: bool) -> None:  # noqa: FBT001
            runner.run(empty(by_file))
            runner.run(empty(by_topic))
            wanted = runner.run(of_a_file(by_file, what))
            assert runner.run(of_the_topic(by_topic, what, size, twice=twice)) == wanted
            assert runner.run(rows_of(by_topic)) == runner.run(rows_of(by_file))

        same()
        runner.run(by_file.close())
        runner.run(by_topic.close())


async def empty(database: Database) -> None:
    async with database.writing() as connection:
        for table in (EVENTS, EVENT_IDS, EVENT_PLACES, REFUSED_EVENTS):
            await connection.execute(delete(table))


async def of_a_file(database: Database, what: Sequence[ReportedEvent | EventRefusal]) -> list[str]:
    under: dict[str, ReportedEvent] = {}
    return [await recorded_as_of_a_file(Registry(database), one, under) for one in what]


async def of_the_topic(
    database: Database, what: Sequence[ReportedEvent | EventRefusal], size: int, *, twice: bool
) -> list[str]:
    told, found = laid(*what), list[str]()
    for start in range(0, len(told), size):
        found += await take(database, told[start : start + size])
    for one in told if twice else ():
        await take(database, [one])
    kept = {RECORDED, AGAIN, EventRefusal.ID_REUSED, *PLAIN}
    return [one if one in kept else "refused" for one in found]


async def recorded_as_of_a_file(
    registry: Registry, one: ReportedEvent | EventRefusal, under: dict[str, ReportedEvent]
) -> str:
    """What becomes of it by the file form, which has no ids; ``under`` keeps them."""
    if isinstance(one, EventRefusal):
        return one
    if one.id in under:
        return AGAIN if under[one.id] == one else EventRefusal.ID_REUSED
    subject = None if one.subject is None else SubjectId(one.subject)
    device = None if one.device is None else DeviceId(one.device)
    try:
        await registry.record_events([NewEvent(one.kind, one.at_ms, subject, device)], NOW_MS)
    except OfficeError:
        return "refused"
    under[one.id] = one
    return RECORDED


@pytest.mark.usefixtures("known")
async def test_each_refusal_is_answered_by_its_place_and_the_others_are_recorded(
    database: Database,
) -> None:
    told = laid(
        event(0),
        event(1, kind="trip_end"),
        event(2, subject=NOBODY),
        event(3, subject=None, device="dongle-of-nobody"),
        event(4, device=DONGLE),
        event(5, subject=None),
        event(6, at=format_instant(NOW_MS + AHEAD_MS_MAX + 1)),
        event(7, at="0001-01-01T00:00:00+14:00"),
        EventRefusal.UNDECODABLE,
        event(0, kind="device_retired"),
        event(8, at=format_instant(NOW_MS + AHEAD_MS_MAX)),
        first=7,
    )
    await take(database, told)
    assert len(await rows_of(database)) == 2
    assert await refused(database) == [
        (8, "unknown event"),
        (9, "unknown"),
        (10, "unknown"),
        (11, "not one"),
        (12, "not one"),
        (13, "ahead"),
        (14, "no instant"),
        (15, "undecodable"),
        (16, "id reused"),
    ]


@pytest.mark.usefixtures("known")
async def test_answers_wait_until_they_are_published(database: Database) -> None:
    await take(database, laid(EventRefusal.NO_VALUE, EventRefusal.OVERSIZED))
    async with database.writing() as connection:
        first, _ = await waiting_answers(connection)
        await answered(connection, [first])
    assert len(await refused(database)) == 1


@pytest.mark.usefixtures("known")
async def test_an_event_that_was_taken_back_does_not_come_back_under_its_id(
    database: Database, registry: Registry
) -> None:
    await take(database, laid(event(0), event(1)))
    async with database.reading() as connection:
        (one,) = await events(connection)
    assert one.origin == "topic"
    await registry.take_back_event(one.event, remembered_by(database).remember)
    assert await take(database, laid(event(0), event(1, subject=BO))) == [AGAIN, AGAIN]
    assert await rows_of(database) == []
    # Whoever says so under a new id says so anew.
    assert await take(database, laid(event(2))) == [RECORDED]


@pytest.mark.usefixtures("known")
async def test_no_digest_of_an_event_that_was_taken_back_stays_when_the_person_goes(
    database: Database, registry: Registry
) -> None:
    await take(database, laid(event(0), event(1, subject=BO)))
    async with database.reading() as connection:
        gone = {one.subject: one.event for one in await events(connection)}
    await registry.take_back_event(gone[SubjectId(ANA)], remembered_by(database).remember)
    async with database.writing() as connection:
        await forget_events(connection, SubjectId(ANA))
    await database.scrub()
    digest = digest_of(event(0).id).encode()
    assert digest_of(event(1).id).encode() in bytes_beside(database)
    assert digest not in bytes_beside(database)


def bytes_beside(database: Database) -> bytes:
    """All files of the office, those of the memory among them."""
    files = [path for path in database.file.parent.iterdir() if path.is_file()]
    assert any(path.name == FILE for path in files)
    return b"".join(path.read_bytes() for path in files)


@pytest.mark.usefixtures("known")
async def test_ids_go_with_the_person_and_with_time(database: Database) -> None:
    await take(database, laid(event(0), event(1, subject=BO), event(2, at=format_instant(0))))

    async def remembered() -> int:
        async with database.reading() as connection:
            return len(list(await connection.scalars(select(EVENT_IDS.c.digest))))

    assert await remembered() == 3
    async with database.writing() as connection:
        await forget_events(connection, SubjectId(ANA))
    assert await remembered() == 1
    async with database.writing() as connection:
        assert await forget_ids(connection, NOW_MS) == 0
        assert await forget_ids(connection, NOW_MS + 1) == 1
    # Then its contents tell that it is on record.
    assert await take(database, laid(event(1, subject=BO))) == [RECORDED]
    assert len(await rows_of(database)) == 1


@pytest.mark.usefixtures("known")
async def test_with_as_many_ids_as_may_be_new_ones_are_refused_and_old_ones_known(
    database: Database,
) -> None:
    told = laid(event(0), event(1, subject=BO), event(0), event(2, kind="device_retired"))
    outcomes = await take(database, told, ids_max=2)
    assert outcomes == [RECORDED, RECORDED, AGAIN, EventRefusal.TOO_MANY]


@pytest.mark.usefixtures("known")
async def test_of_one_person_or_device_only_so_many_are_taken_and_others_go_on(
    database: Database,
) -> None:
    """However they are parted into calls; what is on record does nothing again."""
    many = laid(*(event(number, at=format_instant(number)) for number in range(ONE_MAX + 1)))
    assert await take(database, many[:-2]) == [RECORDED] * (ONE_MAX - 1)
    others = laid(event(98, subject=BO), event(99, subject=None, device=DONGLE), first=ONE_MAX + 1)
    outcomes = await take(database, [*many[-2:], *others])
    assert outcomes == [RECORDED, EventRefusal.TOO_MANY, RECORDED, RECORDED]
    assert await take(database, many[:1]) == [AGAIN]
    async with database.writing() as connection:
        await forget_ids(connection, NOW_MS + 1)
    assert await take(database, laid(event(100, kind="device_retired"))) == [RECORDED]


@pytest.mark.usefixtures("known")
async def test_who_dies_before_it_holds_has_recorded_nothing_and_is_nowhere(
    database: Database,
) -> None:
    class DiedError(Exception):
        """The process is no more."""

    told = laid(event(0), EventRefusal.FOREIGN)
    with pytest.raises(DiedError):  # noqa: PT012  # the transaction is what ends
        async with database.writing() as connection:
            taken_back = remembered_by(database).known
            await take_told(connection, "topic-1", 0, told, NOW_MS, MANY, taken_back)
            raise DiedError
    assert (await rows_of(database), await refused(database)) == ([], [])
    async with database.reading() as connection:
        assert await places(connection) == {}
    await take(database, told)
    async with database.reading() as connection:
        assert await places(connection) == {0: Place("topic-1", 2)}


def test_what_lay_on_the_topic_is_in_no_repr() -> None:
    assert ANA not in repr(event(0))
