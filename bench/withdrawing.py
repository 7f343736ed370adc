"""Vehicles that send until a while after their drivers have withdrawn: ten envelopes a second each.

In: an office's registry, a broker. Out: when each withdrawal was committed.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from bench.fleet import envelopes
from bench.job import BEGIN_MS, NOW_MS, PARTITIONS, device, raw_key
from bus.client.connection import Connection
from bus.client.positions import Positions
from bus.publisher import Publisher
from bus.records import Outgoing
from office.registry.registry import Registry
from roadfade.clock import wall_ms
from telemetry.identity import SubjectId
from telemetry.instants import format_instant
from telemetry.topics import RAW

PURPOSE: Final = "c"
OUTPUT: Final = f"purpose.{PURPOSE}"
LEAD_S: Final = 3.0
"""So long before a withdrawal its vehicle begins to send."""
AFTER_S: Final = 4.0
"""And so long after it, it goes on."""
TICK_S: Final = 0.1
START_S_MAX: Final = 600.0


@dataclass(slots=True)
class Vehicle:
    """One that sends until a while after its driver has withdrawn."""

    number: int
    sent: int = 0
    committed_ms: int | None = None


def subject(number: int) -> SubjectId:
    """Who drives a vehicle."""
    return SubjectId(f"subject-{number}")


class Load:
    """All vehicles: envelopes of the job, ten a second of each that sends."""

    def __init__(self, both: Connection, registry: Registry) -> None:
        self._both = both
        self._registry = registry
        self._body: dict[str, Any] = msgspec.json.decode(next(envelopes(1))[1])
        self._made = 0
        self._committed: dict[int, int] = {}

    async def first(self, number: int) -> None:
        """Send of a vehicle whose driver agrees until something comes out: the worker is ready."""
        vehicle = Vehicle(number)
        async with (
            asyncio.timeout(START_S_MAX),
            Publisher(self._both, clock=wall_ms, compression=None) as publisher,
            Positions(self._both) as positions,
        ):
            while not sum((await positions.end({OUTPUT: PARTITIONS})).values()):
                await publisher.publish([self._next(vehicle)])
                await asyncio.sleep(1)

    async def withdraw(self, count: int, per_s: float) -> dict[int, int]:
        """When each was committed, by the number of its vehicle."""
        began_s = time.monotonic()
        waiting = [(LEAD_S + n / per_s, Vehicle(n)) for n in range(count)][::-1]
        sending: list[tuple[float, Vehicle]] = []
        async with (
            Publisher(self._both, clock=wall_ms, compression=None) as publisher,
            asyncio.TaskGroup() as withdrawing,
        ):
            while waiting or sending:
                passed_s = time.monotonic() - began_s
                while waiting and waiting[-1][0] - LEAD_S <= passed_s:
                    sending.append(waiting.pop())
                for due_s, vehicle in sending:
                    if vehicle.committed_ms is None and due_s <= passed_s:
                        vehicle.committed_ms = 0
                        withdrawing.create_task(self._withdraw(vehicle))
                await publisher.publish([self._next(vehicle) for _, vehicle in sending])
                ended_ms = wall_ms() - AFTER_S * 1_000
                sending = [
                    (due_s, one)
                    for due_s, one in sending
                    if not one.committed_ms or one.committed_ms > ended_ms
                ]
                await asyncio.sleep(max(0.0, TICK_S - (time.monotonic() - began_s - passed_s)))
        return self._committed

    async def _withdraw(self, vehicle: Vehicle) -> None:
        await self._registry.withdraw(subject(vehicle.number), PURPOSE, None, NOW_MS - 1)
        vehicle.committed_ms = self._committed[vehicle.number] = wall_ms()

    def _next(self, vehicle: Vehicle) -> Outgoing:
        self._made += 1
        name, body = device(vehicle.number), self._body
        body |= {"id": f"01K{self._made:023d}", "device": str(name), "seq": vehicle.sent}
        t0_ms = BEGIN_MS + vehicle.sent * 10_000
        body["clock"] = {"t0": format_instant(t0_ms), "quality": "gnss"}
        body["sent_at"] = format_instant(t0_ms + 10_000)
        vehicle.sent += 1
        return Outgoing(RAW, None, raw_key(name), msgspec.json.encode(body))
