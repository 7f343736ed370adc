"""People who each drive at a place of their own, so that rows tell whose they are.

In: one of them, and an instant. Out: a raw record; how many of their positions readers can see.
"""

import json
from hashlib import sha256
from typing import Final

from bus.records import Outgoing
from telemetry.instants import format_instant
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.flow.planted import column
from tests.support.pace import raw
from tests.support.road import Road

APP: Final = "service_provision.app"
LEAVES, STAYS, WITHDRAWS, OBJECTS = EVERYBODY = (
    "person-who-leaves",
    "person-who-stays",
    "person-who-withdraws",
    "person-who-objects",
)
POSITIONS: Final = 10
_PLACE: Final = 35.1


def driven(subject: str, at_ms: int) -> Outgoing:
    """Ten positions, at a place that is the person's own."""
    place = EVERYBODY.index(subject)
    body = {
        "v": 1,
        "id": sha256(f"{subject}{at_ms}".encode()).hexdigest()[:26],
        "device": f"dongle-of-{subject}",
        "clock": {"t0": format_instant(at_ms), "quality": "gnss"},
        "series": {
            LATITUDE: column("degrees", *[_PLACE + place] * POSITIONS),
            LONGITUDE: column("degrees", *[139.1 + place] * POSITIONS),
        },
    }
    return raw(json.dumps(body).encode(), f"dongle-of-{subject}")


def positions_of(road: Road, subject: str) -> int:
    """So many positions of a person the app's users can see."""
    place = _PLACE + EVERYBODY.index(subject)
    where = f"signal = '{LATITUDE}' AND abs(number - {place}) < 0.01"
    return len(road.rows(APP, f"SELECT 1 FROM readings WHERE {where}"))  # noqa: S608  # constants
