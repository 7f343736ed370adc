"""A consent goes once the policy keeps no evidence of it, and without a word of the policy never."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from office.erasure.consent_ends import (
    EVENT,
    Evidence,
    due_consents,
    forget_consents,
    note_ended_with_links,
    note_seen,
)
from office.erasure.link_ends import scrub_if_needed
from office.erasure.of_person import of_person
from office.erasure.saga import State
from office.registry.erasure_requests import NewErasure
from office.store.erasure_tables import ERASURES
from office.store.tables import CONSENTS
from policy.plan.cells import PlanDelivery
from policy.plan.plan import Plan
from policy.vocabulary.terms import Period
from telemetry.identity import DeviceId
from telemetry.instants import DAY_MS
from telemetry.topics import CONTROL_CONSENTS
from telemetry.wire.control import ConsentInterval
from tests.office.erasure.conftest import ANA, BEN, LAKE, NOW_MS, SHARING, Office
from tests.support.documents import plan_of
from tests.support.plans import PLAN

DEVICE = DeviceId("dongle-of-ana")


# Compiled here: on the office's loop nothing may be read.
CELL = plan_of().cells[0]


def keeping(years: int, plan: Plan = PLAN) -> Plan:
    """A plan that keeps consents for so long after they ended."""
    period = Period(years, "years")
    kept = replace(CELL.retention, at_most=period, trigger=EVENT, cap=None)
    records = replace(CELL, retention=kept, delivery=PlanDelivery("records"))
    return replace(plan, cells=(records,))


EVIDENCE = Evidence([keeping(3)], 10 * DAY_MS)


def due_of(evidence: Evidence, ended_ms: int, seen_ms: int | None = None) -> int:
    due_ms = evidence.due_ms(ended_ms, ended_ms if seen_ms is None else seen_ms, NOW_MS)
    assert due_ms is not None
    return due_ms


async def turn(office: Office, now_ms: int, evidence: Evidence = EVIDENCE) -> int:
    await note_ended_with_links(office.database, now_ms)
    await note_seen(office.database, now_ms)
    return await forget_consents(
        office.database, await due_consents(office.database, evidence, now_ms)
    )


async def test_a_withdrawn_consent_goes_after_the_period_and_leaves_no_byte(
    office: Office,
) -> None:
    await office.registry.withdraw(ANA, "sharing", "insurer", NOW_MS)
    await office.turn()
    await office.outbox.drain(office.topics.publish)
    rows = [row for row in office.topics.seen().values() if isinstance(row, ConsentInterval)]
    (ana,) = [row for row in rows if row.subject == ANA]
    assert await turn(office, NOW_MS) == 0
    due_ms = due_of(EVIDENCE, NOW_MS)
    assert due_ms % DAY_MS == 0
    assert due_ms - NOW_MS <= 3 * 366 * DAY_MS
    # A request that still needs it to name rows keeps it.
    asked = await office.ask(NewErasure("withdraw", ANA, "withdrawn", consents=[ana.consent]))
    assert await turn(office, due_ms) == 0
    await office.run(asked.erasure)
    assert await turn(office, due_ms - 1) == 0
    assert await turn(office, due_ms) == 1
    await scrub_if_needed(office.database)
    await office.outbox.drain(office.topics.publish)
    tombstone = office.topics.records[-1]
    assert (tombstone.topic, tombstone.key, tombstone.value) == (
        CONTROL_CONSENTS, ana.consent.encode(), None,
    )  # fmt: skip
    left = [row for row in office.topics.seen().values() if isinstance(row, ConsentInterval)]
    assert [row.subject for row in left] == [BEN]


async def test_without_a_period_of_the_policy_none_goes(office: Office) -> None:
    await office.registry.withdraw(ANA, "sharing", "insurer", NOW_MS)
    await office.turn()
    assert await turn(office, NOW_MS + 90_000 * DAY_MS, Evidence([PLAN], 0)) == 0


async def test_a_consent_ends_with_the_last_link_even_if_that_is_gone_by_then(
    office: Office,
) -> None:
    ended_ms = NOW_MS - 9 * DAY_MS
    await office.registry.close_link(DEVICE, ended_ms)
    assert await turn(office, NOW_MS) == 0
    (link,) = (await of_person(office.database, ANA)).links
    await office.registry.delete_link(link.link)
    due_ms = due_of(EVIDENCE, ended_ms)
    assert await turn(office, due_ms - 1) == 0
    assert await turn(office, due_ms) == 1


async def test_who_is_linked_again_goes_on_with_the_same_consent(office: Office) -> None:
    await office.registry.close_link(DEVICE, NOW_MS - 9 * DAY_MS)
    await turn(office, NOW_MS)
    await office.registry.register(DeviceId("another"), ANA, NOW_MS)
    await turn(office, NOW_MS + DAY_MS)
    assert await turn(office, NOW_MS + 9000 * DAY_MS) == 0


async def test_what_is_agreed_to_after_the_last_link_ended_does_not_end_with_it(
    office: Office,
) -> None:
    """Who comes back agrees first, and gets the dongle tomorrow."""
    await office.registry.close_link(DEVICE, NOW_MS - 9 * DAY_MS)
    await office.registry.withdraw(ANA, "sharing", "insurer", NOW_MS - 9 * DAY_MS)
    await office.registry.grant(ANA, *SHARING, NOW_MS - 9 * DAY_MS)
    for later_days in (0, 1, 9000):
        await turn(office, NOW_MS + later_days * DAY_MS)
    async with office.database.reading() as connection:
        query = select(CONSENTS).where(CONSENTS.c.subject == ANA, CONSENTS.c.to_ms.is_(None))
        (left,) = (await connection.execute(query)).all()
    assert left.ended_ms is None


async def test_an_end_that_became_known_late_keeps_it_for_the_rows_made_meanwhile(
    office: Office,
) -> None:
    """Until the word of it, rows were made that rest on it, and lie in stores still."""
    late_ms = NOW_MS + 5 * 366 * DAY_MS
    office.now_ms = late_ms
    await office.registry.withdraw(ANA, "sharing", "insurer", NOW_MS, now_ms=late_ms)
    assert await turn(office, late_ms) == 0
    due_ms = due_of(EVIDENCE, NOW_MS, late_ms)
    assert due_ms > late_ms + 700 * DAY_MS
    # Denied to everybody is not gone: stores have not answered yet.
    async with office.database.reading() as connection:
        erasure = (await connection.scalars(select(ERASURES.c.erasure))).one()
    office.stores = []
    await office.run(erasure, State.SUPPRESSED)
    assert await turn(office, due_ms) == 0
    office.stores = [LAKE]
    await office.run(erasure, State.ERASED)
    assert await turn(office, due_ms - 1) == 0
    assert await turn(office, due_ms) == 1


async def test_a_link_that_ends_later_ends_no_consent_before(office: Office) -> None:
    await office.registry.close_link(DEVICE, NOW_MS + 4000 * DAY_MS)
    assert await turn(office, NOW_MS + 3999 * DAY_MS) == 0


@pytest.mark.parametrize("years", [1, 3, 9])
def test_no_consent_goes_before_a_row_that_may_rest_on_it(years: int) -> None:
    evidence = Evidence([keeping(years)], 10 * DAY_MS)
    rows_ms = NOW_MS + 700 * DAY_MS  # the longest lane of the small plan
    assert due_of(evidence, NOW_MS) >= rows_ms


def test_the_newest_version_in_force_that_says_something_counts() -> None:
    assert Evidence([keeping(3), keeping(1)], 0).period(NOW_MS) == Period(1, "years")
    assert Evidence([keeping(3), PLAN], 0).period(NOW_MS) == Period(3, "years")
    assert Evidence([PLAN], 0).period(NOW_MS) is None
    announced = replace(keeping(1), effective_ms=NOW_MS + DAY_MS)
    evidence = Evidence([keeping(3), announced], 0)
    assert evidence.period(NOW_MS + DAY_MS - 1) == Period(3, "years")
    assert evidence.period(NOW_MS + DAY_MS) == Period(1, "years")
