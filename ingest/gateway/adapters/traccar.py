"""Traccar's position forward, as JSON: ``{"position": {…}, "device": {…}}``, or a position alone.

A position counts from ``fixTime`` if it is valid and not the last known one; what else the device
measured, from ``deviceTime``. Speeds are knots. Of ``device`` nothing is read.
Source: Traccar's ``Position`` model, as its JSON forwarder writes it.
"""

import re
from typing import Any, Final

from ingest.gateway.adapters.gathered import (
    Adapted,
    Gathered,
    LeftOut,
    Target,
    is_number,
    members_of,
)
from ingest.gateway.adapters.instants import of_text
from ingest.gateway.formats import AdapterContext
from ingest.gateway.ports import Refusal
from telemetry.signals import Catalogue

FORMAT: Final = "traccar"
SOURCE: Final = "gnss"
_KNOT: Final = 1.852
_OF_FIX: Final = {
    "altitude": Target("Vehicle.CurrentLocation.Altitude"),
    "course": Target("Vehicle.CurrentLocation.Heading"),
    "accuracy": Target("Vehicle.CurrentLocation.HorizontalAccuracy"),
    "speed": Target("Vehicle.Speed", _KNOT),
}
NAMES: Final = {
    "rpm": Target("Vehicle.OBD.EngineSpeed"),
    "obdSpeed": Target("Vehicle.OBD.Speed"),
    "coolantTemp": Target("Vehicle.OBD.CoolantTemperature"),
    "engineLoad": Target("Vehicle.OBD.EngineLoad"),
    "throttle": Target("Vehicle.OBD.ThrottlePosition"),
    "fuelLevel": Target("Vehicle.OBD.FuelLevel"),
    "power": Target("Vehicle.LowVoltageBattery.CurrentVoltage"),
    "odometer": Target("Vehicle.TraveledDistance"),
}
_READ: Final = frozenset(
    [*_OF_FIX, "latitude", "longitude", "fixTime", "deviceTime", "valid", "outdated", "attributes"]
)
_CODE: Final = re.compile(r"[PCBU][0-3][0-9A-F]{3}")


def adapt(payload: bytes, context: AdapterContext, catalogue: Catalogue) -> Adapted | Refusal:
    """The envelopes of one forwarded position; MALFORMED if it is none."""
    members = members_of(payload)
    position = None if members is None else members.get("position", members)
    if not isinstance(position, dict) or not {"latitude", "attributes"} & position.keys():
        return Refusal.MALFORMED
    gathered = Gathered(FORMAT, SOURCE, payload, context, catalogue, NAMES)
    gathered.left_out[LeftOut.UNMAPPED] += len(position.keys() - _READ)
    _read_fix(gathered, position)
    attributes = position.get("attributes")
    if isinstance(attributes, dict):
        _read_attributes(gathered, attributes, of_text(position.get("deviceTime")))
    return gathered.adapted()


def _read_fix(gathered: Gathered, position: dict[str, Any]) -> None:
    if position.get("outdated") is True:
        gathered.left_out[LeftOut.NOT_NEW] += 1
        return
    if position.get("valid") is not True:
        gathered.left_out[LeftOut.NO_FIX] += 1
        return
    at_ms = of_text(position.get("fixTime"))
    if at_ms is None:
        gathered.left_out[LeftOut.BAD_TIME] += 1
        return
    gathered.add_position(position.get("latitude"), position.get("longitude"), at_ms, "gnss")
    for name, target in _OF_FIX.items():
        # Traccar writes 0 for an accuracy that it does not know.
        if is_number(position.get(name)) and not (name == "accuracy" and not position[name]):
            gathered.add_to(target, position[name], at_ms, "gnss")


def _read_attributes(gathered: Gathered, attributes: dict[str, Any], at_ms: int | None) -> None:
    for name, value in attributes.items():
        if name == "dtcs" and isinstance(value, str):
            words = re.split(r"[\s,;]+", value.strip())
            codes = [word for word in words if _CODE.fullmatch(word)]
            gathered.left_out[LeftOut.BAD_VALUE] += len(words) - len(codes)
            gathered.add_codes(codes, at_ms)
        else:
            gathered.add(name, value, at_ms, "rtc")
