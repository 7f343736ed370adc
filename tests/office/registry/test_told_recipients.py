"""Who has to be told stays on record until somebody told them, and keeps no request waiting."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from office.erasure.saga import State
from office.errors import OfficeError
from office.registry.erasure_requests import NewErasure
from office.registry.told_recipients import (
    ToTell,
    agreed_to,
    all_to_tell,
    mark_told,
    note_recipients,
    recipients_of,
)
from office.store.database import Database
from office.store.erasure_tables import REQUEST_RECIPIENTS
from policy.plan.plan import Plan
from tests.office.erasure.conftest import ANA, NOW_MS, SHARING, Office
from tests.policy.plan.test_outside_recipients import LAB_OF, SHOP_OF
from tests.policy.plan.test_outside_recipients import PLAN as OUTSIDE


@pytest.fixture
async def office(folder: Path) -> AsyncIterator[Office]:
    made = Office(folder / "erasing")
    await made.open()
    await made.furnish()
    yield made
    await made.database.close()


def plan_with_cells(plan: Plan) -> Plan:
    """The small plan of outputs with the cells of one whose recipients are outside."""
    return replace(plan, cells=OUTSIDE.cells)


async def told(database: Database, request: str) -> list[tuple[str, int | None, str | None]]:
    async with database.reading() as connection:
        found = await recipients_of(connection, [request])
    return [(one.recipient, one.told_ms, one.told_by) for one in found]


async def test_a_recipient_is_noted_once_and_told_once(database: Database) -> None:
    async with database.writing() as connection:
        await note_recipients(connection, "AAAA", [LAB_OF, SHOP_OF, LAB_OF], 10)
        await note_recipients(connection, "BBBB", [LAB_OF], 5)
    async with database.writing() as connection:
        assert await mark_told(connection, "AAAA", "lab", "Hana", 20) == [
            ToTell("AAAA", "study", "lab", 20, "Hana")
        ]
    async with database.writing() as connection:
        # Who told them first stays; what is noted again stays as it is.
        await mark_told(connection, "AAAA", "lab", "Jiro", 30)
        await note_recipients(connection, "AAAA", [LAB_OF], 40)
    assert await told(database, "AAAA") == [("lab", 20, "Hana"), ("shop", None, None)]
    async with database.reading() as connection:
        waiting = [(one.request, one.recipient) for one in await all_to_tell(connection)]
    assert waiting == [("BBBB", "lab"), ("AAAA", "shop")]


@pytest.mark.parametrize(
    ("request_", "recipient", "by", "why"),
    [
        ("AAAA", "shop", "Hana", "no such recipient"),
        ("CCCC", "lab", "Hana", "no such recipient"),
        ("AAAA", "lab", " ", "one line"),
        ("AAAA", "lab", "a\nb", "one line"),
        ("AAAA", "lab", "x" * 81, "one line"),
    ],
)
async def test_what_cannot_be_told_is_refused(
    database: Database, request_: str, recipient: str, by: str, why: str
) -> None:
    async with database.writing() as connection:
        await note_recipients(connection, "AAAA", [LAB_OF], 10)
    with pytest.raises(OfficeError, match=why):
        async with database.writing() as connection:
            await mark_told(connection, request_, recipient, by, 20)
    assert await told(database, "AAAA") == [("lab", None, None)]


async def test_an_erasure_notes_whom_to_tell_and_waits_for_nobody(office: Office) -> None:
    office.plans = [plan_with_cells(office.plans[0])]
    asked = await office.ask(NewErasure("erase", ANA, "asked"))
    await office.run(asked.erasure)
    assert await office.state(asked.erasure) is State.CLOSED
    # Of a person who is forgotten the list is still there, and names nobody.
    assert await told(office.database, asked.erasure) == [("lab", None, None)]
    async with office.database.reading() as connection:
        rows = (await connection.execute(select(REQUEST_RECIPIENTS))).all()
    assert ANA not in repr(rows)


async def test_a_withdrawal_tells_who_rests_on_it_and_the_end_of_a_period_nobody(
    office: Office,
) -> None:
    office.plans = [plan_with_cells(office.plans[0])]
    async with office.database.reading() as connection:
        assert await agreed_to(connection, ANA) == {SHARING}
    await office.registry.withdraw(ANA, "sharing", "insurer", NOW_MS, now_ms=NOW_MS)
    ended = await office.ask(NewErasure("end", ANA, "contract_end", to_ms=NOW_MS))
    corrected = await office.ask(NewErasure("correction", ANA, "sold", NOW_MS - 5, NOW_MS))
    await office.turn()
    async with office.database.reading() as connection:
        waiting = [(one.request, one.recipient) for one in await all_to_tell(connection)]
    assert waiting == [(corrected.erasure, "lab")]
    assert ended.erasure not in dict(waiting)
