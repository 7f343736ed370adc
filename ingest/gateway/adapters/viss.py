"""VISS's data: ``{"path", "dp": {"value", "ts"}}``, one or many, alone or within ``data``.

Paths are VSS's, with dots or slashes, and values are in VSS 6.0's units: the catalogue has them.
Values are texts; ``ts`` is the instant of capture, UTC. Of requests, tokens and subscriptions
nothing is read.
Source: COVESA Vehicle Information Service Specification 3.0, "Data".
"""

from typing import Any, Final

import msgspec

from ingest.gateway.adapters.gathered import (
    UNDECODABLE,
    Adapted,
    Gathered,
    LeftOut,
    Target,
    number_of,
    objects,
)
from ingest.gateway.adapters.instants import of_text
from ingest.gateway.formats import AdapterContext
from ingest.gateway.ports import Refusal
from telemetry.signals import Catalogue

FORMAT: Final = "viss"
SOURCE: Final = "can"
PATH_CHARS_MAX: Final = 256


def adapt(payload: bytes, context: AdapterContext, catalogue: Catalogue) -> Adapted | Refusal:
    """The envelopes of one message; MALFORMED if it has no data."""
    try:
        message = msgspec.json.decode(payload)
    except UNDECODABLE:
        return Refusal.MALFORMED
    if isinstance(message, dict) and "data" in message:
        message = message["data"]
    gathered = Gathered(FORMAT, SOURCE, payload, context, catalogue, {})
    read = 0
    for one in objects(message):
        path = one.get("path")
        if isinstance(path, str) and len(path) <= PATH_CHARS_MAX and "dp" in one:
            read += 1
            _read(gathered, Target(path.replace("/", ".")), one["dp"])
    return gathered.adapted() if read else Refusal.MALFORMED


def _read(gathered: Gathered, target: Target, points: Any) -> None:
    for point in objects(points):
        at_ms = of_text(point.get("ts"))
        if at_ms is None:
            gathered.left_out[LeftOut.BAD_TIME] += 1
            continue
        value = point.get("value")
        signal = gathered.catalogue.by_path.get(target.path)
        is_text = signal is not None and signal.datatype == "string"
        gathered.add_to(target, value if is_text else number_of(value), at_ms, "rtc")
