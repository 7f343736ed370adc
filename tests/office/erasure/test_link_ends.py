"""A link goes with its secret once no row under it is left, and not before."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from office.erasure.link_ends import (
    EVENT,
    Lives,
    delete_links,
    due_links,
    note_ended,
    scrub_if_needed,
)
from office.erasure.saga import State
from office.registry.erasure_requests import NewErasure
from policy.plan.cells import PlanDelivery
from policy.plan.last_rows import rows_end_ms
from policy.plan.plan import Plan
from policy.vocabulary.periods import add_period
from policy.vocabulary.terms import Period
from telemetry.identity import DeviceId
from telemetry.instants import DAY_MS, HOUR_MS
from telemetry.topics import CONTROL_LINKS
from telemetry.wire.control import LinkInterval
from tests.office.erasure.conftest import ANA, NOW_MS, Office
from tests.office.test_forgetting import traces
from tests.support.documents import plan_of
from tests.support.plans import PLAN

DEVICE = DeviceId("dongle-of-ana")
REPLAY_MS = 10 * DAY_MS
LIVES = Lives([PLAN], REPLAY_MS)


def due_of(lives: Lives, to_ms: int, seen_ms: int | None = None) -> int:
    due_ms = lives.due_ms(to_ms, to_ms if seen_ms is None else seen_ms, NOW_MS)
    assert due_ms is not None
    return due_ms


async def turn(office: Office, lives: Lives, now_ms: int) -> int:
    await scrub_if_needed(office.database)
    await note_ended(office.database, now_ms)
    return await delete_links(office.database, await due_links(office.database, lives, now_ms))


def linked(office: Office) -> Sequence[LinkInterval]:
    rows = office.topics.seen().values()
    return sorted((row for row in rows if isinstance(row, LinkInterval)), key=lambda it: it.subject)


async def test_it_goes_once_its_last_row_has_ended_and_leaves_no_byte(office: Office) -> None:
    await office.registry.close_link(DEVICE, NOW_MS)
    await office.outbox.drain(office.topics.publish)
    ana, ben = linked(office)
    assert await turn(office, LIVES, NOW_MS) == 0
    due_ms = due_of(LIVES, NOW_MS)
    assert await turn(office, LIVES, due_ms - 1) == 0
    assert traces(office.folder, [ana, ben]) == 2
    assert await turn(office, LIVES, due_ms) == 1
    await scrub_if_needed(office.database)
    await office.outbox.drain(office.topics.publish)
    assert linked(office) == [ben]
    tombstone = office.topics.records[-1]
    assert (tombstone.topic, tombstone.key, tombstone.value) == (
        CONTROL_LINKS, ana.link.encode(), None,
    )  # fmt: skip
    await office.database.scrub()
    everything = b"".join(file.read_bytes() for file in office.folder.iterdir())
    assert bytes(ana.secret) not in everything
    assert bytes(ben.secret) in everything


async def test_a_link_that_is_open_or_ends_later_stays(office: Office) -> None:
    await office.registry.close_link(DEVICE, NOW_MS + 4000 * DAY_MS)
    assert await turn(office, LIVES, NOW_MS + 3999 * DAY_MS) == 0
    assert await due_links(office.database, LIVES, NOW_MS + 3999 * DAY_MS) == []


async def test_an_end_that_became_known_late_keeps_it_for_the_rows_made_meanwhile(
    office: Office,
) -> None:
    """What was recorded between the end and the word of it lies under this link's pseudonym."""
    early_ms = NOW_MS - 150 * DAY_MS
    await office.registry.close_link(DEVICE, early_ms)
    assert await turn(office, LIVES, NOW_MS) == 0
    assert await turn(office, LIVES, due_of(LIVES, early_ms)) == 0
    assert await turn(office, LIVES, due_of(LIVES, early_ms, NOW_MS) - 1) == 0
    assert await turn(office, LIVES, due_of(LIVES, early_ms, NOW_MS)) == 1
    assert due_of(LIVES, early_ms, NOW_MS) == due_of(LIVES, NOW_MS)


async def test_a_request_whose_commands_are_not_computed_keeps_its_persons_links(
    office: Office,
) -> None:
    for device in (DEVICE, DeviceId("dongle-of-ben")):
        await office.registry.close_link(device, NOW_MS)
    due_ms = due_of(LIVES, NOW_MS)
    await note_ended(office.database, NOW_MS)
    asked = await office.ask(NewErasure("erase", ANA, "asked", NOW_MS - HOUR_MS, NOW_MS))
    assert len(await due_links(office.database, LIVES, due_ms)) == 1
    await office.run(asked.erasure, State.ERASED)
    assert len(await due_links(office.database, LIVES, due_ms)) == 2


async def test_deleting_that_was_cut_short_before_the_scrub_is_scrubbed_later(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.registry.close_link(DEVICE, NOW_MS)
    due_ms = due_of(LIVES, NOW_MS)
    assert await turn(office, LIVES, NOW_MS) == 0
    assert await turn(office, LIVES, due_ms) == 1
    scrubs = []

    async def scrub(_: object) -> None:
        scrubs.append(1)

    monkeypatch.setattr(type(office.database), "scrub", scrub)
    for _ in range(2):
        await scrub_if_needed(office.database)
    assert len(scrubs) == 1


def test_without_a_period_of_the_policy_the_rows_and_all_ways_to_them_count() -> None:
    rows_ms = rows_end_ms(PLAN.outputs, NOW_MS)
    assert rows_ms is not None
    transit_ms = PLAN.raw.bound_ms + max(one.transport.bound_ms for one in PLAN.outputs)
    assert due_of(LIVES, NOW_MS) == rows_ms + transit_ms + REPLAY_MS


def test_the_policys_period_counts_but_never_before_the_last_row() -> None:
    for period, rows_longer in ((Period(10, "years"), False), (Period(1, "days"), True)):
        lives = Lives([PLAN, with_link_period(period)], REPLAY_MS)
        kept_ms = add_period(NOW_MS, period)
        rows_ms = rows_end_ms(PLAN.outputs, NOW_MS)
        wanted_ms = rows_ms if rows_longer else kept_ms - kept_ms % DAY_MS
        assert due_of(lives, NOW_MS) == wanted_ms


def test_a_version_that_is_announced_keeps_and_ends_no_link_yet() -> None:
    announced = replace(with_link_period(Period(9, "years")), effective_ms=NOW_MS + DAY_MS)
    assert due_of(Lives([PLAN, announced], REPLAY_MS), NOW_MS) == due_of(LIVES, NOW_MS)


@pytest.mark.parametrize("period", [None, Period(24, "months"), Period(3, "days")])
def test_no_link_that_is_due_is_passed_over(period: Period | None) -> None:
    plans = [PLAN] if period is None else [with_link_period(period)]
    lives, chance = Lives(plans, REPLAY_MS), random.Random(5)
    for _ in range(300):
        to_ms = NOW_MS + chance.randrange(4000 * DAY_MS)
        now_ms = due_of(lives, to_ms)
        assert to_ms <= lives.ended_by_ms(now_ms)


def test_without_any_lane_no_link_is_due() -> None:
    lives = Lives([replace(PLAN, outputs=())], REPLAY_MS)
    assert lives.due_ms(NOW_MS, NOW_MS, NOW_MS) is None


def with_link_period(period: Period) -> Plan:
    cell = plan_of().cells[0]
    kept = replace(cell.retention, at_most=period, trigger=EVENT, cap=None)
    records = replace(cell, delivery=PlanDelivery("records"), retention=kept)
    return replace(PLAN, cells=(records,))
