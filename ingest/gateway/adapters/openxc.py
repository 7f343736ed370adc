"""OpenXC's JSON messages: ``{"name", "value", "timestamp"}``, ended by NUL or a line's end.

``timestamp`` is seconds since 1970 UTC, and may be absent. Latitude and longitude are two messages:
they are one position if they have one timestamp. Frames (``{"bus", "id", "data"}``) are left out.
Source: the OpenXC message format specification.
"""

from typing import Any, Final

from ingest.gateway.adapters.gathered import Adapted, Gathered, LeftOut, Target, members_of
from ingest.gateway.adapters.instants import of_epoch_s
from ingest.gateway.formats import AdapterContext
from ingest.gateway.ports import Refusal
from telemetry.signals import Catalogue
from telemetry.wire.envelope import READINGS_MAX

FORMAT: Final = "openxc"
SOURCE: Final = "can"
NAMES: Final = {
    "vehicle_speed": Target("Vehicle.Speed"),
    "engine_speed": Target("Vehicle.Powertrain.CombustionEngine.Speed"),
    "accelerator_pedal_position": Target("Vehicle.Chassis.Accelerator.PedalPosition"),
    "steering_wheel_angle": Target("Vehicle.Chassis.SteeringWheel.Angle"),
    "parking_brake_status": Target("Vehicle.Chassis.ParkingBrake.IsEngaged"),
    "fuel_level": Target("Vehicle.Powertrain.FuelSystem.RelativeLevel"),
    "odometer": Target("Vehicle.TraveledDistance", 1_000.0),
    "latitude": Target("Vehicle.CurrentLocation.Latitude"),
    "longitude": Target("Vehicle.CurrentLocation.Longitude"),
}


def adapt(payload: bytes, context: AdapterContext, catalogue: Catalogue) -> Adapted | Refusal:
    """The envelopes of some messages; MALFORMED if one of them is no object."""
    pieces = [one for one in payload.replace(b"\0", b"\n").split(b"\n") if one.strip()]
    if not pieces:
        return Refusal.MALFORMED
    if len(pieces) > READINGS_MAX:
        return Refusal.OVERSIZED
    gathered = Gathered(FORMAT, SOURCE, payload, context, catalogue, NAMES)
    for piece in pieces:
        members = members_of(piece)
        if members is None:
            return Refusal.MALFORMED
        _read(gathered, members)
    return gathered.adapted()


def _read(gathered: Gathered, members: dict[str, Any]) -> None:
    name = members.get("name")
    if isinstance(name, str) and "value" in members:
        stamp = members.get("timestamp")
        at_ms = of_epoch_s(stamp)
        if stamp is not None and at_ms is None:
            gathered.left_out[LeftOut.BAD_TIME] += 1
        else:
            gathered.add(name, members["value"], at_ms, "rtc")
    elif "data" in members:
        gathered.left_out[LeftOut.FRAMES] += 1
    else:
        gathered.left_out[LeftOut.UNMAPPED] += 1
