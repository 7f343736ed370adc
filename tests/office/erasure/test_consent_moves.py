"""A consent that leaves the register leaves evidence without a name, if the policy says so."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from office.consent_evidence.officers_file import FILE, Hook, Moment, OfficersFile, go_on
from office.consent_evidence.rows import EvidenceRow
from office.erasure.consent_ends import (
    EVENT,
    Evidence,
    due_consents,
    note_ended_with_links,
    note_seen,
)
from office.erasure.consent_moves import ERASED, ConsentMoves, draw_nonces
from office.erasure.link_ends import scrub_if_needed
from office.erasure.progress import Moment as StepMoment
from office.erasure.progress import Progress
from office.erasure.receipt_chain import opening
from office.erasure.saga import Step
from office.registry.erasure_requests import NewErasure
from office.store.erasure_tables import ERASURES
from office.store.tables import CONSENTS
from policy.plan.cells import PlanDelivery
from policy.plan.last_rows import evidence_period, period_after
from policy.plan.plan import Plan
from policy.vocabulary.terms import Period
from telemetry.instants import DAY_MS
from tests.office.erasure.conftest import ANA, BEN, HORIZONS, NOW_MS, SIGNING, Office
from tests.office.erasure.test_consent_ends import CELL, keeping
from tests.office.test_forgetting import bytes_of
from tests.support.plans import PLAN

EVERYTHING = NewErasure("erase", ANA, "asked")


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may catch it and tidy up."""


def evidencing(years: int, event: str, plan: Plan = PLAN) -> Plan:
    """A plan that keeps evidence without a name for so long."""
    kept = replace(CELL.retention, at_most=Period(years, "years"), trigger=event, cap=None)
    cell = replace(CELL, retention=kept, delivery=PlanDelivery("records"), identity="none")
    return replace(plan, cells=(*plan.cells, cell))


SAYS = evidencing(5, ERASED)
BOTH = evidencing(9, EVENT, keeping(3))


class Moving:
    """An office, and the officers' file beside it."""

    def __init__(self, office: Office, plan: Plan, at: Hook = go_on) -> None:
        self.office = office
        office.plans = [plan]
        self.path = office.folder / FILE
        self.moves = ConsentMoves(office.database, OfficersFile(self.path, at=at))
        office.progress = Progress(
            office.database, office.keyring, SIGNING.sign, HORIZONS, moves=self.moves
        )

    async def rows(self, now_ms: int) -> list[EvidenceRow]:
        if not self.path.exists():
            return []
        return await asyncio.to_thread(OfficersFile(self.path).rows, now_ms)

    async def staged(self) -> list[str]:
        return await asyncio.to_thread(OfficersFile(self.path).staged)

    async def consents(self, subject: str = ANA) -> Sequence[str]:
        query = select(CONSENTS.c.consent).where(CONSENTS.c.subject == subject)
        async with self.office.database.reading() as connection:
            return list(await connection.scalars(query))

    async def turn(self, now_ms: int) -> int:
        """What the office does each hour."""
        database, plans = self.office.database, self.office.plans
        await self.moves.tidy()
        await note_ended_with_links(database, now_ms)
        await note_seen(database, now_ms)
        due = await due_consents(database, Evidence(plans, 10 * DAY_MS), now_ms)
        return await self.moves.move(due, plans, now_ms)


async def withdrawn(office: Office) -> int:
    """Ana's consent, withdrawn, with nothing of it left to erase; when it is due to leave."""
    await office.registry.withdraw(ANA, "sharing", "insurer", NOW_MS)
    await note_seen(office.database, NOW_MS)
    due_ms = Evidence([BOTH], 10 * DAY_MS).due_ms(NOW_MS, NOW_MS, NOW_MS)
    assert due_ms is not None
    return due_ms


async def test_who_is_forgotten_leaves_evidence_that_they_alone_can_open(office: Office) -> None:
    moving = Moving(office, SAYS)
    (consent,) = await moving.consents()
    asked = await office.ask(EVERYTHING)
    assert asked.nonce is not None
    await office.run(asked.erasure)
    assert await moving.consents() == []
    (row,) = await moving.rows(office.now_ms)
    assert (row.purpose, row.notice) == ("sharing", "sharing@1")
    assert row.opening == opening(asked.nonce, row.number, ANA)
    assert row.opening != opening(asked.nonce, row.number, BEN)
    assert row.opening != opening(b"n" * 32, row.number, ANA)
    # Nothing in the file is in any other: neither name, row, request, nonce nor instant.
    held = bytes_of(office.folder)
    for mark in (ANA.encode(), consent.encode(), asked.nonce):
        assert mark not in held
    lying = bytes_at(moving.path)
    assert row.number.encode() in lying
    assert asked.erasure.encode() not in lying and b"dongle" not in lying
    for path in office.folder.glob("office.sqlite*"):
        assert row.number.encode() not in path.read_bytes()
    assert all(row.number not in str(entry) for entry in await office.entries())


def bytes_at(file: Path) -> bytes:
    return b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))


async def test_the_others_consent_stays_as_it_is(office: Office) -> None:
    moving = Moving(office, SAYS)
    asked = await office.ask(EVERYTHING)
    await office.run(asked.erasure)
    assert len(await moving.consents(BEN)) == 1
    assert await moving.moves.count() == 1


@pytest.mark.parametrize("plan", [PLAN, evidencing(5, EVENT)], ids=["silent", "of_ends_alone"])
async def test_a_policy_that_says_nothing_of_erasures_keeps_nothing_of_them(
    office: Office, plan: Plan
) -> None:
    moving = Moving(office, plan)
    asked = await office.ask(EVERYTHING)
    await office.run(asked.erasure)
    assert await moving.consents() == []
    assert not moving.path.exists()


