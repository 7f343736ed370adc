"""What the workers must learn goes into the outbox, in the transaction of the change itself."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.ports import ControlRecord
from office.store.tables import OUTBOX, PUBLISHED
from telemetry.wire.control import ControlRow, encode_row

CHUNK_ROWS: Final = 500
"""Rows per statement: databases bound the number of parameters."""

T = TypeVar("T")


class ControlChange(NamedTuple):
    """A row of a control topic as it is from now on; None: it is no more."""

    topic: str
    row: str
    value: ControlRow | bytes | None
    """Bytes are a value as it is, of a topic that carries no rows of people."""


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items in order, at most CHUNK_ROWS at a time."""
    for start in range(0, len(items), CHUNK_ROWS):
        yield items[start : start + CHUNK_ROWS]


async def announce(connection: AsyncConnection, changes: Sequence[ControlChange]) -> None:
    """Queue the changes for publication, in this order, if the transaction holds.

    A deleted row's earlier changes leave the outbox: they hold what must be forgotten.
    """
    gone = [change.row for change in changes if change.value is None]
    for some in chunks(gone):
        await connection.execute(delete(OUTBOX).where(OUTBOX.c.key.in_(some)))
    rows = [
        {
            "topic": change.topic,
            "key": change.row,
            "value": _encoded(change.value),
        }
        for change in changes
    ]
    if rows:
        await connection.execute(insert(OUTBOX), rows)


async def high_water(connection: AsyncConnection) -> int:
    """Every row up to this sequence is published; 0 before the first."""
    return (await connection.scalar(select(PUBLISHED.c.high_water))) or 0


async def last_sequence(connection: AsyncConnection) -> int:
    """The newest row's sequence, published or not, this transaction's own included."""
    waiting = await connection.scalar(select(func.max(OUTBOX.c.sequence)))
    return max(waiting or 0, await high_water(connection))


def record_of(change: ControlChange) -> ControlRecord:
    """The record that the outbox publishes for a change."""
    return ControlRecord(change.topic, None, change.row.encode(), _encoded(change.value))


def _encoded(value: ControlRow | bytes | None) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else encode_row(value)
