"""What people in memory cost: ``python -m bench.people``.

A worker's control views read the rows of so many people (a registered device, a link and two
consents each) as bytes, as they do when a worker starts; only the broker is not there: the rows are
made as they are fetched, and making them does not count. The figures are the memory of the whole
process at the end, and the CPU time from nothing to all that was read. The core holds them if it is
built; ``--without-core`` has Python do it.
"""

import argparse
import asyncio
import gc
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from bus.memory.broker import FakeBroker
from bus.partitions import partition_for
from bus.ports import SetAside
from bus.records import APPEND_TIME
from bus.topics import TopicSpec
from processors.core_people import people_here
from processors.packed_people import PackedPeople
from processors.people import People
from roadfade.clock import wall_ms
from roadfade.in_force.control_views import ControlViews, PeopleRows
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS
from telemetry.wire.control import (
    ConsentInterval,
    DeviceRegistration,
    LinkInterval,
    encode_row,
)

PEOPLE: Final = 1_000_000
PARTITIONS: Final = 4
AT_ONCE: Final = 500
"""People of one fetch: two rows each in either topic."""
SINCE_MS: Final = 1_700_000_000_000
PAPER: Final = 10_000_000


class Figures(NamedTuple):
    """After so many people: resident megabytes (10^6 bytes), and CPU seconds since the start."""

    people: int
    rss_mb: float
    cpu_s: float


class _Record(NamedTuple):
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


class _Making:
    """How many people's rows were made by both readers, and the CPU time that this took."""

    def __init__(self, people: int) -> None:
        self.people = people
        self.done = asyncio.Event()
        self.cpu_s = 0.0
        self.reading = 2


class _Rows:
    """Obeys ``ports.TopicReader``; makes the rows it gives."""

    def __init__(self, topic: str, making: _Making) -> None:
        self._topic = topic
        self._making = making
        self._offsets = [0] * PARTITIONS
        self._next = 0

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self, deadline_ms: int) -> None:
        """Nothing to close."""

    async def caught_up(self) -> bool:
        """Whether all were given."""
        return self._next >= self._making.people

    async def fetch(self) -> Mapping[int, Sequence[Any]]:
        """The next rows."""
        began_s = time.process_time()
        given: dict[int, list[_Record]] = {}
        until = min(self._next + AT_ONCE, self._making.people)
        if self._next == until:
            self._making.reading -= 1
            if self._making.reading == 0:
                self._making.done.set()
            await self._making.done.wait()
            await asyncio.sleep(0)
            return {}
        for number in range(self._next, until):
            for key, value in rows_of(self._topic, number):
                at = partition_for(key, PARTITIONS)
                offset = self._offsets[at]
                self._offsets[at] += 1
                record = _Record(at, offset, SINCE_MS, APPEND_TIME, key, value)
                given.setdefault(at, []).append(record)
        self._next = until
        self._making.cpu_s += time.process_time() - began_s
        return given

    def set_aside(self) -> list[SetAside]:
        """Nothing is."""
        return []


class _Broker(FakeBroker):
    def __init__(self, making: _Making) -> None:
        super().__init__()
        self._making = making

    def reader(self, topic: str, partitions: int, **_: Any) -> Any:
        """A reader of rows that are made as they are fetched."""
        del partitions
        return _Rows(topic, self._making)


def main() -> None:
    """Measure and print."""
    ask = argparse.ArgumentParser(prog="python -m bench.people", description=__doc__)
    ask.add_argument("--people", type=int, default=PEOPLE)
    ask.add_argument("--without-core", action="store_true")
    ask.add_argument("--json", action="store_true", help="one JSON object as the last line")
    told = ask.parse_args()
    found = asyncio.run(measure(told.people, PackedPeople if told.without_core else people_here))
    if told.json:
        print(json.dumps(found))
        return
    print(f"{found['people']:,} people, held by {found['held_by']}:")
    print(f"{found['rss_mb']:.0f} MB, {found['cold_start_s']:.1f} CPU-s")
    print(
        f"{found['bytes_per_person']:.0f} bytes a person, {found['rss_mb_at_10m']:.0f} MB for ten"
    )
    print("million, by that slope")


