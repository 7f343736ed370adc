"""One case of the proof of two paths: a plan, and a log of envelopes that stages divide.

In: a seed. Out: the same case each time: what a simulated fleet sends, whole or cut short, damaged
or written by hand; into three partitions, at append times that go on and sometimes back.
"""

import random
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

import msgspec

from ingest.simulation.fleet import Fleet
from policy.compiler.compile import compile_plan
from policy.language.document import Document
from policy.language.parse import parse
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from processors.program import Program, build_program
from roadfade.in_force.documents import load_catalogue, load_files, shipped_policy_path
from telemetry.instants import HOUR_MS, MINUTE_MS, SECOND_MS, parse_instant
from telemetry.wire.envelope import encode_envelope
from tests.support.every_operation import every_operation
from tests.support.mutations import Mutations
from tests.support.odd_envelopes import OddEnvelopes

PlanName = Literal["shipped", "every operation"]
How = Literal["free", "strict", "lossy"]
NOW_MS: Final = parse_instant("2026-11-20T12:00:00Z")
VEHICLES: Final = 24
POOL: Final = 1_500
PARTITIONS: Final = 3
CASE: Final = 250
"""Envelopes of one case."""


class Sent(NamedTuple):
    """One raw record."""

    partition: int
    append_ms: int
    value: bytes


class Stage(NamedTuple):
    """Records that are judged at one instant, under the same people."""

    now_ms: int
    sent: tuple[Sent, ...]


class Case(NamedTuple):
    """What both paths get. ``seed`` decides all that is not said here."""

    plan: PlanName
    how: How
    """``free``: workers come and go; ``strict``: one worker with little room, whose every count is
    compared; ``lossy``: what is before a restart is lost in part."""
    seed: int
    devices: tuple[str, ...]
    stages: tuple[Stage, ...]

    @property
    def envelopes(self) -> int:
        """How many there are."""
        return sum(len(stage.sent) for stage in self.stages)


@cache
def plan_of(name: PlanName) -> Plan:
    """The plan by its name."""
    if name == "every operation":
        return every_operation()
    document = parse(load_files(shipped_policy_path()))
    assert isinstance(document, Document)
    plan = compile_plan(document, load_catalogue(), Limits()).plan
    assert plan is not None
    return plan


@cache
def program_of(name: PlanName) -> Program:
    """The plan made ready; both paths share it."""
    return build_program(plan_of(name))


@cache
def _drives() -> tuple[Sequence[str], Sequence[bytes]]:
    """The devices of a fleet, and what it sent in the last hour, in its order."""
    fleet = Fleet(VEHICLES, seed=20263)
    envelopes = fleet.envelopes(NOW_MS - HOUR_MS, NOW_MS)
    return fleet.devices, [encode_envelope(one) for one in islice(envelopes, POOL)]


def make_case(seed: int, envelopes: int = CASE) -> Case:
    """The case of a seed."""
    chance = random.Random(f"case {seed}")
    plan: PlanName = chance.choice(("shipped", "every operation"))
    how: How = chance.choice(("free", "free", "free", "strict", "lossy"))
    devices, _ = _drives()
    some = (*chance.sample(devices, 8), "stranger", "器") if plan != "shipped" else tuple(devices)
    values = _Values(plan, some, chance, seed)
    append_ms, stages = NOW_MS, []
    while envelopes > 0:
        size = min(envelopes, chance.choice((1, 5, 20, 60, 120)))
        envelopes -= size
        sent = []
        for _ in range(size):
            append_ms += chance.choice((0, 0, 1, 40, SECOND_MS, 10 * SECOND_MS, -500))
            partition, value = values.one(append_ms)
            sent.append(Sent(partition, append_ms, value))
        append_ms += chance.choice((0, MINUTE_MS, 11 * MINUTE_MS))
        behind_ms = chance.choice((0, 0, 0, -1, 2 * HOUR_MS, 25 * HOUR_MS))
        stages.append(Stage(append_ms + behind_ms, tuple(sent)))
    return Case(plan, how, seed, some, tuple(stages))


class _Values:
    """Values of raw records, each with the partition that it goes to."""

    def __init__(
        self, plan: PlanName, devices: Sequence[str], chance: random.Random, seed: int
    ) -> None:
        program = program_of(plan)
        self._chance = chance
        self._drives = [] if plan == "every operation" else _drives()[1]
        self._next = chance.randrange(POOL)
        self._mutations = Mutations(program, devices, chance)
        self._odd = OddEnvelopes(program, devices, NOW_MS, seed)
        self._unkept = set(program.plan.catalogue.by_path) - set(program.index)

    def one(self, append_ms: int) -> tuple[int, bytes]:
        """The next."""
        chance = self._chance
        if not self._drives or chance.random() < 0.1:
            value = self._odd.one()
        else:
            self._next = (self._next + 1) % len(self._drives)
            value = self._drives[self._next]
            if chance.random() < 0.8:
                value = self._shortened(value, append_ms)
        partition = zlib.crc32(value[20:90]) if chance.random() < 0.01 else _device_number(value)
        if chance.random() < 0.3:
            value = self._mutations.of(value)
        return partition % PARTITIONS, value

    def _shortened(self, value: bytes, append_ms: int) -> bytes:
        """A few columns and readings: an account, and a difference, is as good in small."""
        chance = self._chance
        said: dict[str, Any] = msgspec.json.decode(value)
        said["id"] = f"{said['id'][:12]}{chance.getrandbits(32):08x}{append_ms % 10**6:06d}"
        series: Mapping[str, Any] = said.get("series", {})
        paths = chance.sample(list(series), min(len(series), chance.choice((1, 2, 4, 8))))
        if chance.random() < 0.9:
            paths = [path for path in paths if path not in self._unkept]
        if chance.random() < 0.5:
            paths += [path for path in series if "CurrentLocation.L" in path and path not in paths]
        readings = chance.choice((1, 2, 5, 12))
        from_ = chance.choice((0, 0, 3))
        said["series"] = {
            path: {
                "unit": series[path]["unit"],
                "dt": series[path]["dt"][from_ : from_ + readings],
                "value": series[path]["value"][from_ : from_ + readings],
            }
            for path in paths
            if len(series[path]["dt"]) > from_
        }
        return msgspec.json.encode(said)


def _device_number(value: bytes) -> int:
    """A number that mostly goes with the device: whoever cannot be read has one as well."""
    from_ = value.find(b'"device"')
    return zlib.crc32(value[from_ + 10 : from_ + 24])
