"""The fixed job as a data engineer writes it for one engine: on the parsed JSON of an envelope.

In: an envelope as dicts and lists. Out: the values and headers of purposes a, b and c. Shared by
the engines in Python that have no types of their own. Imports only the standard library.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from math import floor
from typing import Any, Final

from bench.peers.task import Task

SPEED: Final = "Vehicle.Speed"
RPM: Final = "Vehicle.Powertrain.CombustionEngine.Speed"
FUEL: Final = "Vehicle.Powertrain.FuelSystem.RelativeLevel"
LATITUDE: Final = "Vehicle.CurrentLocation.Latitude"
LONGITUDE: Final = "Vehicle.CurrentLocation.Longitude"
BATTERY: Final = "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current"

INSTANTS_KEPT_MAX: Final = 10_000
Treat = Callable[[float], float]
Headers = list[tuple[str, bytes]]
FLOOR_MS: Final = {"a": 1_000, "b": 900_000, "c": 60_000}
EVERY: Final = {"a": 1, "b": 2, "c": 1}
COLUMNS: Final[dict[str, dict[str, Treat | None]]] = {
    "a": {SPEED: None, RPM: None, FUEL: lambda x: floor(x / 5 + 0.5) * 5},
    "b": {
        SPEED: lambda x: floor(x / 10) * 10,
        LATITUDE: lambda x: floor(x * 100 + 0.5) / 100,
        LONGITUDE: lambda x: floor(x * 100 + 0.5) / 100,
    },
    "c": {BATTERY: None, RPM: lambda x: floor(x / 100 + 0.5) * 100},
}


class Transform:
    """One purpose of the job. Pseudonyms and headers are made once and kept."""

    def __init__(self, task: Task, purpose: str) -> None:
        self.topic = task.purposes[purpose].topic
        self._task = task
        self.purpose = purpose
        self._pseudonyms: dict[str, str] = {}
        self._headers: dict[str, Headers] = {}

    def wants(self, envelope: dict[str, Any]) -> bool:
        """Whether the purpose may have anything of this vehicle."""
        return self.purpose != "c" or self._task.drivers[envelope["device"]].agreed

    def value(self, envelope: dict[str, Any]) -> dict[str, Any]:
        """The record's value."""
        purpose = self.purpose
        floor_ms, every = FLOOR_MS[purpose], EVERY[purpose]
        t0_ms = instant_ms(envelope["clock"]["t0"])
        start_ms = t0_ms - t0_ms % floor_ms
        series = {}
        for path, treat in COLUMNS[purpose].items():
            column = envelope["series"][path]
            values = column["value"][::every]
            times = [t0_ms + dt for dt in column["dt"][::every]]
            series[path] = {
                "unit": column["unit"],
                "dt": [time - time % floor_ms - start_ms for time in times],
                "value": [treat(x) for x in values] if treat else values,
            }
        return {
            "v": 1,
            "pseudonym": self.pseudonym(envelope["device"]),
            "t0": text_of(start_ms),
            "series": series,
        }

    def pseudonym(self, device: str) -> str:
        """The record's key."""
        known = self._pseudonyms.get(device)
        if known is None:
            known = self._pseudonyms[device] = self._task.pseudonym(self.purpose, device)
        return known

    def headers(self, envelope: dict[str, Any]) -> Headers:
        """Four headers; Roadfade's own records have up to eleven."""
        return self.headers_of(envelope["clock"]["t0"][:10])

    def headers_of(self, day: str) -> Headers:
        """The headers of records of a day, ``YYYY-MM-DD``."""
        known = self._headers.get(day)
        if known is None:
            known = self._headers[day] = self._made(day)
        return known

    def _made(self, day: str) -> Headers:
        purpose = self._task.purposes[self.purpose]
        ends = date.fromisoformat(day) + timedelta(days=purpose.retain_days)
        return [
            ("purpose", self.purpose.encode()),
            ("basis", purpose.basis.encode()),
            ("policy_version", self._task.policy_version.encode()),
            ("expires_at", f"{ends}T00:00:00Z".encode()),
        ]


def transforms(task: Task) -> list[Transform]:
    """All purposes of the job."""
    return [Transform(task, purpose) for purpose in task.purposes]


@lru_cache(INSTANTS_KEPT_MAX)
def instant_ms(text: str) -> int:
    """When an envelope began; its purposes ask one after the other."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@lru_cache(INSTANTS_KEPT_MAX)
def text_of(at_ms: int) -> str:
    """A record's t0; records of one second, or one quarter of an hour, have the same."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
