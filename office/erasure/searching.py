"""What a request on record needs: read in one transaction, then found with plans and keys."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.selecting import (
    Commanded,
    ConsentRow,
    Demand,
    Life,
    Selected,
    outputs_of,
)
from office.erasure.selecting import select as select_rows
from office.erasure.whereabouts import EpochKeys
from office.registry.erasure_requests import lanes_of, names
from office.registry.links import link_of
from office.registry.told_recipients import agreed_to
from office.store.changes import chunks
from office.store.erasure_tables import ERASE_COMMANDS
from office.store.row_ids import new_row_id
from office.store.tables import CONSENTS, LINKS
from policy.plan.consents import Grantable
from policy.plan.outside_recipients import OutsideRecipient, outside_recipients
from policy.plan.plan import Plan
from telemetry.identity import Pseudonym
from telemetry.topics import RAW
from telemetry.wire.control import LinkInterval
from telemetry.wire.erasure import take_command


class Reach(NamedTuple):
    """What there is to search in."""

    plans: Callable[[], Sequence[Plan]]
    """All versions that ever were in force; blocks."""
    outputs: Collection[str]
    """Those whose topic of commands is there."""


class Wanted(NamedTuple):
    """A request's demand, and what was commanded for it before."""

    demand: Demand
    before: Commanded
    agreed: frozenset[Grantable] = frozenset()
    """To what the person ever agreed; of a withdrawal: what was withdrawn."""
    tells: bool = False
    """Whether recipients outside have to be told of it."""


@dataclass(frozen=True, slots=True)
class Search:
    """What was found."""

    selected: Selected = field(default_factory=Selected)
    """Commands to outputs that can be reached."""
    bounds_ms: Mapping[str, int] = field(default_factory=dict)
    """By topic, how long after it is denied to everybody its last byte may be there."""
    unreachable: tuple[str, ...] = ()
    """Outputs to which something would have to be commanded."""
    outside: tuple[OutsideRecipient, ...] = ()
    """Who outside may have what is meant, and has to be told."""


async def wanted_of(connection: AsyncConnection, row: Row[Any]) -> Wanted:
    """What a request means: its links and consents as they are on record now."""
    purposes = names(row.purposes)
    demand = Demand(
        links=await _links(connection, row),
        consents=await _consents(connection, names(row.consents)),
        purposes=None if purposes is None else frozenset(purposes),
        lanes=lanes_of(row.lanes),
        from_ms=row.from_ms,
        to_ms=row.to_ms,
        withdrawn=row.kind == "withdraw",
    )
    if demand.consents is None:
        agreed = await agreed_to(connection, row.subject)
    else:
        agreed = frozenset(one.to for one in demand.consents)
    before = await _commanded(connection, row.erasure)
    # The end of a period is in the contract of whoever receives; it is no news to them.
    return Wanted(demand, before, agreed, tells=row.kind != "end")


def search(wanted: Wanted, reach: Reach, keys: EpochKeys, replay_ms: int, now_ms: int) -> Search:
    """The commands that are missing, and the bounds of all topics concerned. Blocks."""
    plans = tuple(reach.plans())
    life = Life(now_ms, replay_ms)
    selected = select_rows(wanted.demand, plans, keys, life, new_row_id, wanted.before)
    concerned = {one.output for one in selected.commands} | wanted.before.pseudonyms.keys()
    bounds = dict[str, int]()
    for output in concerned:
        for one in outputs_of(plans, output):
            bounds[one.topic] = max(one.transport.bound_ms, bounds.get(one.topic, 0))
    if wanted.demand.links and wanted.demand.consents is None:
        # What a consent permits is no property of raw data: it ends there as all does.
        bounds[RAW] = max((plan.raw.bound_ms for plan in plans), default=0)
    near = tuple(one for one in selected.commands if one.output in reach.outputs)
    far = {one.output for one in selected.commands} - {one.output for one in near}
    outside: tuple[OutsideRecipient, ...] = ()
    if wanted.tells:
        purposes, on_consent = wanted.demand.purposes, wanted.demand.consents is not None
        outside = outside_recipients(plans, purposes, wanted.agreed, on_consent=on_consent)
    found = Selected(near, selected.unlocatable)
    return Search(found, bounds, tuple(sorted(far)), outside)


async def _links(connection: AsyncConnection, row: Row[Any]) -> list[LinkInterval]:
    if row.subject is None:
        return []
    meant = names(row.links)
    query = select(LINKS).where(LINKS.c.subject == row.subject)
    links = [link_of(found) for found in await connection.execute(query)]
    return [link for link in links if meant is None or link.link in meant]


async def _consents(
    connection: AsyncConnection, meant: Sequence[str] | None
) -> list[ConsentRow] | None:
    if meant is None:
        return None
    found = list[ConsentRow]()
    for some in chunks(meant):
        query = select(CONSENTS).where(CONSENTS.c.consent.in_(some))
        found += [
            ConsentRow(row.consent, Grantable(row.purpose, row.basis, row.recipient, row.notice))
            for row in await connection.execute(query)
        ]
    return found


async def _commanded(connection: AsyncConnection, erasure: str) -> Commanded:
    query = select(ERASE_COMMANDS).where(ERASE_COMMANDS.c.erasure == erasure)
    found: dict[str, set[Pseudonym]] = {}
    for row in await connection.execute(query):
        command = take_command(row.value, row.output)
        if command is not None:
            found.setdefault(row.output, set()).update(map(Pseudonym, command.pseudonyms))
    return Commanded({output: frozenset(some) for output, some in found.items()})
