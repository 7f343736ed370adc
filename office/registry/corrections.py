"""Whose readings are, corrected for an interval: links are cut, and what was kept goes.

Every function runs in the caller's transaction. A row is never moved from one pseudonym to another,
since raw data has ended: what was kept under the wrong person is removed by a request of erasure
for the interval, and what comes from now on is the right person's, or nobody's.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.registry.erasure_requests import CLOSED, Asked, NewErasure, ask, names
from office.registry.intervals import Interval, asked_interval
from office.registry.links import NewLink, add_links, link_of, link_row
from office.registry.persons import refuse_forgotten, require_known
from office.store.changes import ControlChange, announce
from office.store.erasure_tables import ERASURES
from office.store.row_ids import new_row_id
from office.store.tables import LINKS
from telemetry.identity import DeviceId, SubjectId
from telemetry.topics import CONTROL_LINKS
from telemetry.wire.control import LinkInterval, Role

SAME: Final = "the readings of that time are that person's already: name somebody else, or nobody"
NOT_LINKED: Final = (
    "that vehicle's dongle was not linked to that person at any time of the interval: check the "
    "device id and the instants (roadfade link list --subject)"
)
NOT_ON_RECORD: Final = (
    "what that correction took from the person's links is not on record, so it cannot be given to "
    "anybody: link the vehicle to whoever had it from then on (roadfade register --from), and end "
    "that link (roadfade unregister --at)"
)


class Correction(NamedTuple):
    """In ``[from_ms, to_ms)`` the dongle's readings are not ``subject``'s; None: for good."""

    subject: SubjectId
    device: DeviceId
    from_ms: int
    to_ms: int | None
    whose: SubjectId | None
    """None: nobody's, so that what comes late is withheld."""
    reason: str
    """One word, as of a request of erasure."""
    role: Role | None = None
    """What ``whose`` is to the vehicle."""


class Corrected(NamedTuple):
    """What was done: the request that removes what was kept, and the row ids of links."""

    asked: Asked
    cut: list[str]
    """Links of the person that are shorter now."""
    parted: list[str]
    """Links that came to be because one was cut in two; the person's, under the same secret."""
    given: list[str]
    """Links of whoever had the vehicle; each has a secret of its own."""


async def correct(connection: AsyncConnection, one: Correction, now_ms: int) -> Corrected:
    """Cut, give, and have removed what was kept. Asked again: the same request.

    OfficeError if the person had no such link then, somebody named is about to be forgotten, or
    the interval is empty.
    """
    span = asked_interval(one.from_ms, one.to_ms)
    if one.whose == one.subject:
        raise OfficeError(SAME)
    await require_known(connection, one.subject)
    theirs = await _links(connection, one, one.subject)
    meant = [link for link in theirs if span.overlaps(_span(link))]
    if not meant:
        asked, taken = await _asked_before(connection, one, theirs)
        return Corrected(asked, [], [], await _given_since(connection, one, taken))
    await refuse_forgotten(connection, {one.subject})
    parted, concerned = list[str](), list[str]()
    for link in meant:
        fresh = await _cut(connection, link, span)
        concerned.append(link.link)
        if fresh is not None:
            parted.append(fresh)
            concerned.append(fresh)
            await _widen_requests(connection, link, fresh)
    given = list[str]()
    if one.whose is not None:
        wanted = [_given(link, span, one.whose, one.role) for link in meant]
        given = await add_links(connection, wanted, correcting=True)
    new = NewErasure("correction", one.subject, one.reason, one.from_ms, one.to_ms, links=concerned)
    asked = await ask(connection, new, now_ms)
    await _note_taken(connection, asked, [within(_span(link), span) for link in meant])
    return Corrected(asked, [link.link for link in meant], parted, given)


def pieces(link: Interval, span: Interval) -> tuple[Interval, Interval | None]:
    """What is left of a link without the span: before it (it may be empty), and after it. Pure."""
    before = Interval(link.from_ms, max(link.from_ms, span.from_ms))
    if span.to_ms is None or (link.to_ms is not None and link.to_ms <= span.to_ms):
        return before, None
    return before, Interval(max(span.to_ms, link.from_ms), link.to_ms)


def within(link: Interval, span: Interval) -> Interval:
    """What a link and a span that overlap have in common. Pure."""
    ends = [end for end in (link.to_ms, span.to_ms) if end is not None]
    return Interval(max(link.from_ms, span.from_ms), min(ends, default=None))


