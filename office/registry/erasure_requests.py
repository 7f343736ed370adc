"""What people asked to have removed: recorded together with what withholds it from then on.

Every function runs in the caller's transaction. A request that is asked again while it is open,
with the same facts, is the same request.
"""

import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.registry.intervals import asked_interval
from office.registry.persons import require_known
from office.registry.suppression import Withheld, suppress
from office.store.changes import last_sequence
from office.store.erasure_tables import ERASURES, PARTS
from office.store.row_ids import NONCE_BYTES, new_row_id
from office.store.tables import CONSENTS, LINKS
from telemetry.identity import SubjectId
from telemetry.instants import HOUR_MS

ErasureKind = Literal["erase", "withdraw", "end", "correction"]
"""A person asked; a consent was withdrawn; an event ended lives; it was another's all along."""
ANSWER_MS_MAX: Final = HOUR_MS
"""A store that lives answers within this; a request that waits longer is overdue."""
CLOSED: Final = "closed"
FIRST: Final = "asked"
_REASON: Final = re.compile(r"[a-z0-9_]{1,60}")


class NewErasure(NamedTuple):
    """What is to be removed: all that is named has to hold of a row. Milliseconds UTC."""

    kind: ErasureKind
    subject: SubjectId
    reason: str
    """A word such as ``asked`` or ``contract_end``; never a sentence, which may name somebody."""
    from_ms: int | None = None
    to_ms: int | None = None
    """None: whatever was recorded until it is asked, and for a whole person, whatever comes."""
    links: Collection[str] | None = None
    """Row ids; None: all that the subject has."""
    purposes: Collection[str] | None = None
    lanes: Mapping[str, Collection[str]] | None = None
    """By output; outputs that are not named are not meant. None: every lane of every output."""
    consents: Collection[str] | None = None
    """Row ids: what rests on one of these. None: whatever it rests on."""
    begins_ms: int | None = None
    """Of a withdrawal: when it takes effect, if that is not ``from_ms``; nothing goes before."""

    @property
    def whole(self) -> bool:
        """Whether nothing of the person is to stay, the registry's own rows included."""
        return self.kind == "erase" and all(getattr(self, part) is None for part in PARTS)


class Asked(NamedTuple):
    """A request on record."""

    erasure: str
    """Its number: random, and public."""
    nonce: bytes | None
    """For the person alone: shows that receipts of this number are theirs."""

    def __repr__(self) -> str:
        return f"Asked({self.erasure})"


async def ask(connection: AsyncConnection, new: NewErasure, now_ms: int) -> Asked:
    """Record a request, and withhold what it names from now on.

    OfficeError if nobody has that id, a link is not theirs, or the interval is empty.
    """
    if not _REASON.fullmatch(new.reason):
        msg = "a reason is one word of small letters, digits and _"
        raise OfficeError(msg)
    links = await _links_of(connection, new)
    if new.kind == "erase" and not new.whole and new.to_ms is None:
        # What is recorded later was not asked about: stores would refuse it for weeks.
        new = new._replace(to_ms=now_ms)
    if new.from_ms is not None:
        asked_interval(new.from_ms, new.to_ms)
    same = await _open_as(connection, new)
    if same is not None:
        return Asked(same.erasure, same.nonce)
    if new.kind == "erase":
        await suppress(connection, new.subject, new.purposes, _spans(new, links))
    asked = Asked(new_row_id(), secrets.token_bytes(NONCE_BYTES))
    row = {
        **_facts(new),
        "erasure": asked.erasure,
        "nonce": asked.nonce,
        "reason": new.reason,
        "state": FIRST,
        "asked_ms": now_ms,
        "due_ms": _effective_ms(new, now_ms) + ANSWER_MS_MAX,
        "sequence": await last_sequence(connection),
        "look_ms": 0,
        "unscrubbed": False,
    }
    await connection.execute(insert(ERASURES), row)
    return asked


async def ask_as_withdrawn(
    connection: AsyncConnection,
    subject: SubjectId,
    purpose: str,
    consents: Collection[str],
    from_ms: int | None,
    now_ms: int,
    begins_ms: int | None = None,
) -> Asked | None:
    """A request for what rests on withdrawn consents and is of ``from_ms`` or later; None: of all.

    ``begins_ms``: when they end, if that is still to come; until then rows may rest on them. None
    if earlier requests of that kind ask for all of it, and no later.
    """
    begins_ms = now_ms if begins_ms is None else max(begins_ms, now_ms)
    of_subject = (ERASURES.c.subject == subject) & (ERASURES.c.kind == "withdraw")
    ends = await _ends(connection, consents)
    covered, needless = set[str](), list[str]()
    for row in await connection.execute(select(ERASURES).where(of_subject)):
        theirs = set(names(row.consents) or ())
        more = row.from_ms is None or (from_ms is not None and row.from_ms <= from_ms)
        its_ms = _begins_ms(row)
        if more and its_ms <= begins_ms:
            covered |= theirs
        if more and (its_ms <= begins_ms or from_ms is not None):
            continue
        # What is erased before an end that is to come is not all that will rest on it.
        latest_ms = begins_ms if from_ms is None else its_ms - 1
        if all(one in ends and ends[one] <= latest_ms for one in theirs):
            needless.append(row.erasure)
    await close_waiting(connection, ERASURES.c.erasure.in_(needless), now_ms)
    left = set(consents) - covered
    if not left:
        return None
    new = NewErasure(
        "withdraw",
        subject,
        "withdrawn",
        from_ms,
        purposes=[purpose],
        consents=sorted(left),
        begins_ms=begins_ms if from_ms is None and begins_ms > now_ms else None,
    )
    return await ask(connection, new, now_ms)


