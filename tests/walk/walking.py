"""One history through the program and through the model, the clock moved to every end of it.

After each move the store has to hold exactly what the model says, a millisecond before each end and
at it. AssertionError with the acts and the rows that differ.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from office.errors import OfficeError
from office.registry.erasure_requests import NewErasure, ask
from office.registry.events import NewEvent
from office.store.database import Database
from office.store.tables import LINKS
from policy.plan.consents import Grantable, grantable
from policy.plan.plan import Plan
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import format_instant
from tests.walk.history import (
    ASKS,
    CODES,
    SIGNALS,
    Act,
    Agrees,
    Dated,
    Erases,
    Happens,
    Lifts,
    Objects,
    Reads,
    Restarts,
    Takes,
    TakesBack,
    Withdraws,
)
from tests.walk.model import Key, Model
from tests.walk.program import Program, Shelf, encode
from tests.walk.words import Policy

SHOWN_MAX: Final = 12


async def walked(
    folder: Path, plan: Plan, policy: Policy, shelf: Shelf, acts: Sequence[Dated]
) -> "Walk":
    """A history to its end; what came of it."""
    database = await Database.create(folder / "office.sqlite")
    try:
        walk = Walk(Program(folder, plan, shelf, database), Model(policy))
        await walk.run(acts)
        return walk
    finally:
        shelf.close()
        await database.close()


@dataclass
class Walk:
    """A history on its way."""

    program: Program
    model: Model
    events: list[str] = field(default_factory=list)
    objections: list[str] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)

    async def run(self, acts: Sequence[Dated]) -> None:
        """Every act, and every date of the model between them and after."""
        for number, one in enumerate(acts):
            await self._until(one.at_ms, acts[:number])
            await self.program.go_to(one.at_ms)
            await self._do(one.act, one.at_ms)
            await self.program.settle()
            await self._compare(acts[: number + 1])
        await self._until(None, acts)
        assert not await asyncio.to_thread(self.program.rows), "something never ends"

    async def _until(self, until_ms: int | None, acts: Sequence[Dated]) -> None:
        while True:
            date_ms = self.model.next_date(self.program.now_ms)
            if date_ms is None or (until_ms is not None and date_ms >= until_ms):
                return
            for at_ms in (date_ms - 1, date_ms):
                if at_ms > self.program.now_ms:
                    # Nothing else is due on the day on which a row's own time is over.
                    await self.program.go_to(at_ms, office=self.model.is_event_date(date_ms))
                    await self._compare(acts)
            self.figures["dates"] += 1

    async def _compare(self, acts: Sequence[Dated]) -> None:
        now_ms = self.program.now_ms
        stored = await asyncio.to_thread(self.program.rows) - self.model.either
        wanted = self.model.at(now_ms) - self.model.either
        self.figures["compared"] += 1
        self.figures["rows"] += len(wanted)
        if stored != wanted:
            raise AssertionError(_difference(now_ms, stored, wanted, acts))

    async def _do(self, act: Act, now_ms: int) -> None:
        self.figures[type(act).__name__] += 1
        program, model = self.program, self.model
        match act:
            case Reads():
                await program.settle()
                value = encode(self._envelope(act))
                await asyncio.to_thread(program.receive, act.number, value)
                model.reads(act.number, act.device, (*SIGNALS, CODES), act.t_ms, now_ms)
            case Restarts():
                await asyncio.to_thread(program.restart_sink)
            case Happens():
                await self._happens(act, now_ms)
            case TakesBack():
                await self._takes_back(act, now_ms)
            case _:
                await self._of_people(act, now_ms)

    async def _of_people(
        self, act: Takes | Agrees | Withdraws | Erases | Objects | Lifts, now_ms: int
    ) -> None:
        model, registry = self.model, self.program.registry
        match act:
            case Takes():
                await self._takes(act, now_ms)
                model.links_device(*act, now_ms)
            case Agrees():
                await registry.grant(SubjectId(act.subject), *self._asked(act), now_ms)
                model.agrees(act.subject, ASKS[act.asks], now_ms)
            case Withdraws(subject, purpose, recipient, at_ms, all_):
                await registry.withdraw(
                    SubjectId(subject), purpose, recipient, at_ms, erase=all_, now_ms=now_ms
                )
                model.withdraws(subject, purpose, at_ms, now_ms, all_=all_)
            case Erases():
                await self._erases(act, now_ms)
            case Objects(subject, purpose):
                row = await registry.object_to(SubjectId(subject), purpose, None, now_ms)
                self.objections.append(row)
                model.objects(subject, purpose, now_ms)
            case Lifts():
                await registry.lift(self.objections[act.number], now_ms)
                model.lifts(act.number, now_ms)

    def _asked(self, act: Agrees) -> Grantable:
        (found,) = [one for one in grantable(self.program.plan) if one[:3] == ASKS[act.asks]]
        return found

    async def _takes(self, act: Takes, now_ms: int) -> None:
        device, registry = DeviceId(act.device), self.program.registry
        open_ = [one for one in self.model.links if one.device == device and one.to_ms is None]
        try:
            if open_:
                await registry.close_link(device, now_ms)
        except OfficeError:
            pass  # whoever had it was forgotten since
        await registry.register(device, SubjectId(act.subject), now_ms, "driver")

    async def _happens(self, act: Happens, now_ms: int) -> None:
        subject = None if act.subject is None else SubjectId(act.subject)
        device = None if act.device is None else DeviceId(act.device)
        new = NewEvent(act.kind, act.at_ms, subject, device)
        self.events += await self.program.registry.record_events([new], now_ms)
        self.model.happens(act.kind, act.subject, act.device, act.at_ms, now_ms)

    async def _takes_back(self, act: TakesBack, now_ms: int) -> None:
        allowed = self.model.takes_back(act.number, now_ms)
        try:
            await self.program.registry.take_back_event(
                self.events[act.number], self.program.taken_back.remember
            )
        except OfficeError:
            assert not allowed, "an event that ended nothing cannot be taken back"
        else:
            assert allowed, "an event that ended something was taken back"

    async def _erases(self, act: Erases, now_ms: int) -> None:
        async with self.program.database.writing() as connection:
            links = await _links(connection, act)
            new = NewErasure(
                "erase", SubjectId(act.subject), "asked", act.from_ms, act.to_ms, links,
                act.purposes,
            )  # fmt: skip
            await ask(connection, new, now_ms)
        self.model.erases(*act, now_ms)

    def _envelope(self, act: Reads) -> dict[str, object]:
        catalogue = self.program.plan.catalogue
        return {
            "v": 1,
            "id": f"{act.number:026d}",
            "device": act.device,
            "clock": {"t0": format_instant(act.t_ms), "quality": "gnss"},
            "series": {
                path: {"unit": catalogue[path].unit, "dt": [0], "value": [value]}
                for path, value in SIGNALS.items()
            },
            "dtc": ["P0301"],
        }


async def _links(connection: AsyncConnection, act: Erases) -> list[str] | None:
    if act.device is None:
        return None
    theirs = (LINKS.c.subject == act.subject) & (LINKS.c.device == act.device)
    return list(await connection.scalars(select(LINKS.c.link).where(theirs)))


def _difference(
    now_ms: int, stored: Collection[Key], wanted: Collection[Key], acts: Sequence[Dated]
) -> str:
    """All in it is generated."""
    told = [f"{format_instant(one.at_ms)} {one.act}" for one in acts]
    for what, some in (
        ("too much", set(stored) - set(wanted)),
        ("lost", set(wanted) - set(stored)),
    ):
        told += [
            f"{what}: {output} {number} {signal} {format_instant(t_ms)}"
            for output, number, signal, t_ms in sorted(some)[:SHOWN_MAX]
        ]
    return "\n".join([*told, f"at {format_instant(now_ms)}"])