async def _cut(connection: AsyncConnection, link: LinkInterval, span: Interval) -> str | None:
    """Take the span out of a link; the row id of the part before it, if there is one after it.

    The row that exists becomes the later part, so that no worker sees the vehicle unlinked between
    two rows. Both have one secret: what was kept after the span is still found. The earlier part
    may hold nothing; from its beginning on epochs are looked through.
    """
    before, after = pieces(_span(link), span)
    if after is None:
        await _put(connection, msgspec.structs.replace(link, to_ms=before.to_ms))
        return None
    earlier = msgspec.structs.replace(link, link=new_row_id(), to_ms=before.to_ms)
    # What was seen to have ended was so as a whole: the part before ended no later.
    of = select(LINKS.c.seen_ended_ms).where(LINKS.c.link == link.link)
    seen = {"seen_ended_ms": await connection.scalar(of)}
    await connection.execute(insert(LINKS), link_row(earlier) | seen)
    await announce(connection, [ControlChange(CONTROL_LINKS, earlier.link, earlier)])
    await _put(connection, msgspec.structs.replace(link, from_ms=after.from_ms))
    return earlier.link


async def _put(connection: AsyncConnection, link: LinkInterval) -> None:
    at = LINKS.c.link == link.link
    values = {"from_ms": link.from_ms, "to_ms": link.to_ms}
    await connection.execute(update(LINKS).where(at).values(values))
    await announce(connection, [ControlChange(CONTROL_LINKS, link.link, link)])


async def _widen_requests(connection: AsyncConnection, link: LinkInterval, earlier: str) -> None:
    """A request that names a link means what became of it, too."""
    open_ones = (ERASURES.c.subject == link.subject) & (ERASURES.c.state != CLOSED)
    query = select(ERASURES.c.erasure, ERASURES.c.links).where(open_ones)
    for row in (await connection.execute(query)).all():
        meant = names(row.links)
        if meant is not None and link.link in meant:
            widened = msgspec.json.encode(sorted({*meant, earlier}))
            at = ERASURES.c.erasure == row.erasure
            await connection.execute(update(ERASURES).where(at).values(links=widened))


async def _note_taken(connection: AsyncConnection, asked: Asked, some: list[Interval]) -> None:
    """What may be given to whoever is named later, and no more: what the person had."""
    at = ERASURES.c.erasure == asked.erasure
    known = await connection.scalar(select(ERASURES.c.taken).where(at))
    taken = msgspec.json.encode([*_taken(known), *some])
    await connection.execute(update(ERASURES).where(at).values(taken=taken))


def _taken(encoded: bytes | None) -> list[Interval]:
    return [] if encoded is None else msgspec.json.decode(encoded, type=list[Interval])


async def _asked_before(
    connection: AsyncConnection, one: Correction, theirs: Sequence[LinkInterval]
) -> tuple[Asked, list[Interval]]:
    """The same correction, asked before, and what it took; OfficeError if there is none."""
    equal = (
        (ERASURES.c.subject == one.subject)
        & (ERASURES.c.kind == "correction")
        & (ERASURES.c.from_ms == one.from_ms)
        & ERASURES.c.to_ms.is_not_distinct_from(one.to_ms)
    )
    known = {link.link for link in theirs}
    found = await connection.execute(select(ERASURES).where(equal).order_by(ERASURES.c.asked_ms))
    rows = [row for row in found if known & set(names(row.links) or ())]
    if not rows:
        raise OfficeError(NOT_LINKED)
    taken = [span for row in rows for span in _taken(row.taken)]
    return Asked(rows[0].erasure, rows[0].nonce), taken


async def _given_since(
    connection: AsyncConnection, one: Correction, taken: Sequence[Interval]
) -> list[str]:
    """Whose it is: known since, as it is now, or given now. Nobody else may have the interval.

    Of each span that was taken from the person, and never more than was: what they did not have
    nobody said anything about.
    """
    if one.whose is None:
        return []
    if not taken:
        raise OfficeError(NOT_ON_RECORD)
    theirs, given = await _links(connection, one, one.whose), list[str]()
    for span in dict.fromkeys(taken):
        there = [link.link for link in theirs if span.overlaps(_span(link))]
        new = NewLink(one.device, one.whose, *span, one.role)
        given += there or await add_links(connection, [new], correcting=True)
    return list(dict.fromkeys(given))


async def _links(connection: AsyncConnection, one: Correction, of: SubjectId) -> list[LinkInterval]:
    theirs = (LINKS.c.device == one.device) & (LINKS.c.subject == of)
    query = select(LINKS).where(theirs).order_by(LINKS.c.from_ms, LINKS.c.link)
    return [link_of(row) for row in await connection.execute(query)]


def _given(link: LinkInterval, span: Interval, whose: SubjectId, role: Role | None) -> NewLink:
    return NewLink(link.device, whose, *within(_span(link), span), role)


def _span(link: LinkInterval) -> Interval:
    return Interval(link.from_ms, link.to_ms)
