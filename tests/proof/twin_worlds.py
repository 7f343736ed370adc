"""A pair of stores: in one a person lived and was erased, in the other they never were there.

In: a seed, a folder, a way to erase. Out: two lakes on disk, the same seeds otherwise; or what fills any
other store so. Others come, are erased, and go on after it alike in both.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import duckdb

from sinks.lake.lake import Lake, LakeSettings
from telemetry.arrived import Arrived
from telemetry.instants import DAY_MS, HOUR_MS
from tests.sinks.contract import Both
from tests.sinks.records import NOW_MS, OUTPUTS, SPEED, T0_MS, A, B, record, whose

HOURS: Final = 14
"""So long everybody drives before the erasure."""
PARTITIONS: Final = 2
SETTINGS: Final = LakeSettings(buckets=4)
Erase = Callable[[Lake, Path, str, int], None]
"""Removes everything of a pseudonym."""


def erase(lake: Lake, _root: Path, pseudonym: str, now_ms: int) -> None:
    """As a sink carries a command out."""
    for output in OUTPUTS.values():
        assert lake.erase(output, whose(pseudonym), now_ms).located_after == 0


def delete_rows(_lake: Lake, root: Path, pseudonym: str, _now_ms: int) -> None:
    """The naive way: each file is filtered in its place, and all that is said of it stays."""
    with duckdb.connect(":memory:") as engine:
        for path in sorted(root.rglob("part-*.parquet")):
            rows, there = f"FROM read_parquet('{path}', hive_partitioning = false)", [pseudonym]
            counted = engine.execute(
                f"SELECT count(*) {rows} WHERE pseudonym = ?", there
            )  # our own path
            if (counted.fetchone() or (0,))[0]:
                left = f"SELECT * {rows} WHERE pseudonym <> ?"
                engine.execute(f"COPY ({left}) TO '{path}.new' (FORMAT parquet)", there)
                Path(f"{path}.new").replace(path)


@dataclass(frozen=True, slots=True)
class Person:
    """Who drives how often, and in which outputs their rows lie."""

    pseudonym: str
    often: float


def make_pair(seed: int, folder: Path, way: Erase = erase) -> tuple[Path, Path]:
    """The world of the erased, and the one in which they never were."""
    roots = folder / "erased", folder / "never"
    for root, there in zip(roots, (True, False), strict=True):
        lake = Lake(root, OUTPUTS, SETTINGS, wait_s=0)
        live(seed, lake, partial(way, lake, root), there=there)
        lake.close()
    return roots


def live(seed: int, sink: Both, remove: Callable[[str, int], None], *, there: bool) -> None:
    """Have a store live through all hours; ``remove`` is given a pseudonym and the time."""
    chance = random.Random(seed)
    people = [
        Person(_name(chance), chance.uniform(0.1, 0.9)) for _ in range(chance.randint(24, 40))
    ]
    subject, other = people[0], people[1]
    after = chance.randint(4, 14)
    when_other = chance.randrange(HOURS // 2, HOURS + after)
    offsets: dict[tuple[str, int], int] = {}
    for hour in range(HOURS + after):
        # Made for everybody and then left out, so that nobody else's chance changes.
        drives = list(_hour(chance, hour, people))
        gone = {subject.pseudonym} if not there or hour >= HOURS else set[str]()
        if hour >= when_other:
            gone.add(other.pseudonym)
        now_ms = NOW_MS + hour * HOUR_MS
        records = [
            _numbered(one, offsets) for one in drives if one.key and one.key.decode() not in gone
        ]
        sink.write(records, now_ms)
        sink.join(now_ms)
        if hour == HOURS - 1 and there:
            remove(subject.pseudonym, now_ms)
        if hour == when_other:
            remove(other.pseudonym, now_ms)


def _name(chance: random.Random) -> str:
    return "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=26))


def _hour(chance: random.Random, hour: int, people: list[Person]) -> Iterator[Arrived]:
    for person in people:
        for topic in (A, B):
            if chance.random() < person.often:
                steps = sorted(chance.sample(range(3_600), chance.randint(1, 5)))
                speeds = [float(chance.randint(0, 120)) for _ in steps]
                yield record(
                    0, topic, chance.randrange(PARTITIONS), pseudonym=person.pseudonym,
                    ce_id=_name(chance), t0_ms=T0_MS + hour * HOUR_MS,
                    expires_ms=(T0_MS + hour * HOUR_MS) // DAY_MS * DAY_MS + 30 * DAY_MS,
                    series={SPEED: ("km/h", [step * 1_000 for step in steps], speeds)},
                )  # fmt: skip


def _numbered(one: Arrived, offsets: dict[tuple[str, int], int]) -> Arrived:
    at = one.topic, one.partition
    offsets[at] = offsets.get(at, -1) + 1
    return Arrived(*at, offsets[at], T0_MS, one.key, one.value, one.headers)
