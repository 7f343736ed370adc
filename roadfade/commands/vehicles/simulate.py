"""``roadfade simulate``: a fleet known to the office that drives until it is stopped."""

import asyncio
from contextlib import nullcontext

import typer
from rich.console import Console

from ingest.raw_topic import RawPublisher
from ingest.simulation.fleet import Fleet
from office.outbox import Outbox
from office.store.database import Database
from policy.plan.plan import Plan
from roadfade.clock import wall_ms
from roadfade.demo import fleet as demo_fleet
from roadfade.in_force.broker import connection_of, require_broker
from roadfade.in_force.source import PolicySource
from roadfade.processes.signals import on_stop
from roadfade.raw_topic import raw_topic
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from roadfade.terminal.answers import print_json

ANSWER_S_MAX = 20.0


def main(
    settings: Settings, vehicles: int, seed: int, seconds: float | None, *, as_json: bool
) -> None:
    """Drive until the time is up or a signal; NotReady if the workers do not know the vehicles."""
    require_broker(settings)
    raw = asyncio.run(_simulate(settings, Fleet(vehicles, seed), seed, seconds, quiet=as_json))
    if as_json:
        print_json({"vehicles": vehicles} | raw.counts)
    else:
        typer.echo(
            f"{vehicles} vehicles published {raw.readings:,} readings in {raw.envelopes:,} "
            f"envelopes; {raw.not_collected:,} are collected by no purpose and were left out"
        )


async def _simulate(
    settings: Settings, fleet: Fleet, seed: int, seconds: float | None, *, quiet: bool
) -> RawPublisher:
    stopping = asyncio.Event()
    on_stop(stopping.set)
    async with PolicySource.open(settings, connection_of(settings)) as source:
        # A gateway's rights suffice: whether all topics are as they must be, workers look.
        plan = (await asyncio.to_thread(source.line)).plan
    await _introduce(settings, plan, fleet, seed)
    console = Console()
    driving = f"{len(fleet.devices)} vehicles drive; Ctrl-C ends it"
    async with raw_topic(settings, "fleet", plan) as raw:
        if seconds is not None:
            asyncio.get_running_loop().call_later(seconds, stopping.set)
        with nullcontext() if quiet or not console.is_terminal else console.status(driving):
            await demo_fleet.drive(fleet, plan, raw, wall_ms, stopping)
    return raw


async def _introduce(settings: Settings, plan: Plan, fleet: Fleet, seed: int) -> None:
    """Enrol the fleet and wait until that is published to the workers."""
    await demo_fleet.enrol(settings, plan, fleet, seed, wall_ms())
    async with Database.opened(settings.office_path) as database:
        outbox = Outbox(database)
        published = await outbox.wait_published(await outbox.last_sequence(), ANSWER_S_MAX)
    if not published:
        msg = (
            "the vehicles are enrolled, but the workers do not know them yet and would reject "
            "all they send: start `roadfade office` on the same state folder, then try again"
        )
        raise NotReady(msg)
