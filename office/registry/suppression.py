"""That readings are withheld from now on: what a request does before anything is removed.

Every function runs in the caller's transaction.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from office.registry.restrictions import NewRestriction, forget_restriction, restrict
from telemetry.identity import SubjectId
from telemetry.instants import FIRST_MS


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

    ``purposes`` None: for every purpose. A span of one vehicle withholds what the person recorded
    in another meanwhile, if it comes late: a restriction is about a person.
    """
    return [
        await restrict(
            connection,
            NewRestriction(
                subject,
                "erased",
                purpose,
                None,
                FIRST_MS if span.from_ms is None else span.from_ms,
                span.to_ms,
            ),
        )
        for purpose in ((None,) if purposes is None else sorted(purposes))
        for span in spans
    ]


async def lift(connection: AsyncConnection, restrictions: Collection[str]) -> None:
    """Take the rows of these ids back: nothing that they withhold can come any more."""
    for one in restrictions:
        await forget_restriction(connection, one)
