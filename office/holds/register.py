"""The register of legal holds: placed, reviewed, opened and released, by whom and when.

Every function runs in the caller's transaction. A hold that is not reviewed in time is told of, and
stays: only somebody, or the end that was set for it, releases it. Times are milliseconds UTC.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple

import msgspec
from sqlalchemy import Row, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.registry.intervals import asked_interval
from office.registry.persons import require_known
from office.store.hold_tables import HOLD_ENTRIES, HOLDS
from office.store.row_ids import new_row_id
from office.store.tables import DEVICES, LINKS
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import DAY_MS

BASES: Final = {
    "tax_or_company_books": "tax or company books have to be kept",
    "litigation": "a lawsuit, or one to be expected",
    "request_or_complaint": "an open request or complaint",
    "breach_case": "an open breach case",
    "preservation_request": "a request to preserve, by investigators",
    "authority_order": "an order of an authority or a court",
}
"""Why rows may be held; nothing else is a reason."""
REFERENCE_MAX: Final = 200
WHO_MAX: Final = 100
LIVING_MAX: Final = 500
"""Holds that live at once: stores copy for each of them."""
OFFICE_ITSELF: Final = "roadfade office"
"""Who released what had an end."""
What = Literal["placed", "reviewed", "opened", "released", "ended"]


class State(StrEnum):
    """How far a hold is."""

    LIVING = "living"
    RELEASED = "released"
    """Its keys are to be destroyed, and stores to be told."""
    UNREADABLE = "unreadable"
    """Its keys are destroyed; stores are deleting the copies."""
    CLOSED = "closed"
    """Every store says that its copies are deleted."""


class NewHold(NamedTuple):
    """What is to be held: all that is named has to hold of a row."""

    basis: str
    reference: str
    """Where the case is found: a file number, never somebody's name."""
    owner: str
    """Who answers for it."""
    review_ms: int
    subject: SubjectId | None = None
    device: DeviceId | None = None
    purposes: Collection[str] | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    """None: what comes is held, too, until it is released."""
    end_ms: int | None = None
    """It is released by itself then; None: only by somebody."""


class Entry(NamedTuple):
    """Who did what to a hold."""

    what: str
    who: str
    at_ms: int


async def place(
    connection: AsyncConnection, new: NewHold, review_days_max: int, now_ms: int
) -> str:
    """Put a hold on record; its id. OfficeError if it is none that may be.

    It revives nothing: what has expired by the time a store copies is not held.
    """
    await _check(connection, new, now_ms)
    _check_review(new.review_ms, review_days_max, now_ms)
    living = select(func.count()).select_from(HOLDS).where(HOLDS.c.state == State.LIVING)
    if (await connection.scalar(living) or 0) >= LIVING_MAX:
        msg = f"{LIVING_MAX} legal holds live already, as many as stores copy for: release some"
        raise OfficeError(msg)
    hold = new_row_id()
    row = {
        **new._asdict(),
        "purposes": None if new.purposes is None else msgspec.json.encode(sorted(new.purposes)),
        "hold": hold,
        "state": State.LIVING,
        "placed_ms": now_ms,
        "look_ms": 0,
        "unscrubbed": False,
    }
    await connection.execute(insert(HOLDS), row)
    await note(connection, hold, "placed", new.owner, now_ms)
    return hold


async def review(
    connection: AsyncConnection,
    hold: str,
    who: str,
    review_ms: int,
    review_days_max: int,
    now_ms: int,
) -> None:
    """Say that somebody looked whether it is still needed, and when to look next."""
    await living(connection, hold)
    _check_words("who reviewed it", who, WHO_MAX)
    _check_review(review_ms, review_days_max, now_ms)
    one = update(HOLDS).where(HOLDS.c.hold == hold)
    await connection.execute(one.values(review_ms=review_ms))
    await note(connection, hold, "reviewed", who, now_ms)


async def release(connection: AsyncConnection, hold: str, who: str, now_ms: int) -> None:
    """Let it go: its keys are destroyed next, and the copies deleted."""
    await living(connection, hold)
    _check_words("who releases it", who, WHO_MAX)
    await _let_go(connection, hold, "released", who, now_ms)


