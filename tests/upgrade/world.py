"""Three people who drive, one of whom withdraws: what both versions are tried with. All generated.

In: a road of any version. Out: an installation with devices, links, consents, keys, rows and a
ledger; and what was driven, which is told apart by a latitude of each person's own.
"""

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from bus.records import Outgoing
from roadfade.clock import wall_ms
from roadfade.demo.fleet import almost_expired_ms
from roadfade.demo.process_group import PROCESS_ROLES
from sinks.lake.layout import outputs
from sinks.query.session import run_query
from telemetry.instants import MINUTE_MS, SECOND_MS, format_instant
from telemetry.wire.record import LATITUDE, LONGITUDE
from tests.flow.planted import column
from tests.support.pace import plan_of, play, raw
from tests.upgrade.programs import RoadOf

APP: Final = "service_provision.app"
ANA, BEN, CEM = PEOPLE = ("person-ana", "person-ben", "person-cem")
"""Ana will be forgotten, Ben stays, Cem withdraws."""
POSITIONS: Final = 10
SETTINGS: Final[dict[str, Any]] = {
    "partitions": 2,
    "lake_buckets": 2,
    "grain_at_most": "minute",
    "topic_retention_s_at_most": 3600,
    "sink_batch_s": 0.3,
    "raw_allow_unsealed": True,
    "heartbeat_every_s": 0.5,
}
Rows = Counter[tuple[Any, ...]]


def drive(subject: str, at_ms: int) -> Outgoing:
    """Ten positions, a second apart, at the person's own place."""
    place = 35.1 + PEOPLE.index(subject)
    body = {
        "v": 1,
        "id": sha256(f"{subject}{at_ms}".encode()).hexdigest()[:26],
        "device": f"dongle-of-{subject}",
        "clock": {"t0": format_instant(at_ms), "quality": "gnss"},
        "series": {
            LATITUDE: column("degrees", *[place] * POSITIONS),
            LONGITUDE: column("degrees", *[place + 104] * POSITIONS),
        },
    }
    return raw(json.dumps(body).encode(), f"dongle-of-{subject}")


def minutes_ago(minutes: int) -> int:
    """A full minute that long ago."""
    return (wall_ms() // MINUTE_MS - minutes) * MINUTE_MS


def furnish(road: RoadOf) -> None:
    """Everything from nothing by the road's own program; processes run when this returns."""
    road.did("topics", "apply")
    road.start(*PROCESS_ROLES)
    long_ago = format_instant(minutes_ago(60 * 24 * 60))
    for subject in PEOPLE:
        for basis in ("location", "opt_in"):
            agreed = ("--subject", subject, "--purpose", "service_provision", "--basis", basis)
            road.did("consent", "grant", *agreed, "--from", long_ago)
        who = ("--device", f"dongle-of-{subject}", "--subject", subject, "--role", "driver")
        road.did("register", *who, "--from", long_ago, "--wait", "60")
    road._told()
    old_ms = almost_expired_ms(plan_of(road.settings), wall_ms())
    play(road.settings, [drive(one, minutes_ago(30)) for one in PEOPLE] + [drive(BEN, old_ms)])
    road.drained()
    ends = ("--subject", CEM, "--purpose", "service_provision")
    road.did("consent", "withdraw", *ends, "--at", format_instant(minutes_ago(20)), "--wait", "60")
    road._told()
    play(road.settings, [drive(one, minutes_ago(10)) for one in PEOPLE])
    road.drained()


def rows_in(lake: Path, now_ms: int) -> Rows:
    """Every row that can be read at an instant, with its output; nothing is changed."""
    found = Rows()
    for output in outputs(lake):
        asked = run_query(lake, output, "SELECT * FROM readings", now_ms)
        found.update((output, *row) for row in asked.rows)
    return found


def places_of(lake: Path, subject: str, now_ms: int) -> list[int]:
    """When a person's exact positions were recorded, as the app's users read them."""
    place = 35.1 + PEOPLE.index(subject)
    query = (
        f"SELECT epoch_ms(t) FROM readings WHERE signal = '{LATITUDE}' "  # noqa: S608  # constants
        f"AND abs(number - {place}) < 0.01"
    )
    found = run_query(lake, APP, query, now_ms).rows if APP in outputs(lake) else []
    return sorted(row[0] for row in found)


def times_of(*starts_ms: int) -> list[int]:
    """When the positions of drives were recorded."""
    return sorted(at + n * SECOND_MS for at in starts_ms for n in range(POSITIONS))
