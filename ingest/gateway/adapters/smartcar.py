"""A webhook in Smartcar's style: ``{"data": {"signals": [{"code", "body", "meta"}]}}``.

The instant is the maker's (``oemUpdatedAt``): when it was fetched says nothing of the vehicle. A
signal whose status is an error has no value. Of user, vehicle and event nothing is read.
Source: Smartcar's documentation, "Webhooks" and "Signals".
"""

from typing import Any, Final

from ingest.gateway.adapters.gathered import (
    Adapted,
    Gathered,
    LeftOut,
    Target,
    members_of,
    objects,
)
from ingest.gateway.adapters.instants import of_either
from ingest.gateway.formats import AdapterContext
from ingest.gateway.ports import Refusal
from telemetry.signals import Catalogue

FORMAT: Final = "smartcar"
SOURCE: Final = "cloud"
LOCATION: Final = "location-preciselocation"
_MILE: Final = 1_609.344
NAMES: Final = {
    "odometer-traveleddistance": Target("Vehicle.TraveledDistance", 1_000.0),
    "odometer-traveleddistance miles": Target("Vehicle.TraveledDistance", _MILE),
    "tractionbattery-stateofcharge": Target(
        "Vehicle.Powertrain.TractionBattery.StateOfCharge.Displayed"
    ),
    "tractionbattery-range": Target("Vehicle.Powertrain.TractionBattery.Range", 1_000.0),
    "tractionbattery-range miles": Target("Vehicle.Powertrain.TractionBattery.Range", _MILE),
    "charge-ischarging": Target("Vehicle.Powertrain.TractionBattery.Charging.IsCharging"),
    "charge-ischargingcableconnected": Target(
        "Vehicle.Powertrain.TractionBattery.Charging.IsChargingCableConnected"
    ),
    "internalcombustionengine-fuellevel": Target("Vehicle.Powertrain.FuelSystem.RelativeLevel"),
    "lowvoltagebattery-voltage": Target("Vehicle.LowVoltageBattery.CurrentVoltage"),
}


def adapt(payload: bytes, context: AdapterContext, catalogue: Catalogue) -> Adapted | Refusal:
    """The envelopes of one event; MALFORMED if it has no signals."""
    members = members_of(payload)
    data = None if members is None else members.get("data")
    signals = data.get("signals") if isinstance(data, dict) else None
    if not isinstance(signals, list):
        return Refusal.MALFORMED
    gathered = Gathered(FORMAT, SOURCE, payload, context, catalogue, NAMES)
    for one in objects(signals):
        _read(gathered, one)
    return gathered.adapted()


def _read(gathered: Gathered, signal: dict[str, Any]) -> None:
    code, body, meta = signal.get("code"), signal.get("body"), signal.get("meta")
    status = signal.get("status")
    failed = isinstance(status, dict) and status.get("value") not in (None, "SUCCESS")
    if not isinstance(code, str) or not isinstance(body, dict) or failed:
        gathered.left_out[LeftOut.UNMAPPED] += 1
        return
    at_ms = of_either(meta.get("oemUpdatedAt")) if isinstance(meta, dict) else None
    if at_ms is None:
        gathered.left_out[LeftOut.BAD_TIME] += 1
    elif code == LOCATION:
        gathered.add_position(body.get("latitude"), body.get("longitude"), at_ms, "gnss")
    else:
        miles = body.get("unit") in ("miles", "mi")
        gathered.add(f"{code} miles" if miles else code, body.get("value"), at_ms, "rtc")
