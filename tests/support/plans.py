"""Small handmade plans, for tests that need one without the document."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from policy.plan.plan import Lane, Output, Plan, Rule, Transport
from policy.vocabulary.operations import (
    Bucket,
    Keep,
    MeshJis,
    Operation,
    Round,
    ThinCount,
    ThinTime,
)
from policy.vocabulary.terms import Basis, BasisKind, Denial, Epoch, Period, RecipientClass, Where
from telemetry.instants import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Grain
from telemetry.outcome import Withheld
from telemetry.signals import Catalogue, Kind, Signal
from telemetry.wire.control import Role
from telemetry.wire.record import LATITUDE, LONGITUDE, MESH, TROUBLE_CODES

SPEED = "Vehicle.Speed"
RPM = "Vehicle.Powertrain.CombustionEngine.Speed"
FUEL = "Vehicle.Powertrain.FuelSystem.RelativeLevel"
BELT = "Vehicle.Cabin.Seat.Row1.DriverSide.IsBelted"
ODOMETER = "Vehicle.TraveledDistance"
HERE = Where("test.yaml", 1)
TRANSPORT = Transport(HOUR_MS, 10 * MINUTE_MS, 2 * HOUR_MS)


def number(path: str, unit: str, low: float, high: float, kind: Kind) -> Signal:
    return Signal(path=path, unit=unit, datatype="float", kind=kind, min=low, max=high)


CATALOGUE = Catalogue(
    "test",
    {
        signal.path: signal
        for signal in (
            number(SPEED, "km/h", 0, 400, Kind.BEHAVIOUR),
            Signal(path=RPM, unit="rpm", datatype="uint16", kind=Kind.TECHNICAL, min=0, max=20_000),
            number(FUEL, "percent", 0, 100, Kind.TECHNICAL),
            number(LATITUDE, "degrees", -90, 90, Kind.POSITION),
            number(LONGITUDE, "degrees", -180, 180, Kind.POSITION),
            Signal(path=BELT, unit="", datatype="boolean", kind=Kind.BEHAVIOUR),
            number(ODOMETER, "m", 0, 1e9, Kind.TECHNICAL),
            Signal(path=TROUBLE_CODES, unit="", datatype="string", kind=Kind.TECHNICAL),
            Signal(path=MESH, unit="", datatype="string", kind=Kind.POSITION, derived=True),
        )
    },
)

PUBLISHED = Basis(BasisKind.PUBLISHED, "service@1")
LOCATION = Basis(BasisKind.LOCATION, "service@1")
THIRD_PARTY = Basis(BasisKind.THIRD_PARTY, "sharing@1")


def lane(
    name: str,
    days: int,
    floor_ms: int,
    signals: Mapping[str, tuple[Operation, ...]],
    basis: Basis = PUBLISHED,
    grain: Grain = Grain.DAY,
    not_for: Mapping[str, tuple[Role, ...]] = MappingProxyType({}),
) -> Lane:
    rules = tuple(
        Rule(f"{name}/{path}", path, "C", operations, basis, ("law",), HERE, not_for.get(path, ()))
        for path, operations in signals.items()
    )
    return Lane(name, Period(days, "days"), "reading", grain, floor_ms, rules)


def output(
    purpose: str,
    lanes: Sequence[Lane],
    recipient: str = "team",
    recipient_class: RecipientClass = "internal",
    denials: Sequence[Denial] = (),
) -> Output:
    return Output(
        purpose, purpose, recipient, recipient_class, f"purpose.{purpose}", TRANSPORT, Epoch(3),
        tuple(lanes), tuple(denials),
    )  # fmt: skip


def plan(*outputs: Output) -> Plan:
    collected = frozenset(rule.signal for out in outputs for one in out.lanes for rule in one.rules)
    return Plan(
        "test", 3, 0, "d" * 64, CATALOGUE, outputs, collected, {}, {}, TRANSPORT, TRANSPORT,
        sources=("obd", "can"), services=("car", "van"), unstated_source="obd",
        unstated_service="car",
    )  # fmt: skip


PLAN = plan(
    output(
        "service",
        [
            lane("30d", 30, SECOND_MS, {LATITUDE: (Keep(),), LONGITUDE: (Keep(),)}, LOCATION),
            lane(
                "400d",
                400,
                SECOND_MS,
                {SPEED: (Keep(),), RPM: (Round(100),), FUEL: (Round(5),), TROUBLE_CODES: (Keep(),)},
            ),
        ],
    ),
    output(
        "research",
        [
            lane(
                "700d",
                700,
                15 * MINUTE_MS,
                {
                    SPEED: (ThinTime(10_000), Bucket(10)),
                    LATITUDE: (ThinCount(2), MeshJis(500)),
                    LONGITUDE: (ThinCount(2), MeshJis(500)),
                    BELT: (Keep(),),
                },
            )
        ],
        denials=[Denial(FUEL, Withheld.UNSUPPORTED, "research/FUEL", ("law",), HERE)],
    ),
    output(
        "sharing",
        [lane("60d", 60, MINUTE_MS, {SPEED: (ThinCount(2),)}, THIRD_PARTY)],
        recipient="insurer",
        recipient_class="third_party",
    ),
)
"""Three outputs with every kind of lane: exact on consent, kept, coarse, shared."""

DAY = DAY_MS
