"""WiCAN's AutoPID report: one JSON object of names and values, which may stand in groups.

It has no time, so readings are of the reception. Standard requests are known by the number before
the name (``0C-EngineRPM``: SAE J1979, mode 01); of a vehicle's own profile the usual names. Raw
frames (``{"bus", "type", "frame": […]}``) are left out: nobody here has their database.
Source: WiCAN's documentation, "AutoPID" and "CAN to MQTT".
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.gateway.adapters.gathered import (
    Adapted,
    Gathered,
    LeftOut,
    Target,
    members_of,
    number_of,
)
from ingest.gateway.formats import AdapterContext
from ingest.gateway.ports import Refusal
from telemetry.signals import Catalogue

FORMAT: Final = "wican"
SOURCE: Final = "obd"
_PID: Final = re.compile(r"([0-9A-Fa-f]{2})-")
_OF_PID: Final = {
    "04": Target("Vehicle.OBD.EngineLoad"),
    "05": Target("Vehicle.OBD.CoolantTemperature"),
    "0C": Target("Vehicle.OBD.EngineSpeed"),
    "0D": Target("Vehicle.OBD.Speed"),
    "0F": Target("Vehicle.OBD.IntakeTemp"),
    "11": Target("Vehicle.OBD.ThrottlePosition"),
    "2F": Target("Vehicle.OBD.FuelLevel"),
    "31": Target("Vehicle.OBD.DistanceSinceDTCClear"),
    "45": Target("Vehicle.OBD.RelativeThrottlePosition"),
    "46": Target("Vehicle.OBD.AmbientAirTemperature"),
    "5C": Target("Vehicle.OBD.OilTemperature"),
    "5E": Target("Vehicle.OBD.FuelRate"),
    "A6": Target("Vehicle.TraveledDistance", 1_000.0),
}
NAMES: Final = {
    **{f"pid {number}": target for number, target in _OF_PID.items()},
    "SOC": Target("Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed"),
    "SOC_D": Target("Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed"),
    "SOC_BMS": Target("Vehicle.Powertrain.TractionBattery.StateOfCharge.Current"),
    "SOH": Target("Vehicle.Powertrain.TractionBattery.StateOfHealth"),
    "HV_V": Target("Vehicle.Powertrain.TractionBattery.CurrentVoltage"),
    "HV_A": Target("Vehicle.Powertrain.TractionBattery.CurrentCurrent"),
    "SPEED": Target("Vehicle.Speed"),
    "ODOMETER": Target("Vehicle.TraveledDistance", 1_000.0),
}
_GROUPS_DEEP_MAX: Final = 2


def adapt(payload: bytes, context: AdapterContext, catalogue: Catalogue) -> Adapted | Refusal:
    """The envelope of one report; MALFORMED if it is no object."""
    members = members_of(payload)
    if members is None:
        return Refusal.MALFORMED
    gathered = Gathered(FORMAT, SOURCE, payload, context, catalogue, NAMES)
    if isinstance(members.get("frame"), list):
        gathered.left_out[LeftOut.FRAMES] += len(members["frame"])
        return gathered.adapted()
    for name, value in _pairs(members, _GROUPS_DEEP_MAX):
        pid = _PID.match(name)
        gathered.add(f"pid {pid[1].upper()}" if pid else name, number_of(value), None, "none")
    return gathered.adapted()


def _pairs(members: dict[str, Any], deeper: int) -> Iterator[tuple[str, Any]]:
    for name, value in members.items():
        if isinstance(value, dict) and deeper:
            yield from _pairs(value, deeper - 1)
        else:
            yield name, value
