"""Random histories: who drives what, agrees, withdraws, ends a contract, asks to be forgotten.

In: a seed. Out: acts with their instants, in order; a history is the same for its seed. It keeps to
what offices accept: nobody acts who was forgotten, nothing is recorded before it happened.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.walk.words import day_of

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
BEGIN_MS: Final = 1_791_158_400_000
"""2026-10-05T00:00:00Z, some days after the shipped policy begins."""
PEOPLE: Final = ("ana", "ben", "cho", "dai")
DEVICES: Final = ("dongle-1", "dongle-2", "dongle-3")
PURPOSES: Final = (
    "device_engineering", "product_rnd", "service_improve", "service_provision",
    "third_party_provision",
)  # fmt: skip
ASKS: Final = {
    "location": ("service_provision", "location", None),
    "driving": ("service_provision", "opt_in", None),
    "workshop": ("third_party_provision", "third_party", "example_maintenance"),
}
KINDS: Final = ("contract_end", "contract_end", "device_retired", "campaign_end")
SIGNALS: Final = {
    "Vehicle.CurrentLocation.Latitude": 35.68,
    "Vehicle.CurrentLocation.Longitude": 139.76,
    "Vehicle.TripMeterReading": 4_000.0,
    "Vehicle.Speed": 43.0,
    "Vehicle.Powertrain.CombustionEngine.Speed": 1_500,
    "Vehicle.LowVoltageBattery.CurrentVoltage": 12.5,
    "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current": 60.0,
}
CODES: Final = "Vehicle.OBD.DTCList"
DELAYS: Final = (3 * HOUR, 3 * DAY, 20 * DAY, 100 * DAY, 190 * DAY, 300 * DAY)


class Takes(NamedTuple):
    """A device is somebody's from now on: bought, borrowed, given back."""

    device: str
    subject: str
    role: str


class Agrees(NamedTuple):
    subject: str
    asks: str


class Withdraws(NamedTuple):
    subject: str
    purpose: str
    recipient: str | None
    at_ms: int
    everything: bool = False


class Happens(NamedTuple):
    kind: str
    subject: str | None
    device: str | None
    at_ms: int


class TakesBack(NamedTuple):
    """An event by its number."""

    number: int


class Erases(NamedTuple):
    """All None: the whole person."""

    subject: str
    purposes: Collection[str] | None
    device: str | None
    from_ms: int | None
    to_ms: int | None


class Objects(NamedTuple):
    subject: str
    purpose: str


class Lifts(NamedTuple):
    """An objection by its number."""

    number: int


class Reads(NamedTuple):
    """An envelope of one instant comes in."""

    number: int
    device: str
    t_ms: int


class Restarts(NamedTuple):
    """The sink ends and is opened again; its small pieces are joined."""


Act = Takes | Agrees | Withdraws | Happens | TakesBack | Erases | Objects | Lifts | Reads | Restarts


class Dated(NamedTuple):
    """An act and when it is done."""

    at_ms: int
    act: Act


@dataclass
class _World:
    """What a history needs to remember of itself to be accepted."""

    chance: random.Random
    now_ms: int = BEGIN_MS
    acts: list[Dated] = field(default_factory=list)
    alive: list[str] = field(default_factory=lambda: list(PEOPLE))
    drivers: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    """By device: who has had it, since when; nobody: empty."""
    agreed: set[tuple[str, str]] = field(default_factory=set)
    events: int = 0
    taken_back: set[int] = field(default_factory=set)
    objections: list[bool] = field(default_factory=list)
    edges: set[int] = field(default_factory=set)
    """Days on which something begins or ends for some readings and not for others."""
    slots: set[tuple[str, int]] = field(default_factory=set)
    reads: int = 0

    def do(self, act: Act, *edges_ms: int | None) -> None:
        self.acts.append(Dated(self.now_ms, act))
        self.edges |= {day_of(one) for one in edges_ms if one is not None}

    def passes(self, at_least_ms: int, at_most_ms: int) -> None:
        self.now_ms += self.chance.randrange(at_least_ms, at_most_ms)

    def back(self, at_most_ms: int) -> int:
        """Some instant before now, or now."""
        return self.now_ms - self.chance.choice([0, 0, self.chance.randrange(1, at_most_ms)])


def history(seed: int, length: int) -> list[Dated]:
    """So many acts after everybody has begun."""
    world = _World(random.Random(seed))
    for person, device in zip(PEOPLE, (*DEVICES, None), strict=False):
        for asks in ASKS:
            if world.chance.random() < 0.8:
                _agrees(world, person, asks)
        if device is not None:
            _takes(world, device, person)
    while len(world.acts) < length:
        world.passes(MINUTE, world.chance.choice([HOUR, 3 * DAY, 15 * DAY, 30 * DAY]))
        world.chance.choices(*zip(*_WAYS, strict=True))[0](world)
    return world.acts


