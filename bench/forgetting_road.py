"""How long it takes on the whole road until a person's readings are gone, while all vehicles send.

In: a broker, a folder. Out: seconds from the moment at which the office is asked. Office, worker,
sink and sweep are the real processes with the settings that they have by default, but for a lake
without compression, so that a search of its bytes finds a pseudonym. A fleet drives; people of it
are erased one after the other, others withdraw a consent. What is meant is what the office's own
commands name; the lake is asked for it by its own search, again and again, until nothing is there
any more and nothing has come back.
"""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from ingest.simulation.fleet import Fleet
from office.registry.consents import NewConsent
from office.registry.erasure_requests import NewErasure, ask
from office.registry.links import NewLink
from office.registry.registry import Registry
from office.store.database import Database, make_office
from office.store.erasure_tables import ERASE_COMMANDS, ERASURES
from policy.plan.consents import grantable
from policy.plan.plan import Plan
from roadfade.clock import wall_ms
from roadfade.demo import fleet as demo_fleet
from roadfade.demo.process_group import STOP_ORDER, ProcessGroup
from roadfade.in_force.broker import connection_of
from roadfade.in_force.source import PolicySource, apply_topics
from roadfade.raw_routing import make_routing_key
from roadfade.raw_topic import raw_topic
from roadfade.settings import Settings
from sinks.lake.stored import StoredLake
from sinks.port.selection import Selection
from telemetry.identity import SubjectId
from telemetry.instants import DAY_MS
from telemetry.wire.erasure import take_command

SEED: Final = 1
LOOK_EVERY_S: Final = 0.05
STAYS_S: Final = 3.0
"""So long nothing may have come back before it counts as gone."""
ROWS_S_MAX: Final = 120.0
DRIVES_S: Final = 15.0
"""So long everybody drives before the first is erased."""
GONE_S_MAX: Final = 120.0
Meant = Sequence[tuple[str, Selection]]
"""Rows by output."""


@dataclass(frozen=True, slots=True)
class Gone:
    """Seconds since it was asked."""

    rows_s: float
    """Until no search finds a row that is meant."""
    bytes_s: float
    """Until no file of the lake holds a pseudonym that is meant."""


class Road:
    """The office's database, the lake, and who drives."""

    def __init__(self, settings: Settings, plan: Plan, database: Database, fleet: Fleet) -> None:
        self._database = database
        self._lake = StoredLake(settings.lake_dir, settings.lake_compression)
        self._offered = grantable(plan)
        self.subjects = [SubjectId(f"person-{n}") for n, _ in enumerate(fleet.devices)]
        self._devices = fleet.devices
        kept = {output.purpose for output in plan.outputs}
        self.purposes = sorted({one.purpose for one in self._offered} & kept)

    async def enrol(self, now_ms: int) -> None:
        """Everybody drives one vehicle and consents to everything."""
        from_ms = now_ms - DAY_MS
        pairs = zip(self._devices, self.subjects, strict=True)
        links = [NewLink(device, subject, from_ms, role="driver") for device, subject in pairs]
        given = [
            NewConsent(subject, asked.purpose, asked.basis, asked.recipient, asked.notice, from_ms)
            for subject in self.subjects
            for asked in sorted(self._offered, key=str)
        ]
        await Registry(self._database, self._offered).register_fleet(links, given)

    async def rows(self) -> None:
        """Wait until the lake has rows; AssertionError if it gets none."""
        until_s = time.monotonic() + ROWS_S_MAX
        while not await asyncio.to_thread(self._lake.outputs):
            if time.monotonic() > until_s:
                msg = "nothing came into the lake: see the logs of worker and sink"
                raise AssertionError(msg)
            await asyncio.sleep(1)
        await asyncio.sleep(DRIVES_S)

    async def erased(self, subject: SubjectId) -> Gone:
        """Ask for one person's erasure; AssertionError if something is left or comes back."""
        begin = time.monotonic()
        async with self._database.writing() as connection:
            asked = await ask(connection, NewErasure("erase", subject, "asked"), wall_ms())
        return await self._gone([asked.erasure], begin)

    async def withdrawn(self, subject: SubjectId, purpose: str) -> Gone:
        """Withdraw a purpose's consents: what rests on one and is of now or later is meant."""
        begin, at_ms = time.monotonic(), wall_ms()
        registry = Registry(self._database, self._offered)
        await registry.withdraw(subject, purpose, None, at_ms)
        async with self._database.reading() as connection:
            mine = select(ERASURES.c.erasure).where(ERASURES.c.subject == subject)
            erasures = list(await connection.scalars(mine))
        return await self._gone(erasures, begin)

    async def _gone(self, erasures: Sequence[str], begin: float) -> Gone:
        seen_s = bytes_s = begin
        meant: Meant = []
        while time.monotonic() - max(seen_s, bytes_s) < STAYS_S or not meant:
            now_s = time.monotonic()
            if now_s - begin > GONE_S_MAX:
                msg = "rows were not removed in time: see the logs of office and sink"
                raise AssertionError(msg)
            meant = await self._meant(erasures)
            if not meant or await asyncio.to_thread(self._located, meant):
                seen_s = time.monotonic()
            if not meant or await asyncio.to_thread(self._in_bytes, meant):
                bytes_s = time.monotonic()
            await asyncio.sleep(LOOK_EVERY_S)
        return Gone(seen_s - begin, bytes_s - begin)

    async def _meant(self, erasures: Sequence[str]) -> Meant:
        """What the office has commanded so far."""
        mine = ERASE_COMMANDS.c.erasure.in_(erasures)
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(ERASE_COMMANDS).where(mine))).all()
        commands = [(row.output, take_command(row.value, row.output)) for row in rows]
        return [(output, Selection.of(one)) for output, one in commands if one is not None]

    def _located(self, meant: Meant) -> bool:
        return any(self._lake.locate(output, selection).rows for output, selection in meant)

    def _in_bytes(self, meant: Meant) -> bool:
        """Whether a file holds a pseudonym of which everything is meant."""
        whole = [one for _, one in meant if one.from_ms is None and not one.consents]
        marks = {str(mark) for one in whole for mark in one.pseudonyms}
        return any(self._lake.verify(mark.encode()).found for mark in sorted(marks))


