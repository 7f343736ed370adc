"""The records that ``bench.sink`` writes, and a plan that lets all of them through."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from policy.plan.plan import Lane, Output, Plan, Rule, Transport
from policy.vocabulary.operations import Round
from policy.vocabulary.terms import Basis, BasisKind, Epoch, Period, Where
from sinks.port.allowed import Judge
from telemetry.arrived import Arrived
from telemetry.instants import (
    DAY_MS,
    HOUR_MS,
    SECOND_MS,
    Grain,
    format_instant,
    parse_instant,
)
from telemetry.signals import Catalogue, Kind, Signal

BEGIN_MS: Final = parse_instant("2026-11-22T10:00:00Z")
EXPIRES_MS: Final = BEGIN_MS - BEGIN_MS % DAY_MS + 30 * DAY_MS
OUTPUTS: Final = {f"purpose.p{n}": f"p{n}" for n in range(3)}
PARTITIONS: Final = 4
PEOPLE: Final = 500
SIGNALS: Final = tuple(f"Vehicle.Signal{n}" for n in range(2))
READINGS: Final = 5
"""Of each signal of a record."""
UNIT: Final = "km/h"
VERSION: Final = "1-0123456789ab"
SECONDS: Final = 3_600
"""Records begin in one hour, over and over."""
APPENDED_MS: Final = 5_000
"""So long after its begin a topic takes a record."""
ROWS_EACH: Final = len(SIGNALS) * READINGS
TOPIC_LIFE: Final = Transport(HOUR_MS, HOUR_MS, 2 * HOUR_MS)


def records(count: int, first: int, chance: random.Random) -> list[Arrived]:
    """So many records, spread over topics and partitions, their offsets after ``first``."""
    places = [(topic, partition) for topic in OUTPUTS for partition in range(PARTITIONS)]
    return [record(*places[n % len(places)], first + n, chance) for n in range(count)]


def record(
    topic: str, partition: int, number: int, chance: random.Random, people: int = PEOPLE
) -> Arrived:
    """One record of a random one of so many people, with this offset."""
    who = pseudonym_of(chance.randrange(people))
    values = [[chance.randrange(1_200) / 10 for _ in range(READINGS)] for _ in SIGNALS]
    return record_of(topic, partition, number, who, values)


def pseudonym_of(person: int) -> str:
    """One of those who drive."""
    return f"P{person:025d}"


def record_of(
    topic: str, partition: int, number: int, who: str, values: Sequence[Sequence[float]]
) -> Arrived:
    """The record with this offset and these values of each signal."""
    series = {
        signal: {"unit": UNIT, "dt": [1_000 * row for row in range(READINGS)], "value": mine}
        for signal, mine in zip(SIGNALS, values, strict=True)
    }
    t0_ms = BEGIN_MS + number % SECONDS * 1_000
    value = {"v": 1, "pseudonym": who, "t0": format_instant(t0_ms), "series": series}
    named = {
        "ce_id": f"{number:032x}",
        "expires_at": format_instant(EXPIRES_MS),
        "policy_version": VERSION,
        "purpose": OUTPUTS[topic],
        "readings": str(ROWS_EACH),
        "consent": consent_of(number),
    }
    headers = [(name, text.encode()) for name, text in named.items()]
    payload = msgspec.json.encode(value)
    return Arrived(topic, partition, number, t0_ms + APPENDED_MS, who.encode(), payload, headers)


def consent_of(number: int) -> str:
    """What the record with this offset rests on."""
    return f"notice@1:{number % PEOPLE:016x}"


def judge() -> Judge:
    """One that holds records against a plan with a lane for each output."""
    outputs = tuple(_outputs())
    catalogue = {
        path: Signal(path=path, unit="km/h", datatype="float", kind=Kind.BEHAVIOUR, min=0, max=250)
        for path in SIGNALS
    }
    plan = Plan(
        "bench", 1, 0, "0123456789ab", Catalogue("bench", catalogue), outputs,
        frozenset(SIGNALS), {}, {}, TOPIC_LIFE, TOPIC_LIFE,
    )  # fmt: skip
    return Judge({1: plan}.get)


def _outputs() -> Iterator[Output]:
    basis, here = Basis(BasisKind.PUBLISHED, "notice@1"), Where("bench", 1)
    rules = tuple(
        Rule(path, path, "", (Round(0.1),), basis, ("law",), here, ()) for path in SIGNALS
    )
    lane = Lane("30d", Period(30, "days"), "reading", Grain.DAY, SECOND_MS, rules)
    for topic, name in OUTPUTS.items():
        yield Output(name, name, "team", "internal", topic, TOPIC_LIFE, Epoch(1), (lane,), ())
