"""How long after a withdrawal records still come out: ``python -m bench.withdrawal``.

Among so many people, so many withdraw their consent, one after the other, while their vehicles send
ten records a second each. From the commit in the office's database, by this process's clock, to the
broker's time of the last record of that person on the consent's topic; a person of whom nothing
comes out any more takes none. Broker, office database, outbox, control topics, views and batch loop
are the real ones; this process is the office and all vehicles, a second one the worker, and they
share the machine's cores with the broker. Nobody but those who withdraw is in the office's
database: the others' rows are put on the control topics, as the office would.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.job import PARTITIONS, SINCE_MS, device, load_plan
from bench.latency import percentile
from bench.people import rows_of
from bench.reference import pseudonym_of
from bench.stage import create_all
from bench.topic_records import records_of
from bench.withdrawing import AFTER_S, OUTPUT, PURPOSE, Load, subject
from bus.client.connection import Connection
from bus.client.positions import Positions
from bus.publisher import Publisher
from bus.records import Outgoing
from office.outbox import Outbox
from office.registry.consent_choice import chosen
from office.registry.consents import NewConsent
from office.registry.links import NewLink
from office.registry.registry import Registry
from office.store.database import Database, make_office
from policy.plan.consents import grantable
from roadfade.clock import wall_ms
from roadfade.local.broker import LocalBroker
from roadfade.local.java import kafka_libs
from roadfade.processes.office.control_topics import publish_through
from roadfade.processes.office.process import DRAIN_EVERY_S
from roadfade.settings import Settings
from telemetry.topics import CONTROL, CONTROL_CONSENTS, CONTROL_LINKS
from telemetry.wire.control import LinkInterval, decode_row

PEOPLE: Final = 1_000_000
WITHDRAWALS: Final = 10_000
PER_S: Final = 20.0
STOP_DEADLINE_MS: Final = 10_000
AT_ONCE: Final = 1_000
PREFIX: Final = "withdrawal."


@dataclass(slots=True)
class Seen:
    """What came of it, by who it is to the purpose."""

    committed_ms: dict[str, int] = field(default_factory=dict)
    last_ms: dict[str, int] = field(default_factory=dict)

    def waits_s(self) -> list[float]:
        """Seconds from commit to the last record, sorted; RuntimeError without any record."""
        silent = len(self.committed_ms.keys() - self.last_ms.keys())
        if silent:
            msg = (
                f"of {silent} vehicles of {len(self.committed_ms)} nothing came out before their "
                "drivers withdrew: the machine is too busy for this pace"
            )
            raise RuntimeError(msg)
        waits = (self.last_ms[who] - at_ms for who, at_ms in self.committed_ms.items())
        return sorted(max(0, wait_ms) / 1_000 for wait_ms in waits)


def figures(people: int, seen: Seen) -> dict[str, Any]:
    """What is printed and kept."""
    waits = [round(wait_s * 1_000) for wait_s in seen.waits_s()]
    return {
        "people": people,
        "withdrawals": len(waits),
        "last_out_s_p50": percentile(waits, 50) / 1_000,
        "last_out_s_p99": percentile(waits, 99) / 1_000,
    }


async def measure(servers: str, folder: Path, people: int, withdrawals: int, per_s: float) -> Seen:
    """Fill the topics, start a worker, let people withdraw, and look at what came out."""
    both = Connection(servers, PREFIX)
    await create_all(both)
    await make_office(folder / "office.db")
    async with Database.opened(folder / "office.db") as database:
        await _others(both, people - withdrawals)
        registry = Registry(database, grantable(load_plan()))
        await _enrol(registry, withdrawals)
        async with _office(both, database), _worker(servers):
            load = Load(both, registry)
            await load.first(withdrawals)
            committed = await load.withdraw(withdrawals, per_s)
            await _settled(both)
        names = await _names(both)
    seen = Seen({names[str(device(number))]: at_ms for number, at_ms in committed.items()})
    async for record in records_of(both, [OUTPUT]):
        who = record.key.decode()
        seen.last_ms[who] = max(record.timestamp, seen.last_ms.get(who, 0))
    return seen


async def _others(both: Connection, count: int) -> None:
    async with Publisher(both, clock=wall_ms) as publisher:
        for first in range(0, count, AT_ONCE):
            numbers = range(first, min(count, first + AT_ONCE))
            rows = [
                Outgoing(topic, None, key, value)
                for topic in (CONTROL_LINKS, CONTROL_CONSENTS)
                for number in numbers
                for key, value in rows_of(topic, number)
            ]
            await publisher.publish(rows)


async def _enrol(registry: Registry, count: int) -> None:
    asked = chosen(grantable(load_plan()), PURPOSE)
    for first in range(0, count + 1, AT_ONCE):
        numbers = range(first, min(count + 1, first + AT_ONCE))
        links = [NewLink(device(n), subject(n), SINCE_MS) for n in numbers]
        given = [
            NewConsent(subject(n), PURPOSE, asked.basis, asked.recipient, asked.notice, SINCE_MS)
            for n in numbers
        ]
        await registry.register_fleet(links, given)


@asynccontextmanager
async def _office(both: Connection, database: Database) -> AsyncIterator[None]:
    """Publish what is committed, as soon as the office process would."""
    outbox, partitions = Outbox(database), dict.fromkeys(CONTROL, PARTITIONS)
    beat_every_s = Settings().heartbeat_every_s

    async def serve() -> None:
        beat_s = float("-inf")
        async with Publisher(both, clock=wall_ms, client_id="office") as publisher:
            publish = publish_through(publisher)
            while True:
                if time.monotonic() - beat_s >= beat_every_s:
                    beat_s = time.monotonic()
                    await outbox.beat(publish, partitions, wall_ms())
                else:
                    await outbox.drain(publish)
                await asyncio.sleep(DRAIN_EVERY_S)

    serving = asyncio.create_task(serve())
    try:
        yield
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


@asynccontextmanager
async def _worker(servers: str) -> AsyncIterator[None]:
    command = [sys.executable, "-m", "bench.peers.deciding", servers, PREFIX]
    worker = await asyncio.to_thread(subprocess.Popen, command)
    try:
        yield
        if worker.poll() is not None:
            msg = "the worker ended early"
            raise RuntimeError(msg)
    finally:
        worker.terminate()
        await asyncio.to_thread(worker.wait)


async def _settled(both: Connection) -> None:
    """Wait until nothing more comes out."""
    async with Positions(both) as positions:
        before = None
        while before != (now := await positions.end({OUTPUT: PARTITIONS})):
            before = now
            await asyncio.sleep(AFTER_S / 2)


async def _names(both: Connection) -> dict[str, str]:
    """Who the driver of each vehicle in the office's database is to the purpose."""
    found: dict[str, str] = {}
    # As views do: of a compacted topic there are fewer records than offsets.
    reader = both.reader(CONTROL_LINKS, PARTITIONS)
    await reader.start()
    try:
        while not await reader.caught_up():
            for records in (await reader.fetch()).values():
                for row in (_link(record.value) for record in records):
                    if row is not None:
                        found[str(row.device)] = pseudonym_of(PURPOSE, row.secret)
    finally:
        await reader.stop(STOP_DEADLINE_MS)
    return found


