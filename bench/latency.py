"""How long a raw record takes to its purpose topic, and what a worker burns, at a given pace.

In: records a second. Out: p50 and p99 in milliseconds from the broker's append of a raw record to
its append of the output, and the part of a core that the peer's process spent meanwhile. The pace
is kept by this process, which shares the machine's cores with broker and peer.
"""

import asyncio
import time
from collections.abc import Mapping
from itertools import cycle, islice
from typing import Final, NamedTuple

from bench.fleet import envelopes
from bench.job import DEVICES, PARTITIONS, device, raw_key
from bench.metering import FROM
from bench.peers.catalogue import PEERS
from bench.reference import pseudonym
from bench.runs import Ground, Work, start_and_wait, task_of
from bench.stage import Raw, clear, create_all
from bench.topic_records import records_of
from bus.client.admin import TopicAdmin
from bus.client.connection import Connection
from bus.client.positions import Positions
from bus.publisher import Publisher
from bus.records import Outgoing
from roadfade.clock import wall_ms
from telemetry.topics import RAW

TICK_S: Final = 0.002
ENVELOPES_MADE_MAX: Final = 20_000
"""They are made before the clock starts, and sent again if more are needed."""
LOOK_S: Final = 0.1
FIRST_S_MAX: Final = 120.0
OUTPUT: Final = "purpose.a"
"""The topic that has one record for each raw record, in the same order for each vehicle."""


class Latency(NamedTuple):
    """At one pace."""

    records_per_s: float
    p50_ms: float
    p99_ms: float
    core_share: float
    """CPU seconds a second."""


def measure(ground: Ground, work: Work, records_per_s: float, seconds: float) -> Latency:
    """Run the peer at this pace for so long."""
    return asyncio.run(_measure(ground, work, records_per_s, max(2, int(records_per_s * seconds))))


async def _measure(ground: Ground, work: Work, records_per_s: float, records: int) -> Latency:
    ground.runs += 1
    prefix = f"run-{ground.runs}."
    raw = Raw(prefix, records=records)
    task = task_of(ground, work, raw, prefix)
    both = Connection(ground.servers, prefix)
    plan = ground.plan(work.job)
    await create_all(both, plan)
    try:
        command = PEERS[work.peer].command()
        running = asyncio.create_task(asyncio.to_thread(start_and_wait, ground, task, command, raw))
        await _publish(both, records, records_per_s)
        figures = await running
        waits = waits_ms(await _instants(both, RAW), await _instants(both, OUTPUT))
    finally:
        await clear(both, plan)
        async with TopicAdmin(both) as admin:
            await admin.delete([RAW])
    share = figures.cpu_us_per_reading * figures.readings_per_s / 1e6
    return Latency(records_per_s, percentile(waits, 50), percentile(waits, 99), share)


async def _publish(connection: Connection, records: int, records_per_s: float) -> None:
    """Publish one record, wait for its output (the peer is there then), and keep the pace."""
    made = list(envelopes(min(records, ENVELOPES_MADE_MAX)))
    left = (Outgoing(RAW, None, raw_key(n), value) for n, value in islice(cycle(made), records))
    async with Publisher(connection, clock=wall_ms, compression=None) as publisher:
        await publisher.publish([next(left)])
        await _first_output(connection)
        began_s, sent = time.perf_counter(), 1
        while sent < records:
            due = min(records, 1 + int((time.perf_counter() - began_s) * records_per_s))
            if due > sent:
                await publisher.publish(list(islice(left, due - sent)))
                sent = due
            else:
                await asyncio.sleep(TICK_S)


async def _first_output(connection: Connection) -> None:
    async with asyncio.timeout(FIRST_S_MAX), Positions(connection) as positions:
        while not sum((await positions.end({OUTPUT: PARTITIONS})).values()):  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(LOOK_S)


async def _instants(connection: Connection, topic: str) -> dict[bytes, list[int]]:
    """The broker's times of a topic's records, in their order, by key."""
    found: dict[bytes, list[int]] = {}
    async for record in records_of(connection, [topic]):
        found.setdefault(record.key, []).append(record.timestamp)
    return found


def waits_ms(raw: Mapping[bytes, list[int]], outputs: Mapping[bytes, list[int]]) -> list[int]:
    """From append to append, sorted; the first tenth of the time does not count.

    ValueError if a vehicle has not as many outputs as raw records.
    """
    pairs = [
        (appended_ms, came_ms - appended_ms)
        for name in map(device, range(DEVICES))
        for appended_ms, came_ms in zip(
            raw.get(raw_key(name), []), outputs.get(pseudonym("a", name).encode(), []), strict=True
        )
    ]
    pairs.sort()
    return sorted(wait_ms for _, wait_ms in pairs[int(FROM * len(pairs)) :])


def percentile(in_order: list[int], percent: int) -> float:
    """The smallest value that so many percent do not exceed."""
    return float(in_order[max(0, -(-len(in_order) * percent // 100) - 1)])
