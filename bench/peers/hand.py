"""The fixed job by hand: a bare aiokafka loop, with msgspec structs in and out.

In: a task. Out: figures. It knows the six columns, checks nothing, keeps no account, and writes
four headers. Nothing of ours but the bare loop and its meter is in it.
"""

from functools import lru_cache
from math import floor
from typing import Final

import msgspec
from aiokafka.partitioner import murmur2
from msgspec import Raw, Struct, field

from bench.metering import Figures, Meter
from bench.peers.bare_loop import Sent, carry
from bench.peers.by_hand import (
    BATTERY,
    EVERY,
    FLOOR_MS,
    FUEL,
    LATITUDE,
    LONGITUDE,
    RPM,
    SPEED,
    Transform,
    instant_ms,
    text_of,
    transforms,
)  # fmt: skip
from bench.peers.task import Task

PARTITIONS: Final = 4
TIMES_KEPT_MAX: Final = 10_000


class Column(Struct, gc=False):
    """A column as it comes; columns that share their times have the same bytes there."""

    unit: str
    dt: Raw
    value: list[int | float]


class Kept(Struct, gc=False):
    """A column as it leaves."""

    unit: str
    dt: list[int]
    value: list[int | float]


class Series(Struct, gc=False):
    """The six columns."""

    speed: Column = field(name=SPEED)
    rpm: Column = field(name=RPM)
    fuel: Column = field(name=FUEL)
    latitude: Column = field(name=LATITUDE)
    longitude: Column = field(name=LONGITUDE)
    battery: Column = field(name=BATTERY)


class Clock(Struct, gc=False):
    """When the envelope began."""

    t0: str


class Envelope(Struct, gc=False):
    """What the job reads of an envelope."""

    device: str
    clock: Clock
    series: Series


class Record(Struct, gc=False):
    """The value of an output."""

    v: int
    pseudonym: str
    t0: str
    series: dict[str, Kept]


@lru_cache(TIMES_KEPT_MAX)
def deltas_of(written: bytes) -> list[int]:
    """The times of a column; many columns have the same."""
    return msgspec.json.decode(written, type=list[int])


class Times:
    """The times of one envelope for one purpose; found once for columns that share them."""

    def __init__(self, t0_ms: int, purpose: str) -> None:
        self._t0_ms = t0_ms
        self._floor_ms, self._every = FLOOR_MS[purpose], EVERY[purpose]
        self.start_ms = t0_ms - t0_ms % self._floor_ms
        self._last: tuple[bytes, list[int]] = b"", []

    def of(self, column: Column) -> list[int]:
        """The floored times of a column, of every nth reading."""
        written = bytes(column.dt)
        if written != self._last[0]:
            deltas = deltas_of(written)[:: self._every]
            t0_ms, floor_ms, start_ms = self._t0_ms, self._floor_ms, self.start_ms
            floored = [(at := t0_ms + dt) - at % floor_ms - start_ms for dt in deltas]
            self._last = written, floored
        return self._last[1]


def kept_a(series: Series, times: Times) -> dict[str, Kept]:
    """Speeds as they are; fuel to 5 %."""
    speed, rpm, fuel = series.speed, series.rpm, series.fuel
    return {
        SPEED: Kept(speed.unit, times.of(speed), speed.value),
        RPM: Kept(rpm.unit, times.of(rpm), rpm.value),
        FUEL: Kept(fuel.unit, times.of(fuel), [floor(x / 5 + 0.5) * 5 for x in fuel.value]),
    }


def kept_b(series: Series, times: Times) -> dict[str, Kept]:
    """Every second speed in buckets, every second position rounded."""
    speed = series.speed
    buckets: list[int | float] = [floor(x / 10) * 10 for x in speed.value[::2]]
    kept = {SPEED: Kept(speed.unit, times.of(speed), buckets)}
    for path, column in ((LATITUDE, series.latitude), (LONGITUDE, series.longitude)):
        rounded: list[int | float] = [floor(x * 100 + 0.5) / 100 for x in column.value[::2]]
        kept[path] = Kept(column.unit, times.of(column), rounded)
    return kept


def kept_c(series: Series, times: Times) -> dict[str, Kept]:
    """The battery as it is; engine speed to 100."""
    battery, rpm = series.battery, series.rpm
    return {
        BATTERY: Kept(battery.unit, times.of(battery), battery.value),
        RPM: Kept(rpm.unit, times.of(rpm), [floor(x / 100 + 0.5) * 100 for x in rpm.value]),
    }


KEPT: Final = {"a": kept_a, "b": kept_b, "c": kept_c}


class Job:
    """The outputs of the task's envelopes. Keeps what does not change: pseudonyms, partitions."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._purposes = list(zip(task.purposes, transforms(task), strict=True))
        self._places: dict[tuple[str, str], tuple[str, bytes, int]] = {}
        self._decode = msgspec.json.Decoder(Envelope).decode
        self._encode = msgspec.json.Encoder().encode

    def outputs(self, value: bytes) -> list[Sent]:
        """The outputs of an envelope."""
        envelope = self._decode(value)
        device, t0 = envelope.device, envelope.clock.t0
        t0_ms = instant_ms(t0)
        found: list[Sent] = []
        for purpose, one in self._purposes:
            if purpose == "c" and not self._task.drivers[device].agreed:
                continue
            times = Times(t0_ms, purpose)
            pseudonym, key, partition = self._place(purpose, one, device)
            series = KEPT[purpose](envelope.series, times)
            text = self._encode(Record(1, pseudonym, text_of(times.start_ms), series))
            found.append((one.topic, partition, key, text, one.headers_of(t0[:10])))
        return found

    def _place(self, purpose: str, one: Transform, device: str) -> tuple[str, bytes, int]:
        known = self._places.get((purpose, device))
        if known is None:
            pseudonym = one.pseudonym(device)
            key = pseudonym.encode()
            known = pseudonym, key, (murmur2(key) & 0x7FFFFFFF) % PARTITIONS
            self._places[purpose, device] = known
        return known


async def run(task: Task) -> Figures:
    """Process the task's records."""
    job = Job(task)
    return await carry(task, Meter(task.records), lambda record: job.outputs(record.value))
