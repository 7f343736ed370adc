"""The jobs' input: envelopes from a thousand vehicles, decided by a seed.

Six signals, one reading of each a second; the fixed job has 60 readings, 1.35 kB, an envelope.
Positions avoid the ties of rounding, so that no two correct ways to round can differ.
"""

import random
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from bench.job import (
    BATTERY,
    BEGIN_MS,
    DEVICES,
    FUEL,
    LATITUDE,
    LONGITUDE,
    RPM,
    SPEED,
    device,
)  # fmt: skip
from telemetry.instants import format_instant

READINGS: Final = 60
"""In one envelope of the fixed job."""
STEP_MS: Final = 1_000
UNITS: Final = {
    SPEED: "km/h", RPM: "rpm", FUEL: "percent", LATITUDE: "degrees", LONGITUDE: "degrees",
    BATTERY: "percent",
}  # fmt: skip
LONGER: Final = (SPEED, RPM, LATITUDE, LONGITUDE, FUEL, BATTERY)
"""Which columns have one reading more if six do not divide the number: both of a position."""


def rows_of(readings: int) -> dict[str, int]:
    """How many readings each column has in an envelope of so many, by path; at least six."""
    rows, more = divmod(readings, len(LONGER))
    return {path: rows + (place < more) for place, path in enumerate(LONGER)}


class _Vehicle:
    """The position of one vehicle in its drive."""

    def __init__(self, chance: random.Random, readings: int) -> None:
        self._chance = chance
        self._rows = rows_of(readings)
        self._rows_max = max(self._rows.values())
        self._dt = [row * STEP_MS for row in range(self._rows_max)]
        self._trip = f"t-{chance.randrange(2**32):08x}"
        self._speed = chance.uniform(0, 120)
        self._rpm = chance.randrange(900, 3400)
        self._fuel = chance.uniform(1, 100)
        self._battery = chance.uniform(1, 100)
        self._latitude = chance.uniform(33, 40)
        self._longitude = chance.uniform(132, 141)

    @property
    def length_ms(self) -> int:
        """How long a drive one envelope holds."""
        return len(self._dt) * STEP_MS

    def body(self, name: str, number: int, seq: int, t0_ms: int) -> dict[str, Any]:
        """The next envelope."""
        drive, rows = self._drive(), self._rows
        return {
            "v": 1,
            "id": f"01K{number:023d}",
            "device": str(name),
            "boot": "b1",
            "seq": seq,
            "clock": {"t0": format_instant(t0_ms), "quality": "gnss"},
            "sent_at": format_instant(t0_ms + self._dt[-1] + 500 + self._chance.randrange(900)),
            "trip": {"id": self._trip},
            "seat": "unknown",
            "series": {
                path: {
                    "unit": UNITS[path],
                    "dt": self._dt[: rows[path]],
                    "value": values[: rows[path]],
                }
                for path, values in drive.items()
            },
        }  # fmt: skip

    def _drive(self) -> dict[str, list[float]]:
        step = self._chance.uniform
        columns: dict[str, list[float]] = {path: [] for path in UNITS}
        self._fuel = self._fuel - 0.05 if self._fuel > 1 else 100.0
        self._battery = self._battery - 0.1 if self._battery > 1 else 100.0
        for row in range(self._rows_max):
            self._speed = min(180.0, max(0.0, self._speed + step(-4, 4)))
            self._rpm = min(6000, max(700, self._rpm + self._chance.randrange(-200, 200)))
            self._latitude += step(-2e-4, 2e-4)
            self._longitude += step(-2e-4, 2e-4)
            columns[SPEED].append(round(self._speed, 1))
            columns[RPM].append(self._rpm)
            columns[FUEL].append(round(self._fuel - 0.003 * row, 1))
            columns[LATITUDE].append(_no_tie(self._latitude))
            columns[LONGITUDE].append(_no_tie(self._longitude))
            columns[BATTERY].append(round(self._battery - 0.01 * row, 1))
        return columns


def _no_tie(degrees: float) -> float:
    millionths = int(degrees * 1e6)
    return (millionths + (millionths % 10_000 == 5_000)) / 1e6  # noqa: PLR2004  # half a hundredth


def envelopes(count: int, seed: int = 42, readings: int = READINGS) -> Iterator[tuple[str, bytes]]:
    """(device, envelope) in the order in which they reach the raw topic."""
    chance = random.Random(seed)
    vehicles = [_Vehicle(chance, readings) for _ in range(DEVICES)]
    step_ms = vehicles[0].length_ms
    order = list(range(DEVICES))
    encode = msgspec.json.Encoder().encode
    for number in range(count):
        seq, place = divmod(number, DEVICES)
        if place == 0:
            chance.shuffle(order)
        which = order[place]
        t0_ms = BEGIN_MS + seq * step_ms + chance.randrange(1_000)
        yield device(which), encode(vehicles[which].body(device(which), number, seq, t0_ms))
