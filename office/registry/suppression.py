"""That readings are withheld from now on: what a request does before anything is removed.

Every function runs in the caller's transaction.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from telemetry.identity import SubjectId


class Withheld(NamedTuple):
    """Readings whose event time lies in ``[from_ms, to_ms)``; None: no bound."""

    from_ms: int | None
    to_ms: int | None


async def suppress(
    connection: AsyncConnection,
    subject: SubjectId,
    purposes: Collection[str] | None,
    spans: Sequence[Withheld],
) -> list[str]:
    """Have workers withhold the subject's readings of these spans as erased; the rows' ids.

    ``purposes`` None: for every purpose. No table of such rows exists here: none is made.
    """
    del connection, subject, purposes, spans
    return []


async def lift(connection: AsyncConnection, restrictions: Collection[str]) -> None:
    """Take the rows of these ids back: nothing leads to the person any more."""
    del connection, restrictions
