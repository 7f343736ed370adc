"""AWS IoT FleetWise's vehicle data as JSON: ``{"signals": {name: [{"value", "time"}]}, …}``.

Names are the signal catalog's, which are VSS paths if it was made from VSS; ``time`` is
milliseconds since 1970 UTC. Of campaign, vehicle and event nothing is read.
Source: AWS IoT FleetWise's developer guide, "Vehicle data in JSON".
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
from ingest.gateway.adapters.instants import of_epoch_ms
from ingest.gateway.formats import AdapterContext
from ingest.gateway.ports import Refusal
from telemetry.signals import Catalogue

FORMAT: Final = "fleetwise"
SOURCE: Final = "can"


def adapt(payload: bytes, context: AdapterContext, catalogue: Catalogue) -> Adapted | Refusal:
    """The envelopes of one event; MALFORMED if it has no signals."""
    members = members_of(payload)
    signals = None if members is None else members.get("signals")
    if not isinstance(signals, dict):
        return Refusal.MALFORMED
    gathered = Gathered(FORMAT, SOURCE, payload, context, catalogue, {})
    for name, points in signals.items():
        for point in objects(points):
            _read(gathered, Target(name), point)
    return gathered.adapted()


def _read(gathered: Gathered, target: Target, point: dict[str, Any]) -> None:
    at_ms = of_epoch_ms(point.get("time"))
    if at_ms is None:
        gathered.left_out[LeftOut.BAD_TIME] += 1
        return
    value = point.get("value")
    signal = gathered.catalogue.by_path.get(target.path)
    if signal is not None and signal.datatype == "boolean" and value in (0, 1):
        value = bool(value)  # FleetWise writes truths as numbers
    gathered.add_to(target, value, at_ms, "rtc")
