"""What stores answered: kept by command and store, and which stores there are.

In: answers and hellos in the order of their topic, from its beginning again and again. Out: the
same rows, once it is read to its end.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from sqlalchemy import Row, delete, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.saga import BEFORE_ERASED
from office.store.erasure_tables import ERASE_ANSWERS, ERASE_COMMANDS, ERASE_STORES, ERASURES
from telemetry.instants import DAY_MS
from telemetry.wire.erasure import EraseAnswer
from telemetry.wire.hold import HoldAnswer
from telemetry.wire.store_hello import StoreHello

_A = TypeVar("_A", EraseAnswer, HoldAnswer, StoreHello)
STORES_MAX: Final = 1_000
"""Stores and their outputs that are remembered, but for retired ones; an answer of one more is not
taken. So many of those are remembered by their name alone."""
EVERY_OUTPUT: Final = "*"
"""In place of an output: a store for which there was no room. Requests of all outputs wait."""
UNNAMED: Final = "unnamed"
"""In place of a store's name: there was no room for that, either."""
RETIRED_KEPT_MS: Final = 30 * DAY_MS
"""So long a retired store is remembered: much longer than what it said lies on the topic."""


class Answer(Protocol):
    """What any answer of a store says of it."""

    @property
    def store(self) -> str:
        """Its name."""
        ...

    @property
    def output(self) -> str:
        """Of which it keeps rows."""
        ...


class Said(NamedTuple):
    """That a store keeps rows of an output, as it said at an instant, milliseconds UTC."""

    store: str
    output: str
    at_ms: int


class ListedStore(NamedTuple):
    """Who keeps rows of an output. Instants are milliseconds UTC."""

    store: str
    output: str
    since_ms: int
    """When its first hello or answer was written to its topic."""
    retired_ms: int | None


async def take_answers(
    connection: AsyncConnection,
    answers: Sequence[EraseAnswer],
    heard_ms: Sequence[int] | None = None,
) -> int:
    """Keep them; how many were not taken: of another output than their command, or one too many.

    A store is known from its first hello or answer on, to whatever command. ``heard_ms``: when each
    was written to its topic, milliseconds UTC; None: as the stores' own clocks say. A store that is
    retired stays so if what it said is read again, though its clock was ahead.
    """
    refused = 0
    for answer, at_ms in with_instants(answers, heard_ms):
        output = await connection.scalar(
            select(ERASE_COMMANDS.c.output).where(ERASE_COMMANDS.c.command == answer.command)
        )
        if output not in (None, answer.output) or not await register(connection, answer, at_ms):
            refused += 1
        elif output is not None:
            await _keep(connection, answer)
    return refused


def with_instants(said: Sequence[_A], heard_ms: Sequence[int] | None) -> Iterable[tuple[_A, int]]:
    """Each with when it was said: see ``take_answers``."""
    return zip(said, [one.at_ms for one in said] if heard_ms is None else heard_ms, strict=True)


async def take_hellos(
    connection: AsyncConnection,
    hellos: Sequence[StoreHello],
    heard_ms: Sequence[int] | None = None,
) -> int:
    """Know the stores that said they are there; how many were not taken: there are too many.

    From then on each request waits for them whose commands live, or come; every request for one
    that was not taken, until there is room as it says so again, or it is retired. ``heard_ms``: see
    ``take_answers``.
    """
    refused = 0
    for one, at_ms in with_instants(hellos, heard_ms):
        outputs = [Said(one.store, output, at_ms) for output in one.outputs]
        known = [await register(connection, each, at_ms) for each in outputs]
        refused += not all(known)
        if all(known):
            of_name = (ERASE_STORES.c.store == one.store) & (ERASE_STORES.c.output == EVERY_OUTPUT)
            await connection.execute(delete(ERASE_STORES).where(of_name))
    return refused


async def register(connection: AsyncConnection, answer: Answer, at_ms: int) -> bool:
    """Know the store that answered, or said hello; False if there would be too many.

    Such a one is known by its name, if it was not retired since it spoke.
    """
    said = Said(answer.store, answer.output, at_ms)
    if await _know(connection, said):
        return True
    nameless = said._replace(output=EVERY_OUTPUT)
    if not await _know(connection, nameless):
        await _know(connection, nameless._replace(store=UNNAMED))
    return False


