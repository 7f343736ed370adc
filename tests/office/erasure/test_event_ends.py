"""Ends that events bring about become requests on their day, once, for whoever they concern."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import select

from office.erasure import event_ends
from office.erasure.event_ends import ask_for_ends
from office.errors import OfficeError
from office.registry.corrections import Correction, correct
from office.registry.erasure_requests import lanes_of, names
from office.registry.events import NewEvent, TakenBack
from office.registry.links import NewLink
from office.registry.registry import Registry
from office.store.database import Database
from office.store.erasure_tables import ERASURES
from office.store.tables import RESTRICTIONS
from policy.plan.plan import Plan
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import DAY_MS, FIRST_MS, parse_instant
from tests.office.erasure.test_ends import kept

ANA, BO = SubjectId("ana"), SubjectId("bo")
CAR = DeviceId("dongle-1")
AT_MS = parse_instant("2026-03-10T15:30:00Z")
DUE_MS = parse_instant("2026-06-08T00:00:00Z")
PLANS = [replace(kept(), effective_ms=0)]
# Compiled here: on the office's loop nothing may be read.
SECOND = kept("30 days", 2)
SHORTER = [*PLANS, replace(SECOND, effective_ms=0)]
Request = tuple[str, str, int | None, int, dict[str, list[str]] | None]


def plans() -> Sequence[Plan]:
    return PLANS


async def never(_: TakenBack) -> None:
    pytest.fail("what was refused was remembered")


async def requests(database: Database) -> list[Request]:
    async with database.reading() as connection:
        rows = await connection.execute(select(ERASURES).order_by(ERASURES.c.subject))
        return [
            (row.subject, row.reason, row.to_ms, len(names(row.links) or ()), lanes_of(row.lanes))
            for row in rows
        ]


@pytest.fixture(autouse=True)
async def sold(registry: Registry) -> None:
    """A car that Ana sold to Bo, ten days before the event."""
    ten = AT_MS - 10 * DAY_MS
    await registry.register_device(CAR, AT_MS - 200 * DAY_MS)
    await registry.link(CAR, ANA, AT_MS - 100 * DAY_MS, ten)
    await registry.link(CAR, BO, ten)


async def test_a_contracts_end_is_carried_out_on_its_day_and_once(
    registry: Registry, database: Database
) -> None:
    (event,) = await registry.record_events([NewEvent("contract_end", AT_MS, BO)], AT_MS)
    await ask_for_ends(database, plans, DUE_MS - 1)
    assert await requests(database) == []
    for later_ms in (0, 1, 5 * DAY_MS):
        await ask_for_ends(database, plans, DUE_MS + later_ms)
    (lane,) = [one.name for one in PLANS[0].outputs[0].lanes if one.trigger == "contract_end"]
    assert await requests(database) == [("bo", "contract_end", AT_MS, 0, {"study": [lane]})]
    with pytest.raises(OfficeError, match="do not come back"):
        await registry.take_back_event(event, never)


async def test_what_ends_with_a_device_ends_for_everyone_who_drove_it_before(
    registry: Registry, database: Database
) -> None:
    elsewhere = DeviceId("dongle-2")
    await registry.register_fleet([NewLink(elsewhere, ANA, AT_MS - 5 * DAY_MS)])
    await registry.record_events([NewEvent("contract_end", AT_MS, device=CAR)], AT_MS)
    await ask_for_ends(database, plans, DUE_MS)
    # By the one link each had to it, and not by others.
    assert [(who, links) for who, _, _, links, _ in await requests(database)] == [
        ("ana", 1),
        ("bo", 1),
    ]


async def withheld(database: Database) -> list[tuple[str, str, str | None, int, int | None]]:
    async with database.reading() as connection:
        rows = await connection.execute(select(RESTRICTIONS).order_by(RESTRICTIONS.c.subject))
        return [
            (row.subject, row.purpose, row.recipient, row.from_ms, row.to_ms)
            for row in rows
            if row.reason == "erased"
        ]


async def test_what_comes_after_that_day_and_is_of_before_the_event_is_withheld(
    registry: Registry, database: Database
) -> None:
    """Commands live for weeks; a vehicle may have been in a garage for longer."""
    await registry.record_events([NewEvent("contract_end", AT_MS, BO)], AT_MS)
    await ask_for_ends(database, plans, DUE_MS - 1)
    assert await withheld(database) == []
    await ask_for_ends(database, plans, DUE_MS)
    assert await withheld(database) == [("bo", "study", "team", FIRST_MS, AT_MS)]


async def test_whoever_dies_before_all_of_an_end_is_on_record_has_asked_for_nothing(
    registry: Registry, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class DiedError(Exception):
        """The process is no more."""

    async def die(*_: object) -> None:
        raise DiedError

    (event,) = await registry.record_events([NewEvent("contract_end", AT_MS, BO)], AT_MS)
    with monkeypatch.context() as patched:
        patched.setattr(event_ends, "suppress_late", die)
        with pytest.raises(DiedError):
            await ask_for_ends(database, plans, DUE_MS)
    assert await requests(database) == []
    await ask_for_ends(database, plans, DUE_MS)
    await ask_for_ends(database, plans, DUE_MS + DAY_MS)
    assert len(await requests(database)) == len(await withheld(database)) == 1
    with pytest.raises(OfficeError, match="do not come back"):
        await registry.take_back_event(event, never)


async def test_of_a_device_it_is_withheld_while_it_was_theirs(
    registry: Registry, database: Database
) -> None:
    await registry.record_events([NewEvent("contract_end", AT_MS, device=CAR)], AT_MS)
    await ask_for_ends(database, plans, DUE_MS)
    sold_ms = AT_MS - 10 * DAY_MS
    assert await withheld(database) == [
        ("ana", "study", "team", AT_MS - 100 * DAY_MS, sold_ms),
        ("bo", "study", "team", sold_ms, AT_MS),
    ]


async def test_an_event_of_which_nothing_hangs_asks_for_nothing_and_is_looked_at_daily(
    registry: Registry, database: Database
) -> None:
    await registry.record_events([NewEvent("campaign_end", AT_MS, BO)], AT_MS)
    assert await ask_for_ends(database, plans, AT_MS) == 1
    assert await ask_for_ends(database, plans, AT_MS + DAY_MS - 1) == 0
    assert await ask_for_ends(database, plans, AT_MS + DAY_MS) == 1
    assert await requests(database) == []


async def test_an_end_that_a_version_brings_forward_is_noticed_within_a_day(
    registry: Registry, database: Database
) -> None:
    await registry.record_events([NewEvent("contract_end", AT_MS, BO)], AT_MS)
    await ask_for_ends(database, plans, AT_MS + 40 * DAY_MS)
    await ask_for_ends(database, lambda: SHORTER, AT_MS + 41 * DAY_MS)
    assert len(await requests(database)) == 1


async def test_who_is_linked_afterwards_from_before_the_event_is_withheld_too(
    registry: Registry, database: Database
) -> None:
    """By a correction, or by a link that begins in the past: the end was carried out before."""
    await registry.record_events([NewEvent("contract_end", AT_MS, device=CAR)], AT_MS)
    await ask_for_ends(database, plans, DUE_MS)
    cy, di, lent_ms = SubjectId("cy"), SubjectId("di"), AT_MS - 30 * DAY_MS
    async with database.writing() as connection:
        one = Correction(ANA, CAR, lent_ms, lent_ms + DAY_MS, cy, "lent")
        await correct(connection, one, DUE_MS)
    await registry.link(CAR, di, AT_MS - 100 * DAY_MS - 1, AT_MS - 100 * DAY_MS)
    await ask_for_ends(database, plans, DUE_MS + 1)
    found = [row for row in await withheld(database) if row[0] in ("cy", "di")]
    assert found == [
        ("cy", "study", "team", lent_ms, lent_ms + DAY_MS),
        ("di", "study", "team", AT_MS - 100 * DAY_MS - 1, AT_MS - 100 * DAY_MS),
    ]


async def test_an_event_whose_ends_are_to_be_asked_for_again_is_not_taken_back(
    registry: Registry, database: Database
) -> None:
    """What they took is gone, and nothing would say why."""
    (event,) = await registry.record_events([NewEvent("contract_end", AT_MS, device=CAR)], AT_MS)
    await ask_for_ends(database, plans, DUE_MS)
    since_ms = AT_MS - 100 * DAY_MS
    await registry.link(CAR, SubjectId("di"), since_ms - 1, since_ms)
    with pytest.raises(OfficeError, match="do not come back"):
        await registry.take_back_event(event, never)
    await ask_for_ends(database, plans, DUE_MS + 1)
    with pytest.raises(OfficeError, match="do not come back"):
        await registry.take_back_event(event, never)


async def test_who_is_linked_from_after_the_event_on_asks_for_no_end_again(
    registry: Registry, database: Database
) -> None:
    await registry.close_link(CAR, AT_MS + DAY_MS)
    await registry.record_events([NewEvent("contract_end", AT_MS, device=CAR)], AT_MS)
    await ask_for_ends(database, plans, DUE_MS)
    before = await requests(database)
    await registry.link(CAR, SubjectId("cy"), AT_MS + DAY_MS)
    assert await ask_for_ends(database, plans, DUE_MS + 1) == 0
    assert await requests(database) == before


async def test_a_version_that_is_announced_ends_nothing_until_it_is_in_force(
    registry: Registry, database: Database
) -> None:
    takes_over_ms = AT_MS + 50 * DAY_MS
    announced = [*PLANS, replace(SECOND, effective_ms=takes_over_ms)]
    await registry.record_events([NewEvent("contract_end", AT_MS, BO)], AT_MS)
    await ask_for_ends(database, lambda: announced, AT_MS + 49 * DAY_MS)
    assert await requests(database) == []
    await ask_for_ends(database, lambda: announced, takes_over_ms)
    assert len(await requests(database)) == 1


async def test_who_came_after_the_event_loses_nothing(
    registry: Registry, database: Database
) -> None:
    await registry.close_link(CAR, AT_MS)
    cy = SubjectId("cy")
    await registry.link(CAR, cy, AT_MS)
    await registry.record_events([NewEvent("device_retired", AT_MS, device=CAR)], AT_MS)
    await registry.record_events([NewEvent("contract_end", AT_MS, device=CAR)], AT_MS)
    await ask_for_ends(database, plans, DUE_MS)
    assert [who for who, *_ in await requests(database)] == ["ana", "bo"]
