"""Planting records that can be recognised, and watching when no file of a broker holds them.

In: topics as they are made, one broker, its folder of logs. Out: for each canary how many seconds
after it was planted, or replaced, the last file lost it. Files are read as they lie: canaries are
not compressed. What a file held for less than the time between two looks is not missed, since a
canary counts only once it was seen.
"""

import asyncio
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final

from bus.client.connection import Connection
from bus.publisher import Publisher
from bus.records import Outgoing
from roadfade.clock import wall_ms
from telemetry.topics import HEARTBEAT_KEY

LOOK_EVERY_S: Final = 0.1
COMPANY_EVERY_S: Final = 0.5
BEAT_EVERY_S: Final = 5.0
REPLACED_AFTER_S: Final = 1.0
_CANARY: Final = re.compile(rb"canary:[\w.]+:\d+:[0-9a-f]{16}:")
_INDEX: Final = re.compile(r"\.(time)?index\b")


class Company(Enum):
    """What comes to a topic beside the canaries."""

    NOBODY = "nobody"
    OTHERS = "others"
    """Records with keys of their own."""
    HEARTBEATS = "heartbeats"
    """One row under one key on each partition, as the office sends it."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic under trial; ``bound_s`` is what the project's own formula gives for it."""

    kind: str
    """Also its name."""
    config: Mapping[str, str]
    bound_s: float
    company: Company
    replaced: bool = False
    """Whether a canary ends by a tombstone under its key, and its time counts from that."""

    def partitions(self, canaries: int) -> int:
        """How many it needs: one for each canary, unless others' records come."""
        return 1 if self.company is Company.OTHERS else canaries


@dataclass(slots=True)
class Watched:
    """The canaries of one topic; instants are of the monotonic clock."""

    topic: Topic
    count: int
    """How many are planted."""
    ends_s: dict[bytes, float] = field(default_factory=dict)
    """From when its time counts."""
    seen: set[bytes] = field(default_factory=set)
    gone_s: dict[bytes, float] = field(default_factory=dict)
    """Seconds that it lay there."""

    @property
    def living(self) -> int:
        """How many lie in some file, or are not planted yet."""
        return self.count - len(self.gone_s)

    @property
    def complete(self) -> bool:
        """Whether all were planted and are gone."""
        return not self.living

    def look(self, found: set[bytes], now_s: float) -> None:
        """Take in what all files hold now."""
        here = found & self.ends_s.keys()
        self.seen |= here
        for canary in here & self.gone_s.keys():
            del self.gone_s[canary]  # its file was renamed between listing and reading
        for canary in self.seen - here - self.gone_s.keys():
            self.gone_s[canary] = now_s - self.ends_s[canary]


def in_files(logs: Path) -> set[bytes]:
    """Every canary that a file below the broker's folder holds. Blocks.

    Indexes are left out: they hold offsets and times alone, and are 10 MB of zeros each.
    """
    found: set[bytes] = set()
    for file in logs.rglob("*"):
        if _INDEX.search(file.name):
            continue
        try:
            found.update(_CANARY.findall(file.read_bytes()) if file.is_file() else ())
        except FileNotFoundError:
            continue  # it went meanwhile
    return found


class Planter:
    """Plants the canaries of one topic, at moments by chance."""

    def __init__(self, broker: Connection, watched: Watched, chance: random.Random) -> None:
        self._broker = broker
        self._watched = watched
        self._places = watched.topic.partitions(watched.count)
        self._chance = chance

    async def plant(self, over_s: float) -> None:
        """Plant all of them within this time, then keep them company until cancelled."""
        publisher = Publisher(self._broker, clock=wall_ms, compression=None)
        async with publisher, asyncio.TaskGroup() as group:
            group.create_task(self._company(publisher))
            for number in range(self._watched.count):
                after_s = self._chance.uniform(0, over_s)
                group.create_task(self._one(publisher, number, after_s))

    async def _one(self, publisher: Publisher, number: int, after_s: float) -> None:
        await asyncio.sleep(after_s)
        topic = self._watched.topic
        name = f"canary:{topic.kind}:{number}:{self._chance.getrandbits(64):016x}:".encode()
        partition = number % self._places
        key = b"row-%d" % number
        began_s = time.monotonic()
        await publisher.publish([Outgoing(topic.kind, partition, key, name)])
        if topic.replaced:
            await asyncio.sleep(REPLACED_AFTER_S)
            began_s = time.monotonic()
            await publisher.publish([Outgoing(topic.kind, partition, key, None)])
        self._watched.ends_s[name] = began_s

    async def _company(self, publisher: Publisher) -> None:
        topic = self._watched.topic
        number = 0
        while topic.company is not Company.NOBODY:
            if topic.company is Company.HEARTBEATS:
                beats = [
                    Outgoing(topic.kind, place, HEARTBEAT_KEY, b"~")
                    for place in range(self._places)
                ]
                await publisher.publish(beats)
                await asyncio.sleep(BEAT_EVERY_S)
            else:
                number += 1
                await publisher.publish([Outgoing(topic.kind, 0, b"other-%d" % number, b"~")])
                await asyncio.sleep(COMPANY_EVERY_S)