async def _know(connection: AsyncConnection, said: Said) -> bool:
    at = (ERASE_STORES.c.store == said.store) & (ERASE_STORES.c.output == said.output)
    known = (await connection.execute(select(ERASE_STORES).where(at))).one_or_none()
    revived = known is not None and known.retired_ms is not None and known.retired_ms < said.at_ms
    if known is not None and not revived:
        return True
    if said.store != UNNAMED and await _living(connection, said.output) >= STORES_MAX:
        return False
    if revived:
        await connection.execute(update(ERASE_STORES).where(at).values(retired_ms=None))
    else:
        row = {"store": said.store, "output": said.output, "since_ms": said.at_ms}
        await connection.execute(insert(ERASE_STORES), row)
    return True


async def _living(connection: AsyncConnection, output: str) -> int:
    """How many rows there are, but for retired ones; those of stores known by name alone apart."""
    every = ERASE_STORES.c.output == EVERY_OUTPUT
    alike = every if output == EVERY_OUTPUT else ~every
    counted = select(func.count()).where(ERASE_STORES.c.retired_ms.is_(None), alike)
    return await connection.scalar(counted) or 0


async def known_stores(connection: AsyncConnection) -> dict[str, frozenset[str]]:
    """By output that a store ever spoke for, those of its stores that were not retired.

    A store for which there was no room may keep rows of any.
    """
    found: dict[str, set[str]] = {}
    for row in await connection.execute(select(ERASE_STORES)):
        kept = found.setdefault(row.output, set())
        if row.retired_ms is None:
            kept.add(row.store)
    unplaced = found.pop(EVERY_OUTPUT, set())
    return {output: frozenset(stores | unplaced) for output, stores in found.items()}


async def listed_stores(connection: AsyncConnection) -> list[ListedStore]:
    """Every store and output, retired ones included."""
    ordered = select(ERASE_STORES).order_by(ERASE_STORES.c.store, ERASE_STORES.c.output)
    return [
        ListedStore(row.store, row.output, row.since_ms, row.retired_ms)
        for row in await connection.execute(ordered)
    ]


async def retire_store(connection: AsyncConnection, store: str, now_ms: int) -> bool:
    """Wait for a store no more: it is gone, with all it held. False if it is not known.

    What it says later makes it known again. Those that were retired long ago are forgotten, unless
    no other is known of an output: then nobody would know that none is to be awaited there.
    """
    of_store = update(ERASE_STORES).where(ERASE_STORES.c.store == store)
    retired = (await connection.execute(of_store.values(retired_ms=now_ms))).rowcount > 0
    other = ERASE_STORES.alias()
    another = exists().where(
        other.c.output == ERASE_STORES.c.output,
        other.c.retired_ms.is_(None) | (other.c.retired_ms >= now_ms - RETIRED_KEPT_MS),
    )
    long_ago = ERASE_STORES.c.retired_ms < now_ms - RETIRED_KEPT_MS
    needless = another | (ERASE_STORES.c.output == EVERY_OUTPUT)
    await connection.execute(delete(ERASE_STORES).where(long_ago, needless))
    return retired


def stays(held: Row[Any], new: EraseAnswer) -> bool:
    """Whether the answer on record stays: it tells of the removal itself.

    A store that is asked again, as after a restart, finds nothing and removes nothing. Else the
    later one on the topic counts, whatever the store's clock said: one that was ahead for a while
    would have had the last word.
    """
    done = held.located_after == 0 and held.unreadable == 0
    return bool(done and new.done)


async def _keep(connection: AsyncConnection, new: EraseAnswer) -> None:
    at = (ERASE_ANSWERS.c.command == new.command) & (ERASE_ANSWERS.c.store == new.store)
    held = (await connection.execute(select(ERASE_ANSWERS).where(at))).one_or_none()
    if held is not None and stays(held, new):
        return
    await connection.execute(delete(ERASE_ANSWERS).where(at))
    of_command = select(ERASURES.c.state).join(
        ERASE_COMMANDS, ERASE_COMMANDS.c.erasure == ERASURES.c.erasure
    )
    state = await connection.scalar(of_command.where(ERASE_COMMANDS.c.command == new.command))
    row = {
        "command": new.command,
        "store": new.store,
        "located_before": new.located_before,
        "located_after": new.located_after,
        "unreadable": new.unreadable,
        "digest": new.digest,
        "at_ms": new.at_ms,
        # One that is read again has its receipt already, or is to have one.
        "late": state not in BEFORE_ERASED if held is None else held.late,
    }
    await connection.execute(insert(ERASE_ANSWERS), row)
