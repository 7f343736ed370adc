"""What stores are told of a legal hold: its commands, and that it is released.

Every function runs in the caller's transaction.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.holds.commanding import Wanted
from office.holds.register import State
from office.store.changes import ControlChange, announce
from office.store.hold_tables import HOLD_COMMANDS, HOLDS
from telemetry.topics import erase_topic
from telemetry.wire.hold import HOLD_VERSION, HOLDS_MAX, HoldCommand, encode_hold, hold_key


async def send(
    connection: AsyncConnection, hold: str, wanted: Wanted, commands: Sequence[HoldCommand]
) -> set[str]:
    """Queue commands for publication; the outputs whose stores could not know one more."""
    known = {one.command for one in wanted.before}
    # Those that are released stores count apart: one that never answers crowds out no living one.
    by_output = (
        select(HOLD_COMMANDS.c.output, func.count().label("many"))
        .join(HOLDS, HOLDS.c.hold == HOLD_COMMANDS.c.hold)
        .where(HOLDS.c.state == State.LIVING)
        .group_by(HOLD_COMMANDS.c.output)
    )
    counts = {row.output: row.many for row in await connection.execute(by_output)}
    crowded, changes = set[str](), list[ControlChange]()
    for one in commands:
        topic, value = erase_topic(one.output), encode_hold(one)
        if one.command in known:
            held = update(HOLD_COMMANDS).where(HOLD_COMMANDS.c.command == one.command)
            await connection.execute(held.values(value=value))
        elif counts.get(one.output, 0) >= HOLDS_MAX:
            crowded.add(one.output)
            continue
        else:
            row = {"command": one.command, "hold": hold, "output": one.output}
            await connection.execute(insert(HOLD_COMMANDS), row | {"topic": topic, "value": value})
            counts[one.output] = counts.get(one.output, 0) + 1
        changes.append(ControlChange(topic, hold_key(one.command), value))
    await announce(connection, changes)
    return crowded


async def announce_released(
    connection: AsyncConnection, rows: Sequence[Row[Any]], hold: Row[Any], now_ms: int
) -> None:
    """Put in each command's place one that names nobody and asks for its copies to be deleted."""
    changes = []
    for one in rows:
        released = HoldCommand(
            v=HOLD_VERSION,
            command=one.command,
            output=one.output,
            placed_ms=hold.placed_ms,
            released_ms=hold.released_ms or now_ms,
        )
        value = encode_hold(released)
        held = update(HOLD_COMMANDS).where(HOLD_COMMANDS.c.command == one.command)
        await connection.execute(held.values(value=value))
        changes.append(ControlChange(one.topic, hold_key(one.command), value))
    await announce(connection, changes)
