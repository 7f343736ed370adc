"""What a consent leaves to the officers' file as it leaves the register, if the policy says so.

In: the office's database, the officers' file, plans, consents. Out: evidence that names nobody; a
consent whose row has left has exactly one row there, or none if the policy keeps none. Whatever
dies in between, ``tidy`` makes up for: a row there counts only once its consent has left. Each
function but those on the file alone runs transactions of its own.
"""

import asyncio
import secrets
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, Final

from sqlalchemy import Row, func, select, update

from office.consent_evidence.officers_file import OfficersFile
from office.consent_evidence.rows import EvidenceRow, Facts, evidence_of
from office.erasure.consent_ends import ENDED_MS, EVENT, forget_consents
from office.erasure.receipt_chain import opening
from office.store.changes import chunks
from office.store.database import Database
from office.store.row_ids import NONCE_BYTES
from office.store.tables import CONSENTS
from policy.plan.last_rows import evidence_period
from policy.plan.plan import Plan

ERASED: Final = "consent_erased"
"""The event from which the policy counts evidence of a consent whose person is forgotten."""


class ConsentMoves:
    """The way of consents out of the register, into a file that the first of them makes."""

    def __init__(self, database: Database, file: OfficersFile) -> None:
        self._database = database
        self._file = file

    async def prepare_person(
        self, subject: str, nonce: bytes | None, plans: Sequence[Plan], now_ms: int
    ) -> None:
        """Put evidence of all that a person agreed to aside, before they are forgotten.

        ``nonce``: what the person was given as they asked; without it nobody shows whose it was.
        """
        rows = await self._consents(CONSENTS.c.subject == subject)
        await self._stage(rows, ERASED, plans, now_ms, lambda _row: nonce)

    async def move(self, consents: Collection[str], plans: Sequence[Plan], now_ms: int) -> int:
        """Delete consents that the register keeps no longer; how many.

        ``link_ends.scrub_if_needed`` ends it, for the register.
        """
        rows = list[Row[Any]]()
        for some in chunks(sorted(consents)):
            rows += await self._consents(CONSENTS.c.consent.in_(some))
        await self._stage(rows, EVENT, plans, now_ms, lambda row: row.nonce)
        gone = await forget_consents(self._database, consents)
        await self.tidy()
        return gone

    async def tidy(self) -> None:
        """Let go of consents that have left, whoever died before doing so, and scrub the file."""
        if not await self._found():
            return
        # Asked first: who is put there meanwhile has not left, or is settled the next time.
        staged = await asyncio.to_thread(self._file.staged)
        there = set[str]()
        async with self._database.reading() as connection:
            for some in chunks(staged):
                query = select(CONSENTS.c.consent).where(CONSENTS.c.consent.in_(some))
                there |= set(await connection.scalars(query))
        if gone := [one for one in staged if one not in there]:
            await asyncio.to_thread(self._file.settle, gone)
        await asyncio.to_thread(self._file.scrub_if_needed)

    async def expire(self, now_ms: int) -> int:
        """Delete evidence whose date has come, and scrub the file; how many rows."""
        if not await self._found():
            return 0
        gone = await asyncio.to_thread(self._file.expire, now_ms)
        await asyncio.to_thread(self._file.scrub_if_needed)
        return gone

    async def over(self, now_ms: int) -> int:
        """How much evidence ``expire`` would delete."""
        if not await self._found():
            return 0
        return await asyncio.to_thread(self._file.over, now_ms)

    async def count(self) -> int:
        """How many rows the file has."""
        if not await self._found():
            return 0
        return await asyncio.to_thread(self._file.count)

    async def _found(self) -> bool:
        return await asyncio.to_thread(self._file.found)

    async def _consents(self, which: Any) -> Sequence[Row[Any]]:
        columns = (*CONSENTS.c, ENDED_MS.label("at_ms"))
        async with self._database.reading() as connection:
            return (await connection.execute(select(*columns).where(which))).all()

    async def _stage(
        self,
        rows: Sequence[Row[Any]],
        event: str,
        plans: Sequence[Plan],
        now_ms: int,
        nonce_of: Callable[[Row[Any]], bytes | None],
    ) -> None:
        period, leaving, without = evidence_period(event, plans, now_ms), [], []
        for row in rows:
            facts = _facts(row, now_ms)
            opened_by = partial(_opened_by, nonce_of(row), row.subject)
            left = None if period is None else evidence_of(facts, period, opened_by, now_ms)
            if left is None:
                without.append(facts.consent)
            else:
                leaving.append(left)
        if leaving or (without and await self._found()):
            await asyncio.to_thread(self._file.make)
            await asyncio.to_thread(self._file.stage, leaving, without)


async def draw_nonces(database: Database) -> None:
    """Draw what a person shows later that a consent was theirs, for consents that have none."""
    lacking = CONSENTS.c.nonce.is_(None)
    async with database.reading() as connection:
        if await connection.scalar(select(CONSENTS.c.consent).where(lacking).limit(1)) is None:
            return
    async with database.writing() as connection:
        drawn = update(CONSENTS).where(lacking).values(nonce=func.randomblob(NONCE_BYTES))
        await connection.execute(drawn)


def opened(rows: Sequence[EvidenceRow], nonce: bytes, subject: str) -> list[EvidenceRow]:
    """The rows that this nonce opens for this person. Pure."""
    return [one for one in rows if one.opening == opening(nonce, one.number, subject)]


def _facts(row: Row[Any], now_ms: int) -> Facts:
    """An erasure ends what has not ended; nothing ends later than now."""
    ended_ms = now_ms if row.at_ms is None else min(row.at_ms, now_ms)
    said = (row.purpose, row.basis, row.recipient, row.notice)
    return Facts(row.consent, *said, row.from_ms, ended_ms)


def _opened_by(nonce: bytes | None, subject: str, number: str) -> str:
    return opening(nonce or secrets.token_bytes(NONCE_BYTES), number, subject)
