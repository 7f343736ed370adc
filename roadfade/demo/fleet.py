"""The simulated fleet as a source: enrolled with the office, then driving in real time."""

import asyncio
from collections.abc import Collection, Iterable
from random import Random
from typing import Protocol

from bus.pacing import until
from ingest.simulation.fleet import Fleet
from office.errors import OfficeError
from office.registry.consents import NewConsent
from office.registry.links import NewLink
from office.registry.registry import Registry
from office.store.database import Database
from policy.plan.consents import Grantable, grantable
from policy.plan.plan import Plan
from policy.vocabulary.periods import shortest_ms
from roadfade.clock import WallClock
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from telemetry.identity import SubjectId
from telemetry.instants import DAY_MS, MINUTE_MS, SECOND_MS
from telemetry.wire.envelope import Envelope

KNOWN_FOR_MS = 60 * DAY_MS
"""For how long simulated people have been customers."""
CONSENTING_SHARE = 0.7
OLD_DRIVE_MS = 10 * SECOND_MS


class Outlet(Protocol):
    """Where the fleet sends to, and what was taken."""

    envelopes: int
    readings: int

    async def publish(self, envelopes: Iterable[Envelope]) -> int:
        """Send these; how many were taken."""


async def enrol(settings: Settings, plan: Plan, fleet: Fleet, seed: int, now_ms: int) -> None:
    """Register every vehicle with a person; most of them consent. Harmless when repeated."""
    from_ms = now_ms - KNOWN_FOR_MS
    offered = grantable(plan)
    people = {device: SubjectId(f"person-{seed}-{i}") for i, device in enumerate(fleet.devices)}
    links = [NewLink(device, subject, from_ms, role="driver") for device, subject in people.items()]
    consents = _consents(list(people.values()), offered, seed, from_ms)
    async with Database.opened(settings.office_path) as database:
        try:
            service = plan.services[0] if plan.services else None
            await Registry(database, offered).register_fleet(links, consents, service)
        except OfficeError as refusal:
            msg = (
                f"this office already knows the simulated fleet with other data "
                f"({refusal}): give another --seed, or a fresh state_dir"
            )
            raise Refusal(msg) from None


def _consents(
    subjects: Collection[SubjectId], offered: Collection[Grantable], seed: int, from_ms: int
) -> list[NewConsent]:
    chance = Random(seed)  # noqa: S311  # a simulation, repeatable by seed
    return [
        NewConsent(subject, asked.purpose, asked.basis, asked.recipient, asked.notice, from_ms)
        for subject in subjects
        for asked in sorted(offered, key=str)
        if chance.random() < CONSENTING_SHARE
    ]


def almost_expired_ms(plan: Plan, now_ms: int) -> int:
    """When a drive must have been recorded to be admitted still, and to expire within minutes.

    The shortest period, less the topic's bound on deletion and one grain of a minute.
    """
    shortest = min(
        shortest_ms(lane.period) - output.transport.bound_ms
        for output in plan.outputs
        for lane in output.lanes
    )
    return now_ms - shortest + MINUTE_MS + 10 * SECOND_MS


async def drive(
    fleet: Fleet, plan: Plan, raw: Outlet, clock: WallClock, stopping: asyncio.Event
) -> None:
    """Publish what the fleet sends, every second, and now and then a drive of long ago."""
    tick = 0
    while not stopping.is_set():
        now_ms = clock()
        await raw.publish(fleet.tick(now_ms))
        if tick % 10 == 0:
            old_ms = almost_expired_ms(plan, now_ms)
            await raw.publish(fleet.old_drives(old_ms, old_ms + OLD_DRIVE_MS, now_ms))
        tick += 1
        await until(stopping, 1.0)
