"""Commands of erasure and versions of the policy that a restored office lacks: they live on.

In: the database, the memory. Out: what is to be removed from a lake, and what is told again.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.erasure.saga import State
from office.replay_memory.known import Known
from office.restored.amended import Amended, Since
from office.store.changes import ControlChange, announce, last_sequence
from office.store.database import Database
from office.store.erasure_tables import ERASE_COMMANDS, ERASURES
from office.store.row_ids import new_row_id
from office.store.tables import POLICIES
from telemetry.topics import CONTROL_POLICIES, erase_topic
from telemetry.wire.erasure import EraseCommand, take_command
from telemetry.wire.publication import decode_publication

RESTORED: Final = "restored"
"""The reason of the request under which remembered commands go on living."""


async def living_commands(database: Database, now_ms: int) -> list[EraseCommand]:
    """What is to be removed from every store, and refused there."""
    return [one for one in await _on_record(database) if one.until_ms > now_ms]


async def every_command(database: Database, known: Known) -> list[EraseCommand]:
    """What is to be removed from a restored lake: what is on record or remembered, living or not.

    A command that lives no more was carried out on the lake that was lost.
    """
    found = [*await _on_record(database), *(command for command, _ in _commands(known))]
    return list({one.command: one for one in found}.values())


async def _on_record(database: Database) -> list[EraseCommand]:
    async with database.reading() as connection:
        rows = (await connection.execute(select(ERASE_COMMANDS))).all()
    found = [take_command(row.value, row.output) for row in rows]
    return [one for one in found if one is not None]


async def command_again(
    connection: AsyncConnection, known: Known, since: Since, done: Amended
) -> None:
    """Have remembered commands live on: under one request, which takes them back in its time."""
    there = set(await connection.scalars(select(ERASE_COMMANDS.c.command)))
    fresh = [one for one in _commands(known) if one[0].command not in there]
    fresh = [one for one in fresh if one[0].until_ms > since.now_ms]
    if not fresh:
        return
    until_ms = max(command.until_ms for command, _ in fresh)
    erasure = await take_over(connection, until_ms, since.now_ms)
    for command, value in fresh:
        topic = erase_topic(command.output)
        row = {"command": command.command, "erasure": erasure, "output": command.output}
        await connection.execute(insert(ERASE_COMMANDS), row | {"topic": topic, "value": value})
        await announce(connection, [ControlChange(topic, command.command, value)])
    done.commands = len(fresh)


async def take_over(connection: AsyncConnection, until_ms: int, asked_ms: int) -> str:
    """A request under which commands go on living whose own is lost; its number."""
    erasure = new_row_id()
    request = {
        "erasure": erasure,
        "kind": "end",
        "reason": RESTORED,
        "state": State.GONE,
        "asked_ms": asked_ms,
        "due_ms": asked_ms,
        "sequence": await last_sequence(connection),
        "until_ms": until_ms,
        "look_ms": 0,
        "unscrubbed": False,
    }
    await connection.execute(insert(ERASURES), request)
    return erasure


def _commands(known: Known) -> Iterator[tuple[EraseCommand, bytes]]:
    seen = set[str]()
    for output, value in known.commands():
        command = take_command(value, output)
        if command is not None and command.command not in seen:
            seen.add(command.command)
            yield command, value


async def publish(connection: AsyncConnection, known: Known, done: Amended) -> None:
    """Record the versions of the policy that were published since: they may keep less."""
    there = set(await connection.scalars(select(POLICIES.c.version)))
    for name, value in sorted(known.published().items()):
        found = decode_publication(value)
        if found.version not in there:
            row = {"version": found.version, "policy": found.policy, "value": value}
            await connection.execute(insert(POLICIES).values(row))
            await announce(connection, [ControlChange(CONTROL_POLICIES, name, value)])
            done.versions += 1