async def release_ended(connection: AsyncConnection, now_ms: int) -> int:
    """Release those whose end has come; how many."""
    due = (HOLDS.c.state == State.LIVING) & (HOLDS.c.end_ms <= now_ms)
    found = list(await connection.scalars(select(HOLDS.c.hold).where(due)))
    for hold in found:
        await _let_go(connection, hold, "ended", OFFICE_ITSELF, now_ms)
    return len(found)


async def living_holds(connection: AsyncConnection) -> list[str]:
    """Those that are not released."""
    return list(await connection.scalars(select(HOLDS.c.hold).where(HOLDS.c.state == State.LIVING)))


async def living(connection: AsyncConnection, hold: str) -> Row[Any]:
    """A hold that is not released; OfficeError if there is none."""
    row = await one_of(connection, hold)
    if row.state != State.LIVING:
        msg = "that legal hold was released, and what it held cannot be read any more"
        raise OfficeError(msg)
    return row


async def one_of(connection: AsyncConnection, hold: str) -> Row[Any]:
    """A hold on record; OfficeError if there is none."""
    found = (await connection.execute(select(HOLDS).where(HOLDS.c.hold == hold))).one_or_none()
    if found is None:
        msg = "there is no legal hold of that number: list them (roadfade hold list)"
        raise OfficeError(msg)
    return found


async def note(connection: AsyncConnection, hold: str, what: What, who: str, now_ms: int) -> None:
    """Write down who did what."""
    _check_words("who does it", who, WHO_MAX)
    row = {"hold": hold, "what": what, "who": who, "at_ms": now_ms}
    await connection.execute(insert(HOLD_ENTRIES), row)


async def entries(connection: AsyncConnection, hold: str) -> list[Entry]:
    """Who did what, the first first."""
    of_hold = select(HOLD_ENTRIES).where(HOLD_ENTRIES.c.hold == hold)
    ordered = of_hold.order_by(HOLD_ENTRIES.c.number)
    return [Entry(row.what, row.who, row.at_ms) for row in await connection.execute(ordered)]


def purposes_of(row: Row[Any]) -> frozenset[str] | None:
    """The purposes that a hold names; None: every one."""
    if row.purposes is None:
        return None
    return frozenset(msgspec.json.decode(row.purposes, type=list[str]))


async def _let_go(
    connection: AsyncConnection, hold: str, what: What, who: str, now_ms: int
) -> None:
    one = update(HOLDS).where(HOLDS.c.hold == hold)
    await connection.execute(one.values(state=State.RELEASED, released_ms=now_ms))
    await note(connection, hold, what, who, now_ms)


async def _check(connection: AsyncConnection, new: NewHold, now_ms: int) -> None:
    if new.basis not in BASES:
        msg = f"no basis of a legal hold; one of: {', '.join(BASES)}"
        raise OfficeError(msg)
    _check_words("the reference", new.reference, REFERENCE_MAX)
    _check_words("the owner", new.owner, WHO_MAX)
    if new.from_ms is not None:
        asked_interval(new.from_ms, new.to_ms)
    if new.end_ms is not None and new.end_ms <= now_ms:
        msg = "a legal hold ends after it is placed: name a later --end, or none"
        raise OfficeError(msg)
    if new.subject is None and new.device is None:
        msg = "a legal hold is about a person or a vehicle: name one, or both"
        raise OfficeError(msg)
    if new.subject is not None:
        await require_known(connection, new.subject)
    if new.device is not None:
        known = exists().where(DEVICES.c.device == new.device)
        if not await connection.scalar(select(known)):
            msg = "the office knows no device of that id: check the id"
            raise OfficeError(msg)
    if new.device is not None and new.subject is not None:
        both = (LINKS.c.device == new.device) & (LINKS.c.subject == new.subject)
        if not await connection.scalar(select(exists().where(both))):
            msg = "that vehicle's dongle was never linked to that person: check the device id"
            raise OfficeError(msg)


def _check_review(review_ms: int, days_max: int, now_ms: int) -> None:
    if not now_ms < review_ms <= now_ms + days_max * DAY_MS:
        msg = f"a legal hold is reviewed within {days_max} days: name such a --review"
        raise OfficeError(msg)


def _check_words(what: str, words: str, most: int) -> None:
    if not words.strip() or len(words) > most or not words.isprintable():
        msg = f"{what} is one line of 1 to {most} characters"
        raise OfficeError(msg)