def _link(value: bytes | None) -> LinkInterval | None:
    row = None
    with suppress(msgspec.DecodeError, ValueError):
        row = None if value is None else decode_row(value)
    return row if isinstance(row, LinkInterval) else None


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; the figures are the last line."""
    ask = argparse.ArgumentParser(prog="python -m bench.withdrawal", description=__doc__)
    ask.add_argument("--people", type=int, default=PEOPLE)
    ask.add_argument("--withdrawals", type=int, default=WITHDRAWALS)
    ask.add_argument("--per-s", type=float, default=PER_S, help="withdrawals a second")
    ask.add_argument("--json", action="store_true", help="the figures and no words")
    asked = ask.parse_args(arguments)
    if not 0 < asked.withdrawals <= asked.people:
        ask.error("--withdrawals: at least one, and at most all people")
    with (
        tempfile.TemporaryDirectory(prefix="roadfade-bench-") as folder,
        LocalBroker(Path(folder), kafka_libs()) as broker,
    ):
        how = (asked.people, asked.withdrawals, asked.per_s)
        seen = asyncio.run(measure(broker.bootstrap_servers, Path(folder), *how))
    found = figures(asked.people, seen)
    if not asked.json:
        print("\n".join(_words(found)))
    print(json.dumps(found))


def _words(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['withdrawals']:,} of {found['people']:,} people withdrew"
    yield f"seconds from the commit to their last record: {found['last_out_s_p50']:.2f} (p50),"
    yield f"{found['last_out_s_p99']:.2f} (p99)"


if __name__ == "__main__":
    main()
