"""What ends lives is on record once, about somebody or something that the office knows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.registry.events import (
    AHEAD_MS_MAX,
    KINDS,
    NewEvent,
    TakenBack,
    carried_out,
    events,
)
from office.registry.registry import Registry
from office.store.changes import CHUNK_ROWS
from office.store.database import Database
from policy.vocabulary.words import OPEN_TRIGGERS, READING_TRIGGERS
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import FIRST_MS

ANA = SubjectId("ana")
DONGLE = DeviceId("dongle-1")
NOW_MS = 10_000
CONTRACT = NewEvent("contract_end", 500, ANA)


@pytest.fixture(autouse=True)
async def known(registry: Registry) -> None:
    await registry.register(DONGLE, ANA, 100)


async def recorded(database: Database) -> list[tuple[str, int]]:
    async with database.reading() as connection:
        return [(one.kind, one.at_ms) for one in await events(connection)]


def test_every_event_that_a_policy_can_wait_for_can_be_recorded() -> None:
    assert set(KINDS) == OPEN_TRIGGERS
    assert not OPEN_TRIGGERS & READING_TRIGGERS


async def test_an_event_told_twice_is_one(registry: Registry, database: Database) -> None:
    first = await registry.record_events([CONTRACT], NOW_MS)
    assert await registry.record_events([CONTRACT], NOW_MS + 5) == first
    retired = NewEvent("device_retired", 400, device=DONGLE)
    assert await registry.record_events([retired, CONTRACT], NOW_MS) != first
    assert await recorded(database) == [("device_retired", 400), ("contract_end", 500)]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (NewEvent("trip_end", 500, ANA), "no event of a policy"),
        (NewEvent("contract_end", 500), "a person or a device"),
        (NewEvent("contract_end", 500, ANA, DONGLE), "not both"),
        (NewEvent("contract_end", NOW_MS + AHEAD_MS_MAX + 1, ANA), "lies ahead"),
        (NewEvent("contract_end", FIRST_MS - 1, ANA), "no clock"),
        (NewEvent("contract_end", 500, SubjectId("bo")), "knows nobody"),
        (NewEvent("device_retired", 500, device=DeviceId("dongle-2")), "knows no device"),
    ],
)
async def test_one_event_that_is_wrong_keeps_the_others_out(
    registry: Registry, database: Database, event: NewEvent, why: str
) -> None:
    with pytest.raises(OfficeError, match=f"^event 2: .*{why}"):
        await registry.record_events([CONTRACT, event], NOW_MS)
    assert await recorded(database) == []


async def test_a_withdrawal_is_not_kept_waiting_by_many_events(
    registry: Registry, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [NewEvent("contract_end", at_ms, ANA) for at_ms in range(3 * CHUNK_ROWS + 1)]
    writing, begun = database.writing, 0

    @asynccontextmanager
    async def counted() -> AsyncIterator[AsyncConnection]:
        nonlocal begun
        begun += 1
        async with writing() as connection:
            yield connection

    monkeypatch.setattr(database, "writing", counted)
    ids = await registry.record_events(many, NOW_MS)
    assert begun == 4
    assert len(set(ids)) == len(many)
    assert await registry.record_events(many, NOW_MS) == ids
    with pytest.raises(OfficeError, match=f"^event {len(many) + 1}: .*knows nobody"):
        await registry.record_events([*many, NewEvent("contract_end", 1, SubjectId("bo"))], NOW_MS)


async def test_one_event_asked_twice_at_once_is_one(registry: Registry, database: Database) -> None:
    first, second = await registry.record_events([CONTRACT, CONTRACT], NOW_MS)
    assert first == second
    assert len(await recorded(database)) == 1


async def test_an_event_recorded_by_mistake_is_taken_back(
    registry: Registry, database: Database
) -> None:
    (row,) = await registry.record_events([CONTRACT], NOW_MS)
    kept = list[TakenBack]()

    async def remember(gone: TakenBack) -> None:
        kept.append(gone)

    await registry.take_back_event(row, remember)
    assert kept == [(row, [])]
    assert await recorded(database) == []
    with pytest.raises(OfficeError, match="no such event"):
        await registry.take_back_event(row, remember)
    async with database.reading() as connection:
        assert await carried_out(connection) == {}


async def test_what_cannot_be_remembered_is_not_taken_back(
    registry: Registry, database: Database
) -> None:
    (row,) = await registry.record_events([CONTRACT], NOW_MS)

    async def fail(_: TakenBack) -> None:
        msg = "the memory cannot be written"
        raise OfficeError(msg)

    with pytest.raises(OfficeError, match="cannot be written"):
        await registry.take_back_event(row, fail)
    assert len(await recorded(database)) == 1
