"""One fixed raw topic: what a fleet sent once, played as fast or as slowly as a test needs.

In: a fleet, times, a state folder. Out: records for ``telemetry.raw``, and state folders
with the same people and keys in them. Every function blocks.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from bus.publisher import Publisher
from bus.records import Outgoing
from ingest.simulation.fleet import Fleet
from office.outbox import Outbox
from office.store.database import Database, make_office
from policy.plan.plan import Plan
from roadfade.clock import wall_ms
from roadfade.demo.fleet import enrol
from roadfade.in_force.broker import connection_of, limits_of
from roadfade.in_force.plans import compile_policy
from roadfade.settings import Settings
from telemetry.topics import RAW
from telemetry.wire.envelope import Envelope, decode_envelope, encode_envelope
from tests.support.watching import until

TICK_S = 0.1


def plan_of(settings: Settings) -> Plan:
    """The plan, but for what the broker adds to it."""
    return compile_policy(settings, limits_of(settings, 0, 0))


def raw(value: bytes | None, device: str = "") -> Outgoing:
    """A record of the raw topic; one device keeps one partition."""
    return Outgoing(RAW, None, sha256(device.encode()).digest()[:16], value)


def recorded(fleet: Fleet, from_ms: int, to_ms: int) -> list[Outgoing]:
    """What the fleet sends of that time, faults included."""
    return [sent(envelope) for envelope in fleet.envelopes(from_ms, to_ms)]


def sent(envelope: Envelope) -> Outgoing:
    """An envelope as a gateway publishes it."""
    return raw(encode_envelope(envelope), envelope.device)


def readings_in(tape: Sequence[Outgoing]) -> int:
    """Readings of all envelopes on a tape of well-formed ones."""
    return sum(decode_envelope(one.value).readings for one in tape if one.value is not None)


def play(
    settings: Settings,
    tape: Sequence[Outgoing],
    over_s: float = 0.0,
    share: Callable[[], float] = lambda: 1.0,
) -> None:
    """Publish a tape in order and evenly, over a time or longer; durable on return.

    ``share`` says how much of it may be out by now; there the tape waits.
    """
    asyncio.run(_play(settings, tape, over_s, share))


async def _play(
    settings: Settings, tape: Sequence[Outgoing], over_s: float, share: Callable[[], float]
) -> None:
    ticks = max(1, round(over_s / TICK_S))
    due = time.monotonic()
    async with Publisher(connection_of(settings), clock=wall_ms, client_id="tape") as publisher:
        for tick in range(ticks):
            await asyncio.to_thread(until, _may(tick + 1, ticks, share), "more of the tape")
            await asyncio.sleep(due - time.monotonic())
            here = slice(len(tape) * tick // ticks, len(tape) * (tick + 1) // ticks)
            await publisher.publish(tape[here])
            due = max(due + TICK_S, time.monotonic())


def _may(tick: int, ticks: int, share: Callable[[], float]) -> Callable[[], bool]:
    return lambda: tick / ticks <= share()


def enrolled(state_dir: Path, fleet: Fleet, seed: int, now_ms: int) -> None:
    """Everyone of the fleet in the office of a state folder."""
    state_dir.mkdir(parents=True, exist_ok=True)
    settings = Settings(state_dir=state_dir)
    asyncio.run(make_office(settings.office_path))
    asyncio.run(enrol(settings, plan_of(settings), fleet, seed, now_ms))


def same_people(old: Path, new: Path) -> None:
    """Office, keyring and its key copied, and everything queued for a broker without topics."""
    new.mkdir(parents=True)
    for file in old.iterdir():
        if file.name.startswith(("office.sqlite", "keyring.sqlite", "kek")):
            shutil.copy2(file, new)
    asyncio.run(_republish(Settings(state_dir=new)))


async def _republish(settings: Settings) -> None:
    async with Database.opened(settings.office_path) as database:
        await Outbox(database).republish_all()