async def erased_as_withdrawn(
    connection: AsyncConnection, consents: Collection[str]
) -> dict[str, int]:
    """From when on all is to go that rests on these consents; those of which not all is absent."""
    whose = select(CONSENTS.c.subject).where(CONSENTS.c.consent.in_(consents))
    asked = (ERASURES.c.kind == "withdraw") & ERASURES.c.from_ms.is_(None)
    query = select(ERASURES).where(asked, ERASURES.c.subject.in_(whose))
    found: dict[str, int] = {}
    for row in await connection.execute(query):
        at_ms = row.asked_ms if row.begins_ms is None else row.begins_ms
        for one in set(names(row.consents) or ()).intersection(consents):
            found[one] = min(at_ms, found.get(one, at_ms))
    return found


def takes_effect_later(now_ms: int) -> ColumnElement[bool]:
    """Whether a row is a withdrawal that takes effect after ``now_ms``; never NULL."""
    begins_ms = func.coalesce(ERASURES.c.begins_ms, ERASURES.c.from_ms, 0)
    return (ERASURES.c.kind == "withdraw") & (begins_ms > now_ms)


async def close_waiting(
    connection: AsyncConnection, which: ColumnElement[bool], now_ms: int
) -> None:
    """Close withdrawals that were to take effect later, and for which nothing is left to do.

    Nothing was commanded for them, so there is nothing to take back.
    """
    waiting = (ERASURES.c.state == FIRST) & takes_effect_later(now_ms)
    await connection.execute(update(ERASURES).where(waiting, which).values(state=CLOSED))


async def forget_in_requests(connection: AsyncConnection, subject: SubjectId, now_ms: int) -> None:
    """Take a person out of all their requests; the caller scrubs after.

    Nothing is left for a withdrawal that was to take effect later: it is closed.
    """
    theirs = ERASURES.c.subject == subject
    await close_waiting(connection, theirs, now_ms)
    nobody = dict.fromkeys(("subject", "nonce", "links", "consents", "taken"))
    await connection.execute(update(ERASURES).where(theirs).values(nobody | {"unscrubbed": True}))


def _effective_ms(new: NewErasure, now_ms: int) -> int:
    """From when it is carried out: a withdrawal, from when it takes effect."""
    return max(now_ms, new.begins_ms or new.from_ms or 0) if new.kind == "withdraw" else now_ms


def _begins_ms(row: Row[Any]) -> int:
    """From when a recorded withdrawal is carried out; 0: at once."""
    return row.begins_ms or row.from_ms or 0


def names(encoded: bytes | None) -> list[str] | None:
    """A column of names, as ``_facts`` wrote it."""
    return None if encoded is None else msgspec.json.decode(encoded, type=list[str])


def lanes_of(encoded: bytes | None) -> dict[str, list[str]] | None:
    """The column of lanes, by output."""
    return None if encoded is None else msgspec.json.decode(encoded, type=dict[str, list[str]])


async def _ends(connection: AsyncConnection, consents: Collection[str]) -> dict[str, int]:
    """When each of these consents ended or is to end; those without an end are absent."""
    ended = CONSENTS.c.consent.in_(consents) & CONSENTS.c.to_ms.is_not(None)
    query = select(CONSENTS.c.consent, CONSENTS.c.to_ms).where(ended)
    return {row.consent: row.to_ms for row in await connection.execute(query)}


async def _links_of(connection: AsyncConnection, new: NewErasure) -> Sequence[Row[Any]]:
    """The links that are meant; OfficeError if nobody has that id, or one is not theirs."""
    of_subject = select(LINKS).where(LINKS.c.subject == new.subject)
    links = (await connection.execute(of_subject)).all()
    if not links:
        await require_known(connection, new.subject)
    if new.links is None:
        return links
    meant = [link for link in links if link.link in new.links]
    if len(meant) != len(set(new.links)):
        msg = "one of these links is not that person's: list theirs (roadfade link list --subject)"
        raise OfficeError(msg)
    return meant


def _spans(new: NewErasure, links: Iterable[Row[Any]]) -> list[Withheld]:
    """When readings lie that are withheld; of one vehicle: while it was the person's."""
    if new.links is None:
        return [Withheld(new.from_ms, new.to_ms)]
    found = []
    for link in links:
        from_ms = max(link.from_ms, new.from_ms or link.from_ms)
        ends = [end for end in (link.to_ms, new.to_ms) if end is not None]
        if not ends or from_ms < min(ends):
            found.append(Withheld(from_ms, min(ends, default=None)))
    return found


async def _open_as(connection: AsyncConnection, new: NewErasure) -> Row[Any] | None:
    facts = _facts(new)
    equal = [ERASURES.c[name].is_not_distinct_from(value) for name, value in facts.items()]
    query = select(ERASURES).where(ERASURES.c.state != CLOSED, *equal).limit(1)
    return (await connection.execute(query)).one_or_none()


def _facts(new: NewErasure) -> dict[str, Any]:
    """What makes a request the same one, as columns."""
    lanes = None if new.lanes is None else {o: sorted(set(n)) for o, n in new.lanes.items()}
    return {
        "kind": new.kind,
        "subject": new.subject,
        "from_ms": new.from_ms,
        "to_ms": new.to_ms,
        "begins_ms": new.begins_ms,
        "links": _encoded(new.links),
        "consents": _encoded(new.consents),
        "purposes": _encoded(new.purposes),
        "lanes": None if lanes is None else msgspec.json.encode(lanes, order="sorted"),
    }


def _encoded(some: Collection[str] | None) -> bytes | None:
    return None if some is None else msgspec.json.encode(sorted(set(some)))
