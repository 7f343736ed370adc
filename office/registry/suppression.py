"""That readings are withheld from now on: what a request does before anything is removed.

Every function runs in the caller's transaction.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.registry.restrictions import NewRestriction, forget_restriction, restrict
from office.store.tables import RESTRICTIONS
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
) -> None:
    """Have workers withhold the subject's readings of these spans as erased.

    ``purposes`` None: for every purpose. A span of one vehicle withholds what the person recorded
    in another meanwhile, if it comes late: a restriction is about a person.
    """
    named = [None] if purposes is None else sorted(set(purposes))
    await _withhold(connection, subject, [(purpose, None) for purpose in named], spans)


async def suppress_late(
    connection: AsyncConnection,
    subject: SubjectId,
    outputs: Collection[tuple[str, str]],
    spans: Sequence[Withheld],
) -> None:
    """Have workers withhold what of these spans still comes for these purposes and recipients.

    For lives that an event has ended: a reading that was under way for longer than commands of
    erasure live, or whose epoch has no key yet, is refused by no store. Of a whole output: lanes
    whose own period goes on lose what comes so late, too.
    """
    await _withhold(connection, subject, sorted(set(outputs)), spans)


async def _withhold(
    connection: AsyncConnection,
    subject: SubjectId,
    whom: Sequence[tuple[str | None, str | None]],
    spans: Sequence[Withheld],
) -> None:
    for span in spans:
        from_ms = FIRST_MS if span.from_ms is None else span.from_ms
        for purpose, recipient in whom:
            new = NewRestriction(subject, "erased", purpose, recipient, from_ms, span.to_ms)
            await restrict(connection, new)


async def forget_suppressions(connection: AsyncConnection, subject: SubjectId) -> int:
    """Delete whatever keeps the subject's readings back; how many rows. The caller scrubs after.

    For whoever has no link any more: nothing leads to readings of theirs.
    """
    of_subject = select(RESTRICTIONS.c.restriction).where(RESTRICTIONS.c.subject == subject)
    found = list(await connection.scalars(of_subject))
    for restriction in found:
        await forget_restriction(connection, restriction)
    return len(found)