def _takes(world: _World, device: str, subject: str) -> None:
    world.do(Takes(device, subject, "driver"), world.now_ms)
    world.drivers.setdefault(device, []).append((subject, world.now_ms))


def _agrees(world: _World, subject: str, asks: str) -> None:
    world.do(Agrees(subject, asks), world.now_ms)
    world.agreed.add((subject, asks))


def _someone_takes(world: _World) -> None:
    device = world.chance.choice(DEVICES)
    subject = world.chance.choice(world.alive)
    if world.drivers.get(device, [("", 0)])[-1][0] != subject:
        _takes(world, device, subject)


def _someone_agrees(world: _World) -> None:
    _agrees(world, world.chance.choice(world.alive), world.chance.choice(list(ASKS)))


def _someone_withdraws(world: _World) -> None:
    held = sorted(one for one in world.agreed if one[0] in world.alive)
    if held:
        subject, asks = world.chance.choice(held)
        purpose, _, recipient = ASKS[asks]
        at_ms = world.back(20 * DAY)
        everything = world.chance.random() < 0.3
        world.do(Withdraws(subject, purpose, recipient, at_ms, everything), at_ms, world.now_ms)


def _something_happens(world: _World) -> None:
    kind, at_ms = world.chance.choice(KINDS), world.back(60 * DAY)
    subject, device = world.chance.choice(world.alive), world.chance.choice(DEVICES)
    known = any(subject == who for some in world.drivers.values() for who, _ in some)
    of_device = world.chance.random() < 0.5 or not known
    one = Happens(kind, None, device, at_ms) if of_device else Happens(kind, subject, None, at_ms)
    if at_ms > BEGIN_MS:
        world.do(one, at_ms)
        world.events += 1


def _something_is_taken_back(world: _World) -> None:
    left = [one for one in range(world.events) if one not in world.taken_back]
    if left:
        number = world.chance.choice(left)
        world.taken_back.add(number)
        world.do(TakesBack(number))


def _someone_erases(world: _World) -> None:
    subject = world.chance.choice(world.alive)
    theirs = sorted({d for d, some in world.drivers.items() if subject in [who for who, _ in some]})
    purposes = world.chance.choice([None, world.chance.sample(PURPOSES, 2)])
    device = world.chance.choice([None, *theirs])
    from_ms = world.chance.choice([None, world.back(60 * DAY)])
    to_ms = world.chance.choice([None, world.back(10 * DAY)])
    if from_ms is not None and from_ms >= (to_ms or world.now_ms):
        from_ms = None
    if (purposes, device, from_ms, to_ms) == (None, None, None, None):
        if len(world.alive) <= 2:
            return
        world.alive.remove(subject)
    world.do(Erases(subject, purposes, device, from_ms, to_ms), from_ms, to_ms, world.now_ms)


def _someone_objects(world: _World) -> None:
    world.do(Objects(world.chance.choice(world.alive), world.chance.choice(PURPOSES)))
    world.objections.append(True)


def _an_objection_is_lifted(world: _World) -> None:
    lasting = [number for number, lasts in enumerate(world.objections) if lasts]
    if lasting:
        number = world.chance.choice(lasting)
        world.objections[number] = False
        world.do(Lifts(number))


def _a_vehicle_is_read(world: _World) -> None:
    """On time, or late; not twice within what thins."""
    device, chance = world.chance.choice(DEVICES), world.chance
    late = chance.random() < 0.35
    t_ms = world.now_ms - (chance.choice(DELAYS) if late else chance.randrange(1, 5 * MINUTE))
    slot = device, t_ms // (10 * MINUTE)
    since_ms = min((at for _, at in world.drivers.get(device, ())), default=None)
    # What a time on both sides of an edge becomes when it is late depends on how late it is.
    on_edge = late and day_of(t_ms) in world.edges
    if slot not in world.slots and not on_edge and since_ms is not None and t_ms >= since_ms:
        world.slots.add(slot)
        world.do(Reads(world.reads, device, t_ms))
        world.reads += 1


def _the_sink_restarts(world: _World) -> None:
    world.do(Restarts())


_WAYS: Final = (
    (_a_vehicle_is_read, 16),
    (_someone_takes, 3),
    (_someone_agrees, 3),
    (_someone_withdraws, 2),
    (_something_happens, 3),
    (_something_is_taken_back, 1),
    (_someone_erases, 2),
    (_someone_objects, 1),
    (_an_objection_is_lifted, 1),
    (_the_sink_restarts, 1),
)
