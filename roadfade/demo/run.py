"""``roadfade run``: the whole pipeline on one machine, with a simulated fleet.

Starts a broker (or uses the one named), every process, and the fleet; shows what happens;
on Ctrl-C or after ``--for`` it stops the source, drains, and sums up.
"""

import asyncio
import json
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from bus.client.admin import TopicAdmin
from bus.failures import BrokerError, TopicError
from bus.slots import Slot
from ingest.simulation.fleet import Fleet
from office.store.database import make_office
from policy.artefacts.topics import topic_configs
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from roadfade.clock import wall_ms
from roadfade.demo import fleet as demo_fleet
from roadfade.demo.ending import Say, end_all, unbroken
from roadfade.demo.fleet import Outlet
from roadfade.demo.live_view import LiveView
from roadfade.demo.locks import Locks, give_rights, make_locks
from roadfade.demo.process_group import GATEWAY as GATEWAY_ROLE
from roadfade.demo.process_group import GATEWAY_TOO, STOP_ORDER, ProcessGroup
from roadfade.demo.waiting import say_while
from roadfade.in_force.broker import connection_of, require_broker
from roadfade.in_force.plans import compile_policy
from roadfade.in_force.source import PolicySource, apply_topics
from roadfade.local.broker import LocalBroker
from roadfade.local.failure import LocalError
from roadfade.local.java import kafka_libs
from roadfade.processes.signals import on_stop
from roadfade.raw_routing import make_routing_key
from roadfade.raw_topic import raw_topic
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.instants import Grain

if TYPE_CHECKING:
    from roadfade.demo.gate import Gate

DEMO_TOPIC_S = 45
DEMO_SWEEP_S = 3.0
DEMO_HEARTBEAT_S = 3.0
DEMO_SINK_BATCH_S = 4.0
DEMO_BUCKETS = 1
DEMO_PARTITIONS = 2
"""A small fleet on one machine: fewer, larger files."""