async def measure(count: int, make: Callable[[], People]) -> dict[str, Any]:
    """What they take, and what each takes beyond a process that has read nobody yet."""
    nobody_mb = _resident_mb()
    people = make()
    whole = await _read(people, count)
    slope = (whole.rss_mb - nobody_mb) / whole.people
    return {
        "people": whole.people,
        "held_by": type(people).__name__,
        "rss_mb": round(whole.rss_mb, 1),
        "cold_start_s": round(whole.cpu_s, 2),
        "bytes_per_person": round(slope * 1e6, 1),
        "rss_mb_at_10m": round(whole.rss_mb + slope * (PAPER - whole.people)),
    }


async def _read(people: People, count: int) -> Figures:
    """What a start with so many people takes; RuntimeError if they are not all there then."""
    making = _Making(count)
    broker = _Broker(making)
    async with broker.admin() as admin:
        await admin.create(
            [TopicSpec(name, PARTITIONS, {}) for name in (CONTROL_LINKS, CONTROL_CONSENTS)]
        )
    rows = {topic: PeopleRows(topic, people) for topic in (CONTROL_LINKS, CONTROL_CONSENTS)}
    views = ControlViews(broker, rows, wall_ms, 30_000)
    gc.collect()
    began_s = time.process_time()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(views.run())
        await making.done.wait()
        cpu_s = time.process_time() - began_s - making.cpu_s
        await views.stop()
    gc.collect()
    found = Figures(count, _resident_mb(), cpu_s)
    _check(people, count)
    return found


def _check(people: People, count: int) -> None:
    for number in range(0, count, max(1, count // 1_000)):
        link, _, _ = people.link_at(_device(number), SINCE_MS)
        linked = link is not None and link.subject == _subject(number)
        if not linked or len(people.consents_of(_subject(number))) != len(_ASKED):
            msg = "somebody is missing"
            raise RuntimeError(msg)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


_ASKED: Final = (
    ("product_rnd", "location", None, "service_provision_location@2"),
    ("insurance", "third_party", "insurer", "third_party_provision@2"),
)


def rows_of(topic: str, number: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of one person's rows on a control topic."""
    device, subject = _device(number), _subject(number)
    if topic == CONTROL_LINKS:
        yield (
            _row_id("d", number).encode(),
            encode_row(DeviceRegistration(device, SINCE_MS - number)),
        )
        name = _row_id("l", number)
        secret = LinkSecret(hashlib.sha256(name.encode()).digest())
        link = LinkInterval(name, device, subject, secret, SINCE_MS - number, None, "driver")
        yield name.encode(), encode_row(link)
        return
    for place, asked in enumerate(_ASKED):
        name = _row_id(f"c{place}", number)
        yield (
            name.encode(),
            encode_row(ConsentInterval(name, subject, *asked, SINCE_MS - number, None)),  # type: ignore[arg-type]  # a basis is one of three words
        )


_BASE32: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_PAIRS: Final = [first + second for first in _BASE32 for second in _BASE32]
"""What ten bits are in base32: ``base64`` takes longer than all the rest of making a row."""


def _row_id(kind: str, number: int) -> str:
    """A row id as the office makes them, decided by what it is for."""
    digest = hashlib.blake2b(f"{kind}|{number}".encode(), digest_size=16).digest()
    bits = int.from_bytes(digest, "big") << 2
    return "".join([_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)])


def _device(number: int) -> DeviceId:
    return DeviceId(f"d-{hashlib.blake2b(b'd%d' % number, digest_size=7).hexdigest()}")


def _subject(number: int) -> SubjectId:
    return SubjectId(f"s-{hashlib.blake2b(b's%d' % number, digest_size=7).hexdigest()}")


if __name__ == "__main__":
    main()
