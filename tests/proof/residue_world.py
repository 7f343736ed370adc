"""A process of the residue proof: office, worker and sink over one folder, as long as it is let live.

``python -m tests.proof.residue_world MODE FOLDER [SEED]``. Each line on standard output says how far it
is; it goes on with each line on standard input. It never ends by itself: it is killed.
"""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Final, NamedTuple

from sqlalchemy import select

from office.erasure.saga import State
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from office.registry.erasure_requests import NewErasure, ask
from office.store.database import Database
from office.store.erasure_tables import ERASURES
from policy.plan.consents import grantable
from policy.plan.plan import Plan
from roadfade.commands.policy.choice import policy_or_exit
from sinks.lake.lake import LakeSettings
from sinks.lake.steps import Hook, Step, go_on
from sinks.query.session import QueryLimits, run_query
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import DAY_MS, MINUTE_MS, format_instant
from tests.walk.history import BEGIN_MS
from tests.walk.program import Program, encode
from tests.walk.shelves import LakeShelf

CANARIES: Final = 20
OTHERS: Final = 20
CONSENTED: Final = ("service_provision", "third_party_provision")
READ: Final = 3
"""Envelopes of each person."""
JOINED_EVERY: Final = 8
DATES_MAX: Final = 200
NOW_MS: Final = BEGIN_MS + 10 * DAY_MS
APP: Final = "service_provision.app"
EXACT: Final = (
    "Vehicle.CurrentLocation.Latitude",
    "Vehicle.CurrentLocation.Longitude",
    "Vehicle.LowVoltageBattery.CurrentVoltage",
    "Vehicle.CurrentLocation.Heading",
)
"""What one output keeps as it was read."""


class Canary(NamedTuple):
    """A person, and values that only their vehicle has."""

    subject: str
    device: str
    values: tuple[float, ...]


def people(seed: int) -> Iterator[Canary]:
    """Those who are erased, and then the others."""
    chance = random.Random(seed)
    for number in range(CANARIES + OTHERS):
        values = (
            chance.uniform(34, 36), chance.uniform(136, 140), chance.uniform(11, 14),
            chance.uniform(0, 360),
        )  # fmt: skip
        name = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=24))
        yield Canary(f"person-{name}", f"dongle-{number:03d}", values)


async def opened(folder: Path, plan: Plan, at: Hook = go_on) -> Program:
    """The program on what lies in the folder; workers read all that the office has."""
    database = await Database.create(folder / "office.sqlite")
    keyring = Keyring.open(folder / "keyring.sqlite", FileKek(folder / "kek"))
    settings = LakeSettings(buckets=4, compression="uncompressed")
    shelf = LakeShelf(plan, folder / "lake", settings, at)
    program = Program(folder, plan, shelf, database, keyring)
    program.now_ms = NOW_MS
    await program.outbox.republish_all()
    return program


async def plant(folder: Path, plan: Plan, seed: int) -> None:
    """Everybody drives; the canaries ask to be erased, and a query spills, when it is killed."""
    program = await opened(folder, plan)
    everyone = list(people(seed))
    for one in everyone:
        subject, since_ms = SubjectId(one.subject), BEGIN_MS
        await program.registry.register(DeviceId(one.device), subject, since_ms, "driver")
        for asked in grantable(plan):
            if asked.purpose in CONSENTED:
                await program.registry.grant(subject, *asked, since_ms)
    await program.settle()
    for number in range(READ * len(everyone)):
        one = everyone[number % len(everyone)]
        program.receive(number, envelope(plan, one, number, NOW_MS - DAY_MS))
        if number % JOINED_EVERY == 0:
            program.sink.join(NOW_MS)
    while program.sink.join(NOW_MS):
        pass
    for one in everyone[:CANARIES]:
        async with program.database.writing() as connection:
            await ask(connection, NewErasure("erase", SubjectId(one.subject), "asked"), NOW_MS)
    # The commands are on record, and the store has not obeyed yet.
    await program.outbox.drain(program._published)
    await program.progress.turn(lambda: [plan], {o.id for o in plan.outputs}, NOW_MS)
    Thread(target=spill, args=(folder / "lake", NOW_MS), daemon=True).start()
    await _said("planted")


def spill(lake: Path, now_ms: int) -> None:
    """Every row beside every other, in order: far more than the memory that is allowed."""
    statement = (
        "SELECT one.pseudonym, one.number, two.record FROM readings one, readings two"
        " ORDER BY two.record, one.number"
    )
    run_query(lake, APP, statement, now_ms, QueryLimits(memory_mb=64, threads=1))


def envelope(plan: Plan, one: Canary, number: int, from_ms: int) -> bytes:
    """The next that a person's vehicle sends; four come in a minute."""
    units = {path: plan.catalogue[path].unit for path in EXACT}
    series = {
        path: {"unit": units[path], "dt": [0], "value": [value]}
        for path, value in zip(EXACT, one.values, strict=True)
    }
    t_ms = from_ms + number * MINUTE_MS // 4
    return encode(
        {
            "v": 1, "id": f"{number:026d}", "device": one.device, "dtc": ["P0301"],
            "clock": {"t0": format_instant(t_ms), "quality": "gnss"}, "series": series,
        }
    )  # fmt: skip


async def die(folder: Path, plan: Plan, _seed: int) -> None:
    """Obey, and be killed when some files are rewritten and one is not yet in its place."""
    rewritten = 0

    def kill(step: Step) -> None:
        nonlocal rewritten
        rewritten += step is Step.REWRITTEN
        if rewritten == CANARIES:
            os.kill(os.getpid(), signal.SIGKILL)

    program = await opened(folder, plan, kill)
    await program.settle()


async def obey(folder: Path, plan: Plan, _seed: int) -> None:
    """To D2, and then until commands are taken back."""
    program = await opened(folder, plan)
    await _reaches(program, State.GONE)
    await _said("gone")
    await _reaches(program, State.CLOSED)
    await _said("closed")


async def _reaches(program: Program, state: State) -> None:
    """Move the clock from date to date until every request is so far."""
    for _ in range(DATES_MAX):
        async with program.database.reading() as connection:
            rows = await connection.execute(select(ERASURES.c.state, ERASURES.c.look_ms))
            found = [(row.state, row.look_ms) for row in rows]
        waiting = [look_ms for at, look_ms in found if at != state]
        if not waiting:
            return
        await program.go_to(max(min(waiting), program.now_ms + MINUTE_MS))
    raise AssertionError(state)


async def rest(folder: Path, plan: Plan, _seed: int) -> None:
    """Everything is read again, and one of the others drives."""
    program = await opened(folder, plan)
    await program.settle()
    program.sink.join(program.now_ms)
    assert program.shelf.rows()
    await _said("resting")


async def _said(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)


MODES: Final = {"plant": plant, "die": die, "obey": obey, "rest": rest}

if __name__ == "__main__":
    mode, place, *seeds = sys.argv[1:]
    shipped = policy_or_exit(None).plan
    asyncio.run(MODES[mode](Path(place), shipped, int(seeds[0]) if seeds else 0))
