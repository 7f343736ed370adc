"""What stores answered to legal holds: how much is copied, since when all is, and what is deleted.

In: answers in the order of their topic, from its beginning again and again. Out: the same rows,
once it is read to its end. Every function runs in the caller's transaction.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.answers import known_stores, register, with_instants
from office.store.hold_tables import HOLD_ANSWERS, HOLD_COMMANDS
from telemetry.wire.hold import HoldAnswer


async def take_hold_answers(
    connection: AsyncConnection,
    answers: Sequence[HoldAnswer],
    heard_ms: Sequence[int] | None = None,
) -> int:
    """Keep them; how many were not taken: of another output than their command, or one too many.

    ``heard_ms``: as ``take_answers`` of erasures has it.
    """
    refused = 0
    for answer, at_ms in with_instants(answers, heard_ms):
        output = await connection.scalar(
            select(HOLD_COMMANDS.c.output).where(HOLD_COMMANDS.c.command == answer.command)
        )
        if output not in (None, answer.output) or not await register(connection, answer, at_ms):
            refused += 1
        elif output is not None:
            await _keep(connection, answer)
    return refused


async def unreleased(
    connection: AsyncConnection, command: str, output: str, over: Collection[str] = ()
) -> bool:
    """Whether some store may still have copies of a command that is released.

    ``over``: outputs of which no store that is unknown can come any more.
    """
    of_command = select(HOLD_ANSWERS).where(HOLD_ANSWERS.c.command == command)
    rows = (await connection.execute(of_command)).all()
    done = {row.store for row in rows if row.released}
    # A store that is retired is no more, with all it held; one of which nobody knows may come yet.
    expected = (await known_stores(connection)).get(output)
    return output not in over if expected is None else bool(expected - done)


async def _keep(connection: AsyncConnection, new: HoldAnswer) -> None:
    at = (HOLD_ANSWERS.c.command == new.command) & (HOLD_ANSWERS.c.store == new.store)
    held = (await connection.execute(select(HOLD_ANSWERS).where(at))).one_or_none()
    facts = {
        "rows": new.rows,
        "unreadable": new.unreadable,
        "complete": new.complete,
        "released": new.released,
        "at_ms": new.at_ms,
    }
    since_ms = new.at_ms if new.complete and not new.unreadable and not new.released else None
    if held is None:
        row = {"command": new.command, "store": new.store, "since_ms": since_ms, **facts}
        await connection.execute(insert(HOLD_ANSWERS), row)
    else:
        if held.since_ms is not None:
            since_ms = held.since_ms
        await connection.execute(update(HOLD_ANSWERS).where(at).values(since_ms=since_ms, **facts))
