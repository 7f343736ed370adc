"""What became of a person's requests, for whoever answers them: states, dates, what is awaited."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.on_record import Found, surroundings, those_of
from office.erasure.saga import State, Surroundings, Wait, next_step
from office.erasure.steps import d3_in_words
from office.registry.erasure_requests import ErasureKind, lanes_of, names
from office.registry.held import held_erasures, holds_over
from telemetry.identity import SubjectId


@dataclass(frozen=True, slots=True)
class Overview:
    """One request. Instants are milliseconds UTC; None: it is not so far, or has no bound."""

    erasure: str
    """Its number, which receipts carry."""
    kind: ErasureKind
    reason: str
    state: State
    whole: bool
    """Whether nothing of the person is to stay."""
    asked_ms: int
    from_ms: int | None
    to_ms: int | None
    purposes: tuple[str, ...] | None
    lanes: dict[str, list[str]] | None
    """Which lanes of which outputs are meant; None: all."""
    some_links: bool
    """Whether it is about some of the person's vehicles only."""
    d1_ms: int | None
    """Since then it is denied to everybody."""
    d2_ms: int | None
    """Since then no copy is left here."""
    d3: str | None
    """Since, or from, when no backup holds it; or, in words, why there is no such day."""
    d3_ms: int | None
    """The same as an instant; None: there is none."""
    held: bool
    """Whether a legal hold keeps a sealed copy, or makes one before anything is removed."""
    until_ms: int | None
    """Until then what comes late is refused."""
    copies: dict[str, int]
    """When copies that nobody can rewrite will have ended."""
    needless: bool
    """Whether it was closed before it took effect: another request had asked for all of it."""
    waits_for: Wait | None
    """None: it goes on by itself, or nothing is to be done any more."""
    nonce: bytes | None
    """For the person alone: shows that receipts of this number are theirs."""


async def of_subject(
    connection: AsyncConnection, subject: SubjectId, view_ms: int, now_ms: int
) -> list[Overview]:
    """A person's requests, the first first. Who is forgotten has none: receipts tell of them.

    ``view_ms``: no worker acts on a view that is older.
    """
    found = await those_of(connection, subject)
    around = await surroundings(connection, view_ms, now_ms)
    held = await held_of(connection, found)
    return [told(one, around, held=one.row.erasure in held) for one in found]


async def held_of(connection: AsyncConnection, found: Collection[Found]) -> set[str]:
    """Those of these requests of which a legal hold keeps a sealed copy, or is to make one."""
    held = await held_erasures(connection, [one.row.erasure for one in found])
    for one in found:
        if one.row.d2_ms is None and await holds_over(connection, one.row.erasure):
            held.add(one.row.erasure)
    return held


def told(found: Found, around: Surroundings, *, held: bool) -> Overview:
    """A request as it stands."""
    row, standing = found
    step = next_step(standing, around)
    purposes = names(row.purposes)
    return Overview(
        erasure=row.erasure,
        kind=row.kind,
        reason=row.reason,
        state=standing.state,
        whole=standing.whole,
        asked_ms=row.asked_ms,
        from_ms=row.from_ms,
        to_ms=row.to_ms,
        purposes=None if purposes is None else tuple(purposes),
        lanes=lanes_of(row.lanes),
        some_links=row.links is not None,
        d1_ms=row.d1_ms,
        d2_ms=row.d2_ms,
        d3=None if row.d2_ms is None else d3_in_words(row.d3_ms, held=held),
        d3_ms=None if held else row.d3_ms,
        held=held,
        until_ms=row.until_ms,
        copies=dict(standing.copies),
        needless=_needless(found),
        waits_for=step if isinstance(step, Wait) else None,
        nonce=row.nonce,
    )


def _needless(found: Found) -> bool:
    """As ``close_waiting`` leaves it. Commands that outlived their request have no D1 either."""
    row, standing = found
    closed = standing.state is State.CLOSED
    return closed and row.kind == "withdraw" and row.d1_ms is None