async def measured(servers: str, folder: Path, vehicles: int, people: int) -> dict[str, Any]:
    """Erase so many of the fleet's people, and let as many others withdraw."""
    settings = Settings(
        kafka_bootstrap_servers=servers,
        topic_prefix="forgetting.",
        state_dir=folder / "state",
        kek_beside_keyring=True,
        lake_compression="uncompressed",
        partitions=2,
    )
    fleet = Fleet(vehicles, SEED)
    async with _running(settings, fleet) as road:
        await road.rows()
        half = len(road.subjects) // 2
        erased = [await road.erased(one) for one in road.subjects[:people]]
        purposes = road.purposes
        withdrawn = [
            await road.withdrawn(one, purposes[number % len(purposes)])
            for number, one in enumerate(road.subjects[half : half + people])
        ]
    return {
        "vehicles": vehicles,
        "heartbeat_every_s": settings.heartbeat_every_s,
        "erase_logical_s": _worst([one.rows_s for one in erased]),
        "erase_logical_s_p50": _middle([one.rows_s for one in erased]),
        "erase_physical_s": _worst([one.bytes_s for one in erased]),
        "withdraw_rows_gone_s": _worst([one.rows_s for one in withdrawn]),
        "withdraw_rows_gone_s_p50": _middle([one.rows_s for one in withdrawn]),
    }


def _worst(found: Sequence[float]) -> float:
    return round(max(found), 3)


def _middle(found: Sequence[float]) -> float:
    return round(statistics.median(found), 3)


@asynccontextmanager
async def _running(settings: Settings, fleet: Fleet) -> AsyncIterator[Road]:
    """Every process, and the fleet on the road."""
    await apply_topics(settings, connection_of(settings))
    async with PolicySource.open(settings, connection_of(settings)) as source:
        plan = (await asyncio.to_thread(source.line)).plan
    await make_office(settings.office_path)
    await asyncio.to_thread(make_routing_key, settings.routing_key_path)
    async with Database.opened(settings.office_path) as database:
        road = Road(settings, plan, database, fleet)
        await road.enrol(wall_ms())
        processes, stopping = ProcessGroup(settings), asyncio.Event()
        try:
            await asyncio.to_thread(processes.start)
            async with raw_topic(settings, "fleet", plan) as raw:
                driving = asyncio.create_task(demo_fleet.drive(fleet, plan, raw, wall_ms, stopping))
                try:
                    yield road
                finally:
                    stopping.set()
                    with suppress(asyncio.CancelledError):
                        await driving
            processes.check()
        finally:
            for role in STOP_ORDER:
                await asyncio.to_thread(processes.stop, role)
            processes.close()
