"""The fixed job: who drives, under which policy, with which keys. The same in every run.

In: nothing but numbers. Out: values that both peers, the generator and the reference share.
No wall clock decides anything: records are judged at ``NOW_MS``.
"""

import hashlib
import random
from collections.abc import Collection
from pathlib import Path
from typing import Final, Literal

from policy.plan.limits import Limits
from policy.plan.plan import Plan
from processors.packed_people import PackedPeople
from processors.people import People
from processors.pseudonyms import KeyName
from roadfade.in_force.plans import compile_policy
from roadfade.settings import Settings
from telemetry.identity import DeviceId, EpochKey, LinkSecret, SubjectId
from telemetry.instants import DAY_MS, HOUR_MS, parse_instant
from telemetry.wire.control import (
    UNCONFIRMED,
    ConsentInterval,
    DeviceRegistration,
    LinkInterval,
    Role,
)  # fmt: skip

DEVICES: Final = 1_000
CONSENTING: Final = 0.8
PARTITIONS: Final = 4
PURPOSES: Final = ("a", "b", "c")
RECIPIENT: Final = "house"
EPOCH: Final = "2026-08.1m"
"""The pseudonym epoch of every record of the job."""
BEGIN_MS: Final = parse_instant("2026-08-22T10:15:30Z")
NOW_MS: Final = BEGIN_MS + 6 * HOUR_MS
SINCE_MS: Final = BEGIN_MS - 300 * DAY_MS
"""Since when everybody is registered and linked, and has agreed."""

SPEED: Final = "Vehicle.Speed"
RPM: Final = "Vehicle.Powertrain.CombustionEngine.Speed"
FUEL: Final = "Vehicle.Powertrain.FuelSystem.RelativeLevel"
LATITUDE: Final = "Vehicle.CurrentLocation.Latitude"
LONGITUDE: Final = "Vehicle.CurrentLocation.Longitude"
BATTERY: Final = "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current"


POLICY: Final = Path(__file__).parent / "policy"


def load_plan() -> Plan:
    """The compiled policy of the job; NotReady if the document has errors."""
    settings = Settings(policy=POLICY)
    return compile_policy(settings, Limits())


def device(number: int) -> DeviceId:
    """The id of one of the job's vehicles."""
    return DeviceId(f"dev-{number:06d}")


def raw_key(name: str) -> bytes:
    """The key of a device's raw records: it places them, and does not name the device."""
    return hashlib.blake2b(name.encode(), digest_size=16).digest()


def link_secret(name: str) -> LinkSecret:
    """The secret of the one link a device has."""
    return LinkSecret(hashlib.sha256(f"link|{name}".encode()).digest())


def epoch_key(name: KeyName) -> EpochKey:
    """The key of (purpose, recipient, epoch)."""
    return EpochKey(hashlib.sha256("|".join(name).encode()).digest())


class SeededKeyring:
    """A keyring that has every key."""

    def ensure(self, wanted: Collection[KeyName]) -> dict[KeyName, EpochKey]:
        """The keys of these names."""
        return {name: epoch_key(name) for name in wanted}

    def states(self) -> dict[KeyName, Literal["live", "destroyed"]]:
        """None is on record; nobody asks."""
        return {}

    def mark(self) -> str:
        """No key is ever destroyed."""
        return ""


def consenting() -> frozenset[str]:
    """The devices whose drivers agreed to purpose c."""
    chance = random.Random(7)
    return frozenset(device(n) for n in range(DEVICES) if chance.random() < CONSENTING)


def agreement(number: int, to_ms: int | None = None) -> tuple[bytes, ConsentInterval]:
    """The row by which the driver of a vehicle agrees to purpose c, and its key."""
    subject, row = SubjectId(f"subject-{number}"), f"c{number}"
    return row.encode(), ConsentInterval(row, subject, "c", "opt_in", None, "c@1", SINCE_MS, to_ms)


def everybody(role: Role = UNCONFIRMED) -> People:
    """Every device registered and linked; purpose c opened for those who consented."""
    people = PackedPeople()
    agreed = consenting()
    for number in range(DEVICES):
        name, driver = device(number), SubjectId(f"subject-{number}")
        link = LinkInterval(f"l{number}", name, driver, link_secret(name), SINCE_MS, None, role)
        people.apply(f"d{number}".encode(), DeviceRegistration(name, SINCE_MS))
        people.apply(f"l{number}".encode(), link)
        if name in agreed:
            people.apply(*agreement(number))
    return people