class _Unheard(Console):
    """Falls silent if nobody reads any more; rich would end the process in the middle of a run."""

    def on_broken_pipe(self) -> None:
        """Go on: the run ends as it should."""
        with suppress(SystemExit):  # raised once it is silent
            super().on_broken_pipe()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is asked for."""

    seconds: float | None
    summary: Path | None
    vehicles: int
    seed: int
    locked: bool = False
    """With locks on the broker, and each process as a principal of its own."""


def main(settings: Settings, asked: Asked) -> None:
    """Run until the time is up or Ctrl-C; NotReady if something needed is missing."""
    if asked.locked and "kafka_bootstrap_servers" in settings.model_fields_set:
        msg = (
            "--locked starts a broker of its own, with certificates, users and rights; "
            "KAFKA_BOOTSTRAP_SERVERS names another: leave out one of the two"
        )
        raise NotReady(msg)
    asyncio.run(_run(settings, asked))


async def _run(settings: Settings, asked: Asked) -> None:
    console = _Unheard()
    stopping = asyncio.Event()
    say = unbroken(console.print)

    def stop() -> None:
        say("already stopping" if stopping.is_set() else "stopping: nothing more is sent")
        stopping.set()

    on_stop(stop)
    show = await _whole(settings, say, console, asked, stopping)
    if show is None:
        say("stopped before anything was sent")
        return
    body, board = show
    if asked.summary is not None:
        await asyncio.to_thread(asked.summary.write_text, json.dumps(body, indent=2) + "\n")
    board.farewell(body, asked.summary)


async def _whole(
    settings: Settings, say: Say, console: Console, asked: Asked, stopping: asyncio.Event
) -> tuple[dict[str, Any], LiveView] | None:
    """Start all of it, run, and end all of it: the sum, and who shows it; None if nothing ran."""
    async with _broker(settings, say, locked=asked.locked) as (reachable, locks):
        if stopping.is_set():
            return None
        plan = await say_while(say, "making topics", _prepared(reachable, locks))
        # Topics and groups are looked at by who administers them, readings sent by a gateway.
        looking = reachable if locks is None else locks.admin(reachable)
        fleet = Fleet(asked.vehicles, asked.seed)
        await make_office(reachable.office_path)
        await asyncio.to_thread(make_routing_key, reachable.routing_key_path)
        await demo_fleet.enrol(reachable, plan, fleet, asked.seed, wall_ms())
        gate = None if locks is None else await _gate(reachable, fleet, say)
        stage = _stage(reachable, locks, gate, stopping.is_set)
        try:
            starting = f"starting {', '.join(stage.roles)}"
            await say_while(say, starting, asyncio.to_thread(stage.start))
            if stopping.is_set():
                return None
            board = LiveView(console, looking, plan, stage)
            sending = raw_topic(reachable, "fleet", plan) if gate is None else gate.outside()
            await _drive(sending, plan, fleet, board, say, asked.seconds, stopping)
            processing = "processing what was sent, waiting for"
            body = await say_while(say, lambda: f"{processing} {board.awaited}", board.drain())
        finally:
            try:
                await end_all(say, stage, [one for one in STOP_ORDER if one in stage.roles])
            finally:
                await _clean_up(settings, reachable, plan, say)
    return body, board


async def _gate(settings: Settings, fleet: Fleet, say: Say) -> "Gate":
    from roadfade.demo.gate import make_gate  # noqa: PLC0415  # clients that no plain run needs

    return await say_while(say, "making certificates", make_gate(settings, fleet, wall_ms()))


def _stage(
    settings: Settings, locks: Locks | None, gate: "Gate | None", stopping: Callable[[], bool]
) -> ProcessGroup:
    if locks is None or gate is None:
        return ProcessGroup(settings, stopping)
    own = locks.by_role(settings)
    own[GATEWAY_ROLE] = gate.of(own[GATEWAY_ROLE])
    joining = gate.of(locks.joining(settings))
    return ProcessGroup(settings, stopping, own=own, joining=joining, roles=GATEWAY_TOO)


async def _prepared(settings: Settings, locks: Locks | None) -> Plan:
    """The topics made, and rights given if there are locks; the plan that they follow."""
    making = settings if locks is None else locks.master(settings)
    await apply_topics(making, connection_of(making))
    async with PolicySource.open(making, connection_of(making)) as source:
        line = await asyncio.to_thread(source.line)
    if locks is not None:
        await give_rights(making, line)
    return line.plan


async def _drive(
    sending: AbstractAsyncContextManager[Outlet],
    plan: Plan,
    fleet: Fleet,
    board: LiveView,
    say: Say,
    seconds: float | None,
    stopping: asyncio.Event,
) -> None:
    async with sending as raw:
        driving = asyncio.create_task(demo_fleet.drive(fleet, plan, raw, wall_ms, stopping))
        showing = asyncio.create_task(board.show(raw))
        try:
            async with asyncio.timeout(seconds):
                await asyncio.wait({driving, showing}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            pass
        finally:
            stopping.set()
            await say_while(say, "sending what the fleet has left", driving)
            showing.cancel()
            await asyncio.gather(showing, return_exceptions=True)
        if showing.done() and not showing.cancelled() and showing.exception() is not None:
            raise showing.exception() or AssertionError


@asynccontextmanager
async def _broker(
    settings: Settings, say: Say, *, locked: bool
) -> AsyncIterator[tuple[Settings, Locks | None]]:
    """Settings that reach a broker: the one named, or one of our own over a fresh folder.

    With locks they reach it, and only as somebody are they let in.
    """
    folder = settings.state_dir / "run"
    # Held until this process ends: a second run would wipe the first one's broker and lake.
    if Slot.take(settings.state_dir / "locks", "run").number != 0:
        msg = f"another run uses {folder}: end it, or set ROADFADE_STATE_DIR for this one"
        raise NotReady(msg)
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    folder.mkdir(parents=True)
    demo = demo_settings(settings, folder)
    if "kafka_bootstrap_servers" in settings.model_fields_set:
        await asyncio.to_thread(require_broker, settings)
        demo["topic_prefix"] = f"roadfade-run-{secrets.token_hex(4)}."
        say(f"using the broker at {settings.kafka_bootstrap_servers}")
        yield settings.model_copy(update=demo), None
        return
    locks = None
    if locked:
        plan = await asyncio.to_thread(compile_policy, settings, Limits())
        locks = await asyncio.to_thread(make_locks, folder, plan)
    try:
        doors = None if locks is None else locks.doors
        broker = LocalBroker(folder / "kafka", kafka_libs(), doors=doors)
        await say_while(say, "starting Apache Kafka", asyncio.to_thread(broker.start))
    except LocalError as error:
        raise NotReady(str(error)) from error
    try:
        demo["kafka_bootstrap_servers"] = broker.bootstrap_servers
        yield settings.model_copy(update=demo), locks
    finally:
        await say_while(say, "stopping Apache Kafka", asyncio.to_thread(broker.stop))


def demo_settings(given: Settings, folder: Path) -> dict[str, Any]:
    """What a run takes for itself, its folder first; a setting that was given counts as it is."""
    own: dict[str, Any] = {
        "grain_at_most": Grain.MINUTE,
        "topic_retention_s_at_most": DEMO_TOPIC_S,
        "sweep_every_s": DEMO_SWEEP_S,
        "heartbeat_every_s": DEMO_HEARTBEAT_S,
        "sink_batch_s": DEMO_SINK_BATCH_S,
        "lake_buckets": DEMO_BUCKETS,
        "partitions": DEMO_PARTITIONS,
    }
    taken = {name: value for name, value in own.items() if name not in given.model_fields_set}
    # A folder that goes with the run: nothing in it outlives an evening.
    return {"state_dir": folder.resolve(), "kek_beside_keyring": True, **taken}


async def _clean_up(named: Settings, used: Settings, plan: Plan, say: Say) -> None:
    """Delete this run's topics from a broker that is not its own."""
    if "kafka_bootstrap_servers" not in named.model_fields_set:
        return
    try:
        async with TopicAdmin(connection_of(used)) as admin:
            await say_while(say, "deleting this run's topics", admin.delete(topic_configs(plan)))
    except (BrokerError, TopicError, TimeoutError, OSError) as error:
        left = f"topics that begin with {used.topic_prefix} are left on the broker"
        say(f"{left} ({error}): delete them there")
