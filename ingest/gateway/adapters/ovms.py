"""OVMS v3's metrics as one JSON object of names and values, alone or within ``metrics``.

So the module's own web socket writes them; who bridges its MQTT topics, one for each metric, puts
the names of the metrics and never the topics, which name user and vehicle. A position counts from
``v.p.gpstime`` and only under a lock; the rest has no time, so it is of the reception. Power and
current are positive out of the battery there, and into it in VSS.
Source: OVMS v3's user guide, "Standard Metrics".
"""

from collections.abc import Mapping
from typing import Any, Final

from ingest.gateway.adapters.gathered import (
    Adapted,
    Gathered,
    LeftOut,
    Target,
    members_of,
    number_of,
)
from ingest.gateway.adapters.instants import of_epoch_s
from ingest.gateway.formats import AdapterContext
from ingest.gateway.ports import Refusal
from telemetry.signals import Catalogue

FORMAT: Final = "ovms"
SOURCE: Final = "obd"
_BATTERY: Final = "Vehicle.Powertrain.TractionBattery"
_AXLE: Final = "Vehicle.Chassis.Axle"
NAMES: Final = {
    "v.p.speed": Target("Vehicle.Speed"),
    "v.p.odometer": Target("Vehicle.TraveledDistance", 1_000.0),
    "v.p.trip": Target("Vehicle.TripMeterReading", 1_000.0),
    "v.p.acceleration": Target("Vehicle.Acceleration.Longitudinal"),
    "v.b.soc": Target(f"{_BATTERY}.StateOfCharge.Displayed"),
    "v.b.soh": Target(f"{_BATTERY}.StateOfHealth"),
    "v.b.voltage": Target(f"{_BATTERY}.CurrentVoltage"),
    "v.b.current": Target(f"{_BATTERY}.CurrentCurrent", -1.0),
    "v.b.power": Target(f"{_BATTERY}.CurrentPower", -1_000.0),
    "v.b.range.est": Target(f"{_BATTERY}.Range", 1_000.0),
    "v.b.temp": Target(f"{_BATTERY}.Temperature.Average"),
    "v.b.p.temp.min": Target(f"{_BATTERY}.Temperature.Min"),
    "v.b.p.temp.max": Target(f"{_BATTERY}.Temperature.Max"),
    "v.b.p.voltage.min": Target(f"{_BATTERY}.CellVoltage.Min"),
    "v.b.p.voltage.max": Target(f"{_BATTERY}.CellVoltage.Max"),
    "v.b.12v.voltage": Target("Vehicle.LowVoltageBattery.CurrentVoltage"),
    "v.c.charging": Target(f"{_BATTERY}.Charging.IsCharging"),
    "v.c.duration.full": Target(f"{_BATTERY}.Charging.TimeToComplete", 60.0),
    "v.e.throttle": Target("Vehicle.Chassis.Accelerator.PedalPosition"),
    "v.e.footbrake": Target("Vehicle.Chassis.Brake.PedalPosition"),
    "v.e.handbrake": Target("Vehicle.Chassis.ParkingBrake.IsEngaged"),
    "v.e.temp": Target("Vehicle.Exterior.AirTemperature"),
    "v.e.cabintemp": Target("Vehicle.Cabin.HVAC.AmbientAirTemperature"),
    "v.m.rpm": Target("Vehicle.Powertrain.ElectricMotor.Speed"),
    "v.m.temp": Target("Vehicle.Powertrain.ElectricMotor.Temperature"),
    "v.tp.fl.p": Target(f"{_AXLE}.Row1.Wheel.Left.Tire.Pressure"),
    "v.tp.fr.p": Target(f"{_AXLE}.Row1.Wheel.Right.Tire.Pressure"),
    "v.tp.rl.p": Target(f"{_AXLE}.Row2.Wheel.Left.Tire.Pressure"),
    "v.tp.rr.p": Target(f"{_AXLE}.Row2.Wheel.Right.Tire.Pressure"),
}
_OF_FIX: Final = {
    "v.p.altitude": Target("Vehicle.CurrentLocation.Altitude"),
    "v.p.direction": Target("Vehicle.CurrentLocation.Heading"),
}
LATITUDE: Final = "v.p.latitude"
LONGITUDE: Final = "v.p.longitude"
_LOCK: Final = "v.p.gpslock"
_TIME: Final = "v.p.gpstime"
_POSITION: Final = frozenset([LATITUDE, LONGITUDE, *_OF_FIX])
_OF_POSITION: Final = _POSITION | {_LOCK, _TIME}
_TRUTHS: Final = {"yes": True, "no": False}


def adapt(payload: bytes, context: AdapterContext, catalogue: Catalogue) -> Adapted | Refusal:
    """The envelopes of one report; MALFORMED if it is no object."""
    members = members_of(payload)
    metrics = None if members is None else members.get("metrics", members)
    if not isinstance(metrics, dict):
        return Refusal.MALFORMED
    gathered = Gathered(FORMAT, SOURCE, payload, context, catalogue, NAMES)
    if metrics.keys() & _POSITION:
        _read_fix(gathered, metrics)
    for name, value in metrics.items():
        if name not in _OF_POSITION:
            gathered.add(name, _said(value), None, "none")
    return gathered.adapted()


def _read_fix(gathered: Gathered, metrics: Mapping[str, Any]) -> None:
    """One place at one time: without a lock it is the last known, without a time it is undated."""
    if _said(metrics.get(_LOCK)) is not True:
        gathered.left_out[LeftOut.NO_FIX] += 1
        return
    at_ms = of_epoch_s(_said(metrics.get(_TIME)))
    if not at_ms:  # a receiver that never knew the time says 0
        gathered.left_out[LeftOut.BAD_TIME] += 1
        return
    latitude, longitude = _said(metrics.get(LATITUDE)), _said(metrics.get(LONGITUDE))
    gathered.add_position(latitude, longitude, at_ms, "gnss")
    for name, target in _OF_FIX.items():
        if name in metrics:
            gathered.add_to(target, _said(metrics[name]), at_ms, "gnss")


def _said(value: Any) -> Any:
    """Over MQTT every value is a text, and a truth is ``yes`` or ``no``."""
    if isinstance(value, str) and value in _TRUTHS:
        return _TRUTHS[value]
    return number_of(value)
