"""Where erasures and legal holds meet: of which erasures a sealed copy remains, and for whom.

Every function runs in the caller's transaction.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.store.erasure_tables import ERASE_COMMANDS
from office.store.hold_tables import HELD_ERASURES, HOLD_ANSWERS, HOLD_COMMANDS, HOLDS
from telemetry.identity import SubjectId
from telemetry.wire.erasure import EraseCommand, take_command
from telemetry.wire.hold import HoldCommand, take_hold


async def holds_over(connection: AsyncConnection, erasure: str) -> list[str]:
    """The holds that live and may have a copy of what an erasure removed, sorted.

    A copy is there unless every store that answered says that it copied nothing.
    """
    theirs = select(ERASE_COMMANDS).where(ERASE_COMMANDS.c.erasure == erasure)
    erased: dict[str, list[EraseCommand]] = {}
    for row in await connection.execute(theirs):
        command = take_command(row.value, row.output)
        if command is not None:
            erased.setdefault(row.output, []).append(command)
    found = set[str]()
    for row in await connection.execute(
        select(HOLD_COMMANDS).where(HOLD_COMMANDS.c.output.in_(sorted(erased)))
    ):
        hold = take_hold(row.value, row.output)
        if hold is None or not any(_meet(hold, one) for one in erased[row.output]):
            continue
        if await _may_hold(connection, row):
            found.add(row.hold)
    return sorted(found)


async def note_held(connection: AsyncConnection, erasure: str, holds: Iterable[str]) -> None:
    """Remember that sealed copies remain of what was erased."""
    rows = [{"erasure": erasure, "hold": hold} for hold in holds]
    if rows:
        await connection.execute(insert(HELD_ERASURES), rows)


async def held_erasures(connection: AsyncConnection, erasures: Iterable[str]) -> set[str]:
    """Those of the erasures of which a sealed copy remains."""
    some = HELD_ERASURES.c.erasure.in_(sorted(erasures))
    return set(await connection.scalars(select(HELD_ERASURES.c.erasure).where(some)))


async def take_unheld(connection: AsyncConnection, hold: str) -> list[str]:
    """The erasures of which this hold had a copy; they are of nobody's any more."""
    of_hold = HELD_ERASURES.c.hold == hold
    found = list(await connection.scalars(select(HELD_ERASURES.c.erasure).where(of_hold)))
    await connection.execute(delete(HELD_ERASURES).where(of_hold))
    return sorted(found)


async def forget_held(connection: AsyncConnection, subject: SubjectId) -> None:
    """Take a person out of the register of holds; what stores copy under pseudonyms stays.

    The caller scrubs after.
    """
    theirs = update(HOLDS).where(HOLDS.c.subject == subject)
    nobody: Mapping[str, Any] = {"subject": None, "device": None, "unscrubbed": True}
    await connection.execute(theirs.values(nobody))


async def _may_hold(connection: AsyncConnection, command: Row[Any]) -> bool:
    answers = select(HOLD_ANSWERS.c.rows).where(HOLD_ANSWERS.c.command == command.command)
    rows = list(await connection.scalars(answers))
    return not rows or any(rows)


def _meet(hold: HoldCommand, erase: EraseCommand) -> bool:
    """Whether some row may be meant by both."""
    if not set(hold.pseudonyms) & set(erase.pseudonyms):
        return False
    floor_ms = max((*hold.floors_ms.values(), *erase.floors_ms.values()), default=1)
    ends = (hold.to_ms, erase.from_ms), (erase.to_ms, hold.from_ms)
    return not any(
        to_ms is not None and from_ms is not None and to_ms + floor_ms <= from_ms
        for to_ms, from_ms in ends
    )
