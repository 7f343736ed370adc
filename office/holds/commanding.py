"""From a hold to commands that name no person: pseudonyms of every output and epoch, as they come.

In: a hold on record, links, plans, keys. Out: commands as they have to be now. A hold that goes on
meets new epochs, and so new pseudonyms: its command of an output grows until it is full. What a
hold once named it names until it is released, though its links and keys are gone by then.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.selecting import floors, outputs_of
from office.erasure.whereabouts import EpochKeys, whereabouts
from office.holds.register import purposes_of
from office.registry.intervals import Interval
from office.registry.links import link_of
from office.store.hold_tables import HOLD_COMMANDS
from office.store.tables import LINKS
from policy.plan.plan import Plan
from telemetry.identity import Pseudonym, SubjectId
from telemetry.wire.control import LinkInterval
from telemetry.wire.erasure import PSEUDONYMS_MAX
from telemetry.wire.hold import HOLD_VERSION, HoldCommand, take_hold

BEGINNING_MS: Final = 0


class Wanted(NamedTuple):
    """A hold, the links it means, and what was commanded for it."""

    row: Row[Any]
    links: Sequence[LinkInterval]
    before: Sequence[HoldCommand]


@dataclass(frozen=True, slots=True)
class Missing:
    """What stores do not know yet."""

    by_output: Mapping[str, Sequence[Pseudonym]] = field(default_factory=dict)
    """Sorted; of outputs that can be reached."""
    unreached: tuple[str, ...] = ()
    """Outputs to which something would have to be commanded."""


async def wanted_of(connection: AsyncConnection, row: Row[Any]) -> Wanted:
    """A hold as it is on record now."""
    return Wanted(row, await _links(connection, row), await commanded(connection, row.hold))


async def commanded(connection: AsyncConnection, hold: str) -> list[HoldCommand]:
    """The commands of a hold that stores know, by their ids."""
    of_hold = select(HOLD_COMMANDS).where(HOLD_COMMANDS.c.hold == hold)
    rows = (await connection.execute(of_hold.order_by(HOLD_COMMANDS.c.command))).all()
    found = [take_hold(row.value, row.output) for row in rows]
    return [one for one in found if one is not None]


async def about(connection: AsyncConnection, row: Row[Any]) -> frozenset[SubjectId]:
    """Whom a hold is about; nobody once they are forgotten."""
    if row.subject is not None:
        return frozenset({SubjectId(row.subject)})
    if row.device is None:
        return frozenset()
    theirs = select(LINKS.c.subject).where(LINKS.c.device == row.device).distinct()
    return frozenset(map(SubjectId, await connection.scalars(theirs)))


def missing(
    wanted: Wanted,
    plans: Sequence[Plan],
    outputs: Collection[str],
    keys: EpochKeys,
    now_ms: int,
) -> Missing:
    """The pseudonyms that no command names yet. Blocks, as the keyring does."""
    where = whereabouts(wanted.links, plans, keys, now_ms)
    purposes = purposes_of(wanted.row)
    known: dict[str, set[str]] = {}
    for one in wanted.before:
        known.setdefault(one.output, set()).update(one.pseudonyms)
    found, far = dict[str, Sequence[Pseudonym]](), list[str]()
    for output, pseudonyms in sorted(where.by_output.items()):
        serves = {one.purpose for one in outputs_of(plans, output)}
        fresh = sorted(pseudonyms - known.get(output, set()))
        if not fresh or (purposes is not None and not serves & purposes):
            continue
        if output in outputs:
            found[output] = fresh
        else:
            far.append(output)
    return Missing(found, tuple(far))


def grown(
    wanted: Wanted, output: str, fresh: Sequence[Pseudonym], new_id: Callable[[], str]
) -> list[HoldCommand]:
    """The commands of one output that name these, too: the one that has room, then new ones.

    New ones have no key yet: ``with_key`` gives it.
    """
    left = [str(one) for one in fresh]
    found = list[HoldCommand]()
    mine = [one for one in wanted.before if one.output == output]
    for one in mine:
        room = PSEUDONYMS_MAX - len(one.pseudonyms)
        if room > 0 and left:
            found.append(replace(one, pseudonyms=[*one.pseudonyms, *left[:room]]))
            left = left[room:]
    for start in range(0, len(left), PSEUDONYMS_MAX):
        row = wanted.row
        found.append(
            HoldCommand(
                v=HOLD_VERSION,
                command=new_id(),
                output=output,
                pseudonyms=left[start : start + PSEUDONYMS_MAX],
                from_ms=row.from_ms,
                to_ms=row.to_ms,
                placed_ms=row.placed_ms,
            )
        )
    return found


def with_floors(command: HoldCommand, plans: Sequence[Plan], public_key: str) -> HoldCommand:
    """The command as stores take it: with its key, and how long a lane's times stand for."""
    longest = floors(plans, command.output)
    return replace(command, floors_ms=longest or command.floors_ms, public_key=public_key)


async def _links(connection: AsyncConnection, row: Row[Any]) -> list[LinkInterval]:
    """The links of whom or what a hold is about; none once the person is forgotten."""
    if row.subject is None and row.device is None:
        return []
    query = select(LINKS)
    if row.subject is not None:
        query = query.where(LINKS.c.subject == row.subject)
    if row.device is not None:
        query = query.where(LINKS.c.device == row.device)
    links = [link_of(found) for found in await connection.execute(query)]
    if row.subject is not None:
        return links
    # Of a vehicle, who had it at another time is not meant.
    asked = Interval(BEGINNING_MS if row.from_ms is None else row.from_ms, row.to_ms)
    return [link for link in links if asked.overlaps(Interval(link.from_ms, link.to_ms))]
