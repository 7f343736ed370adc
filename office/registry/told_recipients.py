"""Recipients outside who have to be told what a person asked, and who told them.

Every function runs in the caller's transaction. The list says nothing of the person; a request
waits for nobody on it.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.store.changes import chunks
from office.store.erasure_tables import REQUEST_RECIPIENTS
from office.store.tables import CONSENTS
from policy.plan.consents import Grantable
from policy.plan.outside_recipients import OutsideRecipient

BY_CHARS_MAX: Final = 80
NOBODY: Final = (
    "that request has no such recipient to be told: list them (roadfade person notified)"
)
BY: Final = "say in one line of at most 80 characters who told them (--by)"


class ToTell(NamedTuple):
    """A recipient of a request. Instants are milliseconds UTC."""

    request: str
    purpose: str
    recipient: str
    told_ms: int | None
    """None: they have to be told yet."""
    told_by: str | None


async def agreed_to(connection: AsyncConnection, subject: str | None) -> frozenset[Grantable]:
    """To what a person ever agreed, withdrawn or not."""
    query = select(CONSENTS).where(CONSENTS.c.subject == subject)
    return frozenset(
        Grantable(row.purpose, row.basis, row.recipient, row.notice)
        for row in await connection.execute(query)
    )


async def note_recipients(
    connection: AsyncConnection, request: str, some: Iterable[OutsideRecipient], now_ms: int
) -> None:
    """Put on record who has to be told of a request; those on record already stay as they are."""
    known = {(one.purpose, one.recipient) for one in await recipients_of(connection, [request])}
    rows = [
        {"request": request, "noted_ms": now_ms, **one._asdict()}
        for one in dict.fromkeys(some)
        if tuple(one) not in known
    ]
    if rows:
        await connection.execute(insert(REQUEST_RECIPIENTS), rows)


async def recipients_of(connection: AsyncConnection, requests: Collection[str]) -> list[ToTell]:
    """The recipients of these requests, told or not."""
    found = list[ToTell]()
    for some in chunks(sorted(requests)):
        query = select(REQUEST_RECIPIENTS).where(REQUEST_RECIPIENTS.c.request.in_(some))
        found += [_of(row) for row in await connection.execute(query)]
    return sorted(found, key=lambda one: one[:3])


async def all_to_tell(connection: AsyncConnection) -> list[ToTell]:
    """Of all requests, those who have to be told yet; requests of people long forgotten, too."""
    waiting = select(REQUEST_RECIPIENTS).where(REQUEST_RECIPIENTS.c.told_ms.is_(None))
    ordered = waiting.order_by(REQUEST_RECIPIENTS.c.noted_ms, *REQUEST_RECIPIENTS.primary_key)
    return [_of(row) for row in await connection.execute(ordered)]


async def mark_told(
    connection: AsyncConnection, request: str, recipient: str, by: str, now_ms: int
) -> list[ToTell]:
    """A recipient was told, for every purpose; who told them first stays on record.

    OfficeError if the request has no such recipient, or ``by`` is no line.
    """
    if not by.strip() or not by.isprintable() or len(by) > BY_CHARS_MAX:
        raise OfficeError(BY)
    at = (REQUEST_RECIPIENTS.c.request == request) & (REQUEST_RECIPIENTS.c.recipient == recipient)
    yet = update(REQUEST_RECIPIENTS).where(at, REQUEST_RECIPIENTS.c.told_ms.is_(None))
    await connection.execute(yet.values(told_ms=now_ms, told_by=by))
    told = [one for one in await recipients_of(connection, [request]) if one.recipient == recipient]
    if not told:
        raise OfficeError(NOBODY)
    return told


def _of(row: Row[Any]) -> ToTell:
    return ToTell(row.request, row.purpose, row.recipient, row.told_ms, row.told_by)
