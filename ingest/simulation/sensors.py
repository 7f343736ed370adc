"""What a simulated vehicle reports in one window of a trip, as columns.

In: a vehicle, a trip, a span of seconds. Out: catalogue paths with their units and
plausible values: engine speed follows gears, stores run down with distance.
"""

from random import Random
from typing import Final

from ingest.simulation.vehicle import Drive, Powertrain, Vehicle
from telemetry.wire.envelope import Column

SPEED: Final = "Vehicle.Speed"
LATITUDE: Final = "Vehicle.CurrentLocation.Latitude"
LONGITUDE: Final = "Vehicle.CurrentLocation.Longitude"
HEADING: Final = "Vehicle.CurrentLocation.Heading"
PEDAL: Final = "Vehicle.Chassis.Accelerator.PedalPosition"
OUTSIDE: Final = "Vehicle.Exterior.AirTemperature"
ENGINE_SPEED: Final = "Vehicle.Powertrain.CombustionEngine.Speed"
COOLANT: Final = "Vehicle.Powertrain.CombustionEngine.EngineCoolant.Temperature"
FUEL: Final = "Vehicle.Powertrain.FuelSystem.RelativeLevel"
CHARGE: Final = "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current"
VOLTAGE: Final = "Vehicle.Powertrain.TractionBattery.CurrentVoltage"
POWER: Final = "Vehicle.Powertrain.TractionBattery.CurrentPower"
BATTERY_TEMPERATURE: Final = "Vehicle.Powertrain.TractionBattery.Temperature.Average"

_GEAR_TOPS_MPS: Final = (4.0, 8.0, 12.5, 17.5, 23.0, 100.0)
_RPM_PER_MPS: Final = (520.0, 290.0, 195.0, 145.0, 112.0, 88.0)
_IDLE_RPM: Final = 760.0
_NOISE_DEGREES: Final = 0.00002
"""GNSS scatter of about two metres."""


def columns(vehicle: Vehicle, drive: Drive, seconds: range, chance: Random) -> dict[str, Column]:
    """Every series of one window; ``dt`` counts from its first second."""
    points = [drive.at(second) for second in seconds]
    speeds = [drive.speeds[second] for second in seconds]
    gains = [drive.speeds[s] - drive.speeds[max(s - 1, 0)] for s in seconds]
    dt = [1000 * n for n in range(len(seconds))]
    noise = [(chance.gauss(0, _NOISE_DEGREES), chance.gauss(0, _NOISE_DEGREES)) for _ in seconds]

    def every(unit: str, values: list[float]) -> Column:
        return Column(unit, dt, values)

    def once(unit: str, value: float) -> Column:
        return Column(unit, [0], [value])

    latitudes = [round(p.latitude + n[0], 6) for p, n in zip(points, noise, strict=True)]
    longitudes = [round(p.longitude + n[1], 6) for p, n in zip(points, noise, strict=True)]
    moves = list(zip(speeds, gains, strict=True))
    pedal = [round(min(100.0, max(0.0, 12 + 40 * g)) if v else 0.0, 1) for v, g in moves]
    series = {
        SPEED: every("km/h", [round(v * 3.6, 1) for v in speeds]),
        LATITUDE: every("degrees", latitudes),
        LONGITUDE: every("degrees", longitudes),
        HEADING: every("degrees", [round(p.heading, 1) % 360 for p in points]),
        PEDAL: every("percent", pedal),
        OUTSIDE: once("celsius", round(16 + 10 * vehicle.stored, 1)),
    }
    if vehicle.powertrain is not Powertrain.BATTERY:
        series[ENGINE_SPEED] = every("rpm", [_engine_speed(v, chance) for v in speeds])
        fuel = [_level(vehicle, drive, second, 0.04) for second in seconds]
        series[FUEL] = every("percent", fuel)
        series[COOLANT] = once("celsius", round(min(90.0, 30 + seconds.start / 5), 1))
    if vehicle.powertrain is not Powertrain.COMBUSTION:
        charge = [_level(vehicle, drive, second, 0.22) for second in seconds]
        watts = [round(-(300 * v + 1500 * v * g + 400), 0) for v, g in moves]
        series[CHARGE] = every("percent", charge)
        series[POWER] = every("W", watts)
        series[VOLTAGE] = once("V", round(330 + charge[0] * 0.7, 1))
        series[BATTERY_TEMPERATURE] = once("celsius", round(22 + 6 * vehicle.stored, 1))
    return series


def _engine_speed(speed: float, chance: Random) -> float:
    gear = next(n for n, top in enumerate(_GEAR_TOPS_MPS) if speed < top)
    return float(round(max(_IDLE_RPM, speed * _RPM_PER_MPS[gear]) + chance.uniform(-15, 15)))


def _level(vehicle: Vehicle, drive: Drive, second: int, per_trip: float) -> float:
    """Percent left: falls with the way driven and jumps up when filled."""
    used = vehicle.stored + (drive.number + drive.shares[second]) * per_trip
    return round(95.0 - 85.0 * (used % 1.0), 1)
