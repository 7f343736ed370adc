"""One simulated vehicle: its trips, and what its sensors say in each second of one.

In: the seed and an instant. Out: trips and columns, the same for the same seed. Nothing
is remembered from call to call but the last trips drawn, so any period can be asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from random import Random
from typing import Final

from ingest.envelope_id import opaque_id
from ingest.simulation.faults import FaultRates, TripFaults, trip_faults
from ingest.simulation.road import Path, Point, drawn_path, speed_profile, starting_place
from telemetry.identity import DeviceId
from telemetry.instants import MINUTE_MS, SECOND_MS

SLOT_MS: Final = 30 * MINUTE_MS
_TRIPS_KEPT: Final = 4


def drawn(*parts: str | int) -> Random:
    """A random stream that depends on ``parts`` alone."""
    return Random("/".join(map(str, parts)))  # noqa: S311  # a simulation keeps no secret


class Powertrain(StrEnum):
    """What moves the vehicle."""

    COMBUSTION = "combustion"
    HYBRID = "hybrid"
    BATTERY = "battery"


@dataclass(frozen=True, slots=True)
class Drive:
    """One trip, second by second: speed in m/s, and the share of its path covered."""

    number: int
    started_ms: int
    speeds: tuple[float, ...]
    shares: tuple[float, ...]
    path: Path
    backwards: bool
    faults: TripFaults

    @property
    def ended_ms(self) -> int:
        """When it ends, exclusive."""
        return self.started_ms + len(self.speeds) * SECOND_MS

    def at(self, second: int) -> Point:
        """Where the vehicle is in that second."""
        if not self.backwards:
            return self.path.at(self.shares[second])
        point = self.path.at(1.0 - self.shares[second])
        return point._replace(heading=(point.heading + 180.0) % 360.0)


class Vehicle:
    """A vehicle of the fleet: drives out in even half hours, back home in odd ones."""

    def __init__(self, seed: int, index: int, rates: FaultRates) -> None:
        chance = drawn(seed, index)
        self.device = DeviceId(opaque_id("device", seed, index))
        self.powertrain = chance.choice(tuple(Powertrain))
        self.reports_unneeded = chance.random() < rates.unneeded
        self.reports_unknown = chance.random() < rates.unknown
        self.stored = chance.random()
        """Share of a tank or charge at the beginning of time."""
        self._home = starting_place(chance)
        self._phase_ms = chance.randrange(SLOT_MS)
        self._rates = rates
        self._key = (seed, index)
        self._kept: dict[int, Drive] = {}

    def chance(self, *parts: str | int) -> Random:
        """A random stream of this vehicle's own."""
        return drawn(*self._key, *parts)

    def drives(self, from_ms: int, until_ms: int) -> Iterator[Drive]:
        """The trips of every half hour that touches [from, until)."""
        first = (from_ms - self._phase_ms) // SLOT_MS
        last = (until_ms - 1 - self._phase_ms) // SLOT_MS
        for number in range(first, last + 1):
            yield self._drive(number)

    def _drive(self, number: int) -> Drive:
        if number not in self._kept:
            if len(self._kept) >= _TRIPS_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[number] = self._draw(number)
        return self._kept[number]

    def _draw(self, number: int) -> Drive:
        # The way back is the way out in reverse, so the next trip starts where this one ends.
        chance = self.chance("pair", number // 2)
        speeds = speed_profile(chance, chance.randint(16 * 60, 27 * 60))
        path = drawn_path(chance, self._home, sum(speeds))
        backwards = number % 2 == 1
        if backwards:
            speeds.reverse()
        whole_m = sum(speeds)
        shares = tuple(covered_m / whole_m for covered_m in accumulate(speeds))
        faults = trip_faults(self.chance("faults", number), self._rates, len(speeds))
        started_ms = number * SLOT_MS + self._phase_ms
        return Drive(number, started_ms, tuple(speeds), shares, path, backwards, faults)
