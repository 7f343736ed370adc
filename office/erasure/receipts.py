"""The chain of receipts on record: each is written in the transaction of what it tells."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.receipt_chain import (
    FIRST_HASH,
    NO_REQUEST,
    Entry,
    Head,
    Receipt,
    Sign,
    head_of,
    sealed,
)
from office.store.database import Database
from office.store.erasure_tables import RECEIPTS
from telemetry.instants import to_datetime

Draft = Mapping[str, Any]
"""An ``Entry`` without its place: number, previous and instant are the chain's to give."""
NOTHING = ""
"""The hash of a head before the first receipt."""


async def issue(
    connection: AsyncConnection, drafts: Sequence[Draft], sign: Sign, now_ms: int
) -> None:
    """Write receipts behind the last one, in the caller's transaction.

    If that was signed by another key, the first of them says that a new key begins.
    """
    last = await _last(connection)
    if drafts and last is not None and not is_ours(last, sign):
        drafts = [{"erasure": NO_REQUEST, "what": "rekeyed"}, *drafts]
    number, previous = (0, FIRST_HASH) if last is None else (last.number, last.hash)
    rows = []
    for number, draft in enumerate(drafts, start=number + 1):  # noqa: B020  # it goes on from there
        entry = Entry(number=number, previous=previous, at_ms=now_ms, **draft)
        receipt = sealed(entry, sign)
        rows.append({"number": number, **receipt._asdict()})
        previous = receipt.hash
    if rows:
        await connection.execute(insert(RECEIPTS), rows)


def is_ours(row: Row[Any], sign: Sign) -> bool:
    """Whether a receipt was signed by this very key: the same bytes get the same signature."""
    return sign(row.entry).hex() == str(row.signature)


async def key_was_lost(database: Database, sign: Sign) -> bool:
    """Whether the last receipt was signed by another key, and none says yet that a new one is."""
    async with database.reading() as connection:
        last = await _last(connection)
    return last is not None and not is_ours(last, sign)


async def count_new_keys(database: Database) -> int:
    """How often the chain says that a new key begins, since the former was lost."""
    said = func.instr(RECEIPTS.c.entry, b'"what":"rekeyed"') > 0
    async with database.reading() as connection:
        return await connection.scalar(select(func.count()).where(said)) or 0


async def all_receipts(database: Database) -> list[Receipt]:
    """Every receipt, in order."""
    async with database.reading() as connection:
        found = await connection.execute(select(RECEIPTS).order_by(RECEIPTS.c.number))
        return [Receipt(row.entry, row.hash, row.signature) for row in found]


async def head(database: Database, sign: Sign, now_ms: int) -> Head:
    """Where the chain stands now, to be published on this day; number 0: there is no receipt."""
    async with database.reading() as connection:
        last = await _last(connection)
    day = to_datetime(now_ms).date().isoformat()
    number, hashed = (0, FIRST_HASH) if last is None else (last.number, last.hash)
    return head_of(day, number, hashed, sign)


class Place(NamedTuple):
    """An entry of the chain: where it stands, and what it is."""

    number: int
    hash: str


async def place_of(database: Database, number: int | None = None) -> Place | None:
    """The entry of this number, without one the last; None if there is none."""
    async with database.reading() as connection:
        if number is None:
            row = await _last(connection)
        else:
            at = select(RECEIPTS).where(RECEIPTS.c.number == number)
            row = (await connection.execute(at)).one_or_none()
    return None if row is None else Place(row.number, row.hash)


async def _last(connection: AsyncConnection) -> Row[Any] | None:
    newest = select(RECEIPTS).order_by(RECEIPTS.c.number.desc()).limit(1)
    return (await connection.execute(newest)).one_or_none()
