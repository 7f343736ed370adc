"""Poison on a real broker: a few bytes that unpack to more than a process may hold."""

import asyncio
import resource
import sys
from collections import Counter
from collections.abc import Sequence

import pytest

from bus.client.connection import Connection
from bus.failures import RowFault
from bus.loops.batch_loop import BatchSettings
from bus.loops.gathering import SinkSettings
from bus.loops.sink_loop import SinkLoop
from bus.ports import ReaderSettings
from bus.topics import TopicSpec
from bus.view import CompactedView
from telemetry.arrived import Arrived
from tests.integration.bus_road import (
    GROUP,
    IN,
    OUT,
    Noted,
    committed,
    copier,
    make_road,
    make_topics,
    numbered,
    publish,
    running,
    until,
    values,
)

pytestmark = [pytest.mark.broker, pytest.mark.faults]
BOMB_BYTES = 200 * 1024 * 1024
MAY_GROW_BYTES = 120 * 1024 * 1024
"""Far less than the bomb; a little more than three copies of the largest batch allowed."""
CODECS = ["zstd", "lz4", "gzip", "snappy"]


class Told(Noted):
    def __init__(self) -> None:
        super().__init__()
        self.aside: Counter[str] = Counter()

    def quarantined(self, topic: str, partition: int, records: int) -> None:
        self.aside[topic] += records


def grown_to() -> int:
    """The most memory that this process ever had, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


DROP = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

async def drop(servers, topic, codec, length):
    limits = dict.fromkeys(("max_request_size", "max_batch_size"), 1 << 30)
    async with AIOKafkaProducer(
        bootstrap_servers=servers, compression_type=codec, **limits
    ) as producer:
        await producer.send_and_wait(topic, bytes(int(length)), key=b"k", partition=0)

asyncio.run(drop(*sys.argv[1:]))
"""
"""A process of its own: what it holds must not hide what the reader comes to hold."""


async def drop(connection: Connection, topic: str, codec: str) -> None:
    # What these make of zeros is a hundredth or more: a topic takes no more of them.
    length = BOMB_BYTES if codec in {"zstd", "gzip"} else 18 * 1024 * 1024
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DROP,
        connection.bootstrap_servers, connection.topic(topic), codec, str(length),
    )  # fmt: skip
    assert await process.wait() == 0


@pytest.mark.parametrize("codec", CODECS)
async def test_a_bomb_is_passed_over_by_a_batch_loop(connection: Connection, codec: str) -> None:
    await make_road(connection, partitions=1)
    await publish(connection, numbered(0, 50))
    await drop(connection, IN, codec)
    await publish(connection, numbered(50, 100))
    before, noted = grown_to(), Told()
    settings = BatchSettings(ReaderSettings(records_max=2_000))
    async with running(copier(connection, noted, settings=settings)) as tasks:
        await until(lambda: noted.records == 100, *tasks)
    assert grown_to() - before < MAY_GROW_BYTES
    assert await values(connection, OUT, 1) == Counter(b"%d" % n for n in range(100))
    assert noted.aside == {IN: 1}
    assert not noted.expired, "it did not expire"
    assert await committed(connection) == {(IN, 0): 101}


async def test_a_bomb_at_the_end_leaves_no_lag(connection: Connection) -> None:
    await make_road(connection, partitions=1)
    await publish(connection, numbered(0, 3))
    await drop(connection, IN, "zstd")
    async with running(copier(connection, noted := Told())) as tasks:
        while (await committed(connection)).get((IN, 0)) != 4:
            assert not tasks[0].done()
            await asyncio.sleep(0.05)
    assert (noted.records, noted.aside, noted.expired) == (3, {IN: 1}, {})


async def test_a_bomb_is_passed_over_by_a_sink_loop(connection: Connection) -> None:
    await make_road(connection, partitions=1)
    await drop(connection, IN, "zstd")
    await publish(connection, numbered(0, 50))
    kept: list[bytes | None] = []

    async def write(records: Sequence[Arrived]) -> None:
        kept.extend(record.value for record in records)

    noted = Told()
    loop = SinkLoop(
        connection, [IN], GROUP, lambda _topic, _number: None, write, observer=noted,
        settings=SinkSettings(gather_ms=10),
    )  # fmt: skip
    task = asyncio.create_task(loop.run())
    await until(lambda: noted.records == 50, task)
    await loop.stop()
    await task
    assert len(kept) == 50
    assert (noted.aside, noted.expired) == ({IN: 1}, {})


async def test_a_bomb_is_passed_over_by_a_view_and_told(connection: Connection) -> None:
    await make_topics(connection, TopicSpec(IN, 1, {"cleanup.policy": "compact"}))
    await drop(connection, IN, "zstd")
    await publish(connection, numbered(0, 3))
    rows: dict[bytes, bytes | None] = {}
    faults: list[RowFault] = []
    view = CompactedView(
        connection, IN, rows.__setitem__, heartbeat_at=int, elapsed_ms=lambda: 0,
        quarantined=lambda _topic, fault: faults.append(fault),
    )  # fmt: skip
    reading = asyncio.create_task(view.run())
    await until(lambda: len(rows) == 3 and view.ready.is_set(), reading)
    await view.stop()
    await reading
    assert faults == [RowFault.UNPACKING]