async def test_a_consent_at_the_registers_end_leaves_evidence_for_the_rest_of_its_period(
    office: Office,
) -> None:
    moving = Moving(office, BOTH)
    due_ms = await withdrawn(office)
    async with office.database.reading() as connection:
        query = select(CONSENTS.c.nonce).where(CONSENTS.c.subject == ANA)
        nonce = (await connection.scalars(query)).one()
    office.now_ms = NOW_MS
    (erasure,) = await requests_of(office)
    await office.run(erasure)
    assert await moving.turn(due_ms - 1) == 0
    assert not moving.path.exists()
    assert await moving.turn(due_ms) == 1
    await scrub_if_needed(office.database)
    (row,) = await moving.rows(due_ms)
    assert row.opening == opening(nonce, row.number, ANA)
    assert NOW_MS + 9 * 365 * DAY_MS <= row.ends_ms <= NOW_MS + (9 * 365 + 3) * DAY_MS
    assert await moving.moves.expire(row.ends_ms - 1) == 0
    assert await moving.moves.over(row.ends_ms) == 1
    assert await moving.moves.expire(row.ends_ms) == 1
    assert await moving.moves.count() == 0


async def requests_of(office: Office) -> list[str]:
    async with office.database.reading() as connection:
        return list(await connection.scalars(select(ERASURES.c.erasure)))


@pytest.mark.parametrize("moment", [Moment.STAGED, Moment.SETTLED, Moment.SCRUBBED])
async def test_a_move_that_is_killed_leaves_exactly_one_row_and_no_consent_in_the_end(
    office: Office, moment: Moment
) -> None:
    due_ms = await withdrawn(office)
    (erasure,) = await requests_of(office)
    await office.run(erasure)

    def kill(reached: Moment) -> None:
        if reached is moment:
            raise Killed

    killed = Moving(office, BOTH, kill)
    (consent,) = await killed.consents()
    with pytest.raises(Killed):
        await killed.turn(due_ms)
    left = await killed.consents()
    assert bool(left) == (moment is Moment.STAGED)
    assert len(await killed.rows(due_ms)) == (0 if left else 1)
    moving = Moving(office, BOTH)
    await moving.turn(due_ms)
    assert await moving.consents() == []
    assert len(await moving.rows(due_ms)) == await moving.moves.count() == 1
    assert consent.encode() not in bytes_at(moving.path)


@pytest.mark.parametrize("at", [Moment.STAGED, *StepMoment, Moment.SETTLED, Moment.SCRUBBED])
async def test_a_person_who_is_forgotten_under_a_kill_leaves_exactly_one_row(
    office: Office, at: Moment | StepMoment
) -> None:
    def kill(reached: Moment) -> None:
        if reached is at:
            raise Killed

    def kill_step(step: Step, reached: StepMoment) -> None:
        if step is Step.UNLINK and reached is at:
            raise Killed

    asked = await office.ask(EVERYTHING)
    killed = Moving(office, SAYS, kill)
    office.progress = Progress(
        office.database, office.keyring, SIGNING.sign, HORIZONS, kill_step, moves=killed.moves
    )
    with pytest.raises(Killed):
        await office.run(asked.erasure)
    there = bool(await killed.consents())
    assert len(await killed.rows(office.now_ms)) <= 1
    assert not (there and await killed.rows(office.now_ms))
    moving = Moving(office, SAYS)
    await moving.moves.tidy()
    await office.run(asked.erasure)
    assert await moving.consents() == []
    (row,) = await moving.rows(office.now_ms)
    assert asked.nonce is not None and row.opening == opening(asked.nonce, row.number, ANA)
    assert await moving.moves.count() == 1


async def test_what_was_put_aside_for_a_move_that_is_off_never_counts(office: Office) -> None:
    """Killed before the consent left; then the policy asks for no evidence any more."""
    moving = Moving(office, SAYS)
    await moving.moves.prepare_person(ANA, b"n" * 32, [SAYS], NOW_MS)
    await moving.moves.tidy()
    assert (len(await moving.staged()), await moving.rows(NOW_MS)) == (1, [])
    office.plans = [PLAN]
    asked = await office.ask(EVERYTHING)
    await office.run(asked.erasure)
    assert await moving.moves.count() == 0


async def test_consents_of_an_older_office_get_their_secret_numbers(office: Office) -> None:
    async with office.database.writing() as connection:
        await connection.execute(CONSENTS.update().values(nonce=None))
    await draw_nonces(office.database)
    async with office.database.reading() as connection:
        drawn = list(await connection.scalars(select(CONSENTS.c.nonce)))
    assert len(set(drawn)) == 2 and all(len(one) == 32 for one in drawn)
    await draw_nonces(office.database)
    async with office.database.reading() as connection:
        assert list(await connection.scalars(select(CONSENTS.c.nonce))) == drawn


def test_the_version_in_force_alone_says_whether_evidence_is_kept() -> None:
    assert evidence_period(ERASED, [SAYS], NOW_MS) == Period(5, "years")
    assert evidence_period(EVENT, [SAYS], NOW_MS) is None
    assert evidence_period(ERASED, [SAYS, PLAN], NOW_MS) is None
    announced = replace(PLAN, effective_ms=NOW_MS + DAY_MS)
    assert evidence_period(ERASED, [SAYS, announced], NOW_MS) == Period(5, "years")
    assert evidence_period(ERASED, [evidencing(2, ERASED), SAYS], NOW_MS) == Period(5, "years")


def test_evidence_without_a_name_keeps_no_row_of_the_register() -> None:
    assert period_after(EVENT, [BOTH], NOW_MS) == Period(3, "years")
    assert period_after(EVENT, [evidencing(9, EVENT)], NOW_MS) is None
