"""A processor with people behind it, ready to be fed envelopes."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from policy.plan.plan import Plan
from processors.minimise import Minimised
from processors.packed_people import PackedPeople
from processors.processor import Processor
from processors.program import build_program
from processors.pseudonyms import KeyName
from processors.state.bins import Room
from processors.tally import Tally
from telemetry.identity import DeviceId, EpochKey, LinkSecret, SubjectId
from telemetry.instants import DAY_MS, format_instant, parse_instant
from telemetry.wire.control import (
    ConsentInterval,
    ConsentKind,
    DeviceRegistration,
    LinkInterval,
    Restriction,
    RestrictionReason,
    Role,
)
from telemetry.wire.flow import OutputFlow
from telemetry.wire.record import CE_ID

NOW_MS = parse_instant("2026-11-20T12:00:00Z")
DEVICE = "dev-000001"


class EveryKey(dict[KeyName, EpochKey | None]):
    """A keyring that has every key, the same in every run."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: KeyName) -> EpochKey:
        key = self[name] = EpochKey(hashlib.sha256("|".join(name).encode()).digest())
        return key


@dataclass
class World:
    """``feed`` processes one envelope and keeps the ledger of all so far."""

    plan: Plan
    people: PackedPeople = field(default_factory=PackedPeople)

    def __post_init__(self) -> None:
        self.program = build_program(self.plan)
        self.keys = EveryKey()
        self.processor = Processor(self.program, self.people, self.keys, lambda _, key: key[0] % 4)
        self.tally = Tally(self.program)
        self.state = self.program.empty_state(Room(100_000))

    def register(
        self,
        device: str = DEVICE,
        from_ms: int = NOW_MS - 400 * DAY_MS,
        service: str | None = None,
        key: str | None = None,
    ) -> None:
        row = DeviceRegistration(DeviceId(device), from_ms, service)
        self.people.apply(f"d-{key or device}".encode(), row)

    def link(
        self,
        device: str = DEVICE,
        subject: str = "subject-1",
        from_ms: int = NOW_MS - 400 * DAY_MS,
        to_ms: int | None = None,
        role: Role = "driver",
    ) -> None:
        name = f"l-{device}-{from_ms}"
        secret = LinkSecret(hashlib.sha256(name.encode()).digest())
        row = LinkInterval(name, DeviceId(device), SubjectId(subject), secret, from_ms, to_ms, role)
        self.people.apply(name.encode(), row)

    def consent(
        self,
        purpose: str,
        basis: ConsentKind,
        notice: str,
        subject: str = "subject-1",
        recipient: str | None = None,
        from_ms: int = NOW_MS - 300 * DAY_MS,
        to_ms: int | None = None,
    ) -> None:
        name = f"c-{subject}-{purpose}-{basis}-{from_ms}"
        row = ConsentInterval(
            name, SubjectId(subject), purpose, basis, recipient, notice, from_ms, to_ms
        )
        self.people.apply(name.encode(), row)

    def restrict(
        self,
        reason: RestrictionReason,
        from_ms: int,
        to_ms: int | None = None,
        purpose: str | None = None,
        recipient: str | None = None,
        subject: str = "subject-1",
    ) -> bytes:
        """The key of the row."""
        name = f"x-{subject}-{reason}-{purpose}-{recipient}-{from_ms}"
        row = Restriction(name, SubjectId(subject), reason, purpose, recipient, from_ms, to_ms)
        self.people.apply(name.encode(), row)
        return name.encode()

    def feed(
        self, value: bytes | None, received_ms: int = NOW_MS, now_ms: int = NOW_MS
    ) -> list[Minimised]:
        return self.processor.process(value, received_ms, now_ms, self.tally, self.state)

    def ledger(self) -> dict[str, OutputFlow]:
        return self.tally.settle()[0]

    def rejected(self) -> dict[str, int]:
        return self.tally.settle()[1]


def without_ids(records: list[Minimised]) -> list[Minimised]:
    """The same but for the record ids, which stand for the whole envelope, under a secret key."""
    return [
        msgspec.structs.replace(
            one, headers=[(name, text) for name, text in one.headers if name != CE_ID]
        )
        for one in records
    ]


def known_world(plan: Plan, role: Role = "driver") -> World:
    """One registered, linked device whose subject consented to everything in PLAN."""
    world = World(plan)
    world.register()
    world.link(role=role)
    world.consent("service", "location", "service@1")
    world.consent("sharing", "third_party", "sharing@1", recipient="insurer")
    return world


def envelope(series: dict[str, Any], at_ms: int = NOW_MS - 60_000, **fields: Any) -> bytes:
    """The bytes of an envelope with these series."""
    body = {
        "v": 1,
        "id": fields.pop("id", "01K0000000000000000000TEST"),
        "device": fields.pop("device", DEVICE),
        "clock": {"t0": format_instant(at_ms), "quality": "gnss"},
        "series": series,
    }
    return msgspec.json.encode(body | fields)


def column(unit: str, value: list[Any], step_ms: int = 1000) -> dict[str, Any]:
    """A column with one reading every ``step_ms``."""
    return {"unit": unit, "dt": [i * step_ms for i in range(len(value))], "value": value}
