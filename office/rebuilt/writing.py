"""Rows of the topics into a new office database, under their own ids.

Every function runs in the caller's transaction. Nothing is queued for publication that lies on the
topics already; the sequence of what is published goes on from there.
"""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from office.holds.register import OFFICE_ITSELF, State, note
from office.rebuilt.sorted_rows import Commanded, Held, Rows
from office.registry.consents import consent_of
from office.registry.links import link_row
from office.restored.commands import take_over
from office.store.changes import ControlChange, announce, chunks
from office.store.erasure_tables import ERASE_COMMANDS
from office.store.hold_tables import HOLD_COMMANDS, HOLDS
from office.store.row_ids import new_row_id
from office.store.sealing_tables import SEALING_KEYS
from office.store.tables import (
    CONSENTS,
    DEVICES,
    LINKS,
    OUTBOX,
    POLICIES,
    PUBLISHED,
    RESTRICTIONS,
)
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS
from telemetry.wire.control import DeviceRegistration

NOT_KNOWN = "not_known"
"""The basis of a hold whose register is lost; none can be placed on it."""
REBUILT = "the register was lost: rebuilt from topics"


async def write(connection: AsyncConnection, rows: Rows, high_water: int, now_ms: int) -> None:
    """All of them, as published up to ``high_water``."""
    await _go_on_from(connection, high_water)
    devices = [{"row": one.row, **msgspec.structs.asdict(one.registration)} for one in rows.devices]
    await _insert(connection, DEVICES, devices)
    await _register_missing(connection, rows, now_ms)
    await _insert(connection, LINKS, [link_row(one) for one in rows.links])
    await _insert(connection, CONSENTS, [msgspec.structs.asdict(one) for one in rows.consents])
    restrictions = [msgspec.structs.asdict(one) for one in rows.restrictions]
    await _insert(connection, RESTRICTIONS, restrictions)
    versions = [
        {"version": one.version, "policy": one.policy, "value": value}
        for one, value in rows.versions
    ]
    await _insert(connection, POLICIES, versions)
    keys = [{"row": row, "value": value} for row, value in rows.sealing_keys.items()]
    await _insert(connection, SEALING_KEYS, keys)
    await _write_commands(connection, rows.commands)
    await _write_holds(connection, rows.holds, now_ms)


async def end_unvouched(connection: AsyncConnection, consents: Collection[str]) -> int:
    """End consents as they begin, for whoever can write there could have given them; how many.

    So nothing may rest on them, of whatever time; the person may be asked again.
    """
    for some in chunks(sorted(consents)):
        mine = CONSENTS.c.consent.in_(some)
        await connection.execute(update(CONSENTS).where(mine).values(to_ms=CONSENTS.c.from_ms))
        rows = (await connection.execute(select(CONSENTS).where(mine))).all()
        changes = [ControlChange(CONTROL_CONSENTS, one.consent, consent_of(one)) for one in rows]
        await announce(connection, changes)
    return len(consents)


async def _go_on_from(connection: AsyncConnection, high_water: int) -> None:
    """Sequences are never used twice: what was published has one, though its row is gone."""
    if high_water:
        row = {"sequence": high_water, "topic": "", "key": ""}
        await connection.execute(insert(OUTBOX).values(row))
        await connection.execute(delete(OUTBOX))
    await connection.execute(insert(PUBLISHED).values(one=1, high_water=high_water))


async def _register_missing(connection: AsyncConnection, rows: Rows, now_ms: int) -> None:
    """Devices of links whose registration is lost, from now on: nothing older is admitted."""
    known = {one.registration.device for one in rows.devices}
    missing = sorted({one.device for one in rows.links} - known)
    made = [(new_row_id(), DeviceRegistration(one, now_ms)) for one in missing]
    values = [{"row": row, **msgspec.structs.asdict(one)} for row, one in made]
    await _insert(connection, DEVICES, values)
    await announce(connection, [ControlChange(CONTROL_LINKS, row, one) for row, one in made])


async def _write_commands(connection: AsyncConnection, commands: Sequence[Commanded]) -> None:
    """They go on living, those of one instant under one request, until the last of them ends."""
    ordered = sorted(commands, key=lambda one: one.command.asked_ms)
    for asked_ms, some in groupby(ordered, key=lambda one: one.command.asked_ms):
        mine = list(some)
        until_ms = max(one.command.until_ms for one in mine)
        erasure = await take_over(connection, until_ms, asked_ms)
        values = [
            {
                "command": one.command.command,
                "erasure": erasure,
                "output": one.command.output,
                "topic": one.topic,
                "value": one.value,
            }
            for one in mine
        ]
        await _insert(connection, ERASE_COMMANDS, values)


async def _write_holds(connection: AsyncConnection, held: Sequence[Held], now_ms: int) -> None:
    """Commands that were placed at one instant are one hold's, and are to be reviewed now."""
    ordered = sorted(held, key=lambda one: (one.command.placed_ms, one.command.command))
    for placed_ms, some in groupby(ordered, key=lambda one: one.command.placed_ms):
        mine = list(some)
        released = [one.command.released_ms for one in mine if one.command.released_ms is not None]
        living = [one.command for one in mine if one.command.released_ms is None]
        hold = new_row_id()
        row = {
            "hold": hold,
            "state": State.RELEASED if released else State.LIVING,
            "basis": NOT_KNOWN,
            "reference": REBUILT,
            "owner": OFFICE_ITSELF,
            "from_ms": living[0].from_ms if living else None,
            "to_ms": living[0].to_ms if living else None,
            "placed_ms": placed_ms,
            "review_ms": now_ms,
            "released_ms": min(released, default=None),
            "look_ms": 0,
            "unscrubbed": False,
        }
        await connection.execute(insert(HOLDS).values(row))
        await note(connection, hold, "placed", OFFICE_ITSELF, placed_ms)
        values = [
            {
                "command": one.command.command,
                "hold": hold,
                "output": one.command.output,
                "topic": one.topic,
                "value": one.value,
            }
            for one in mine
        ]
        await _insert(connection, HOLD_COMMANDS, values)


async def _insert(
    connection: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]
) -> None:
    for some in chunks(rows):
        await connection.execute(insert(table), some)
