"""A forced end on Kafka itself: no file holds a canary any more, also after a kill -9 of either."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from bus.client.connection import Connection
from bus.ports import Committed, LogFolders, Offsets, ReaderSettings, TopicPartition
from bus.publisher import Publisher
from bus.records import Outgoing
from bus.topics import TopicSpec, drift
from roadfade.clock import wall_ms
from roadfade.forced_end.force import Ended, Files, ForcedEnd, Means, Step
from roadfade.forced_end.looking import look
from roadfade.in_force.broker import bring_about
from roadfade.local.broker import LocalBroker
from sinks.port.results import Place
from telemetry.topics import SINK_GROUP

pytestmark = pytest.mark.broker

TOPIC: Final = "purpose.a"
SPEC: Final = TopicSpec(
    TOPIC,
    2,
    {"message.timestamp.type": "LogAppendTime", "retention.ms": "600000", "segment.ms": "60000"},
)
CANARY: Final = b"canary-2f6b1c0d9e"
RECORDS: Final = 10


def nowhere() -> dict[tuple[str, int], Place]:
    return {}


def forced(broker: Connection, hook: Callable[[Step], None] = lambda _: None) -> ForcedEnd:
    means = Means(broker, wall_ms, lambda: look(broker, [TOPIC], nowhere), broker.topic, hook=hook)
    return ForcedEnd(means, [SPEC], wait_s=0)


async def planted(broker: Connection) -> None:
    """Canaries on each partition, of which the sink's group has all."""
    async with broker.admin() as admin:
        await admin.create([SPEC])
    records = [
        Outgoing(TOPIC, partition, b"key", CANARY)
        for partition in range(SPEC.partitions)
        for _ in range(RECORDS)
    ]
    async with Publisher(broker, clock=wall_ms, compression=None) as publisher:
        await publisher.publish(records)

    async def nothing() -> None:
        return

    member = broker.group_member(
        SINK_GROUP, [TOPIC], member=None, settings=ReaderSettings(), revoked=nothing
    )
    await member.start()
    while len(member.assigned()) < SPEC.partitions:
        await member.fetch()
    await member.commit(
        {TopicPartition(TOPIC, n): Committed(RECORDS) for n in range(SPEC.partitions)}
    )
    await member.stop(10_000)


async def folders(broker: Connection) -> LogFolders:
    async with broker.admin() as admin:
        return await admin.log_folders()


def holding(broker: Connection) -> list[str]:
    """The files of the broker's folder that hold the canary; indexes hold offsets alone."""
    (folder,) = asyncio.run(folders(broker)).folders
    return [
        str(file)
        for file in Path(folder).rglob(f"{broker.topic(TOPIC)}-*/*")
        if "index" not in file.name and CANARY in file.read_bytes()
    ]


async def begins(broker: Connection) -> Offsets:
    async with broker.positions() as positions:
        return await positions.begin({TOPIC: SPEC.partitions})


async def differs(broker: Connection) -> list[str]:
    async with broker.admin() as admin:
        return [one.setting for one in drift(SPEC, (await admin.describe([TOPIC]))[TOPIC])]


def begins_at_records() -> Offsets:
    return {(TOPIC, number): RECORDS for number in range(SPEC.partitions)}


def run(broker: Connection, hook: Callable[[Step], None] = lambda _: None) -> Ended:
    (ended,) = asyncio.run(forced(broker, hook).run())
    return ended


def test_no_file_holds_what_was_forced_to_end(connection: Connection) -> None:
    asyncio.run(planted(connection))
    assert holding(connection)
    ended = run(connection)
    assert (ended.done, ended.files, ended.held_back) == (True, Files.NONE, {})
    assert holding(connection) == []
    assert asyncio.run(begins(connection)) == begins_at_records()
    assert asyncio.run(differs(connection)) == []


@pytest.mark.faults
@pytest.mark.parametrize("killed_at", [None, Step.CUT], ids=["afterwards", "as it was cut"])
def test_a_killed_broker_brings_nothing_back(
    killable_broker: Callable[[], LocalBroker], killed_at: Step | None
) -> None:
    machine = killable_broker()
    broker = Connection(machine.bootstrap_servers, "t.")
    asyncio.run(planted(broker))

    def kill(step: Step) -> None:
        if step is killed_at:
            machine.kill9()
            machine.start()

    ended = run(broker, kill)
    assert (ended.done, ended.files) == (True, Files.NONE)
    if killed_at is None:
        machine.kill9()
        machine.start()
    assert holding(broker) == []
    assert asyncio.run(begins(broker)) == begins_at_records()


KILLED: Final = """
import asyncio, os, signal, sys
from bus.client.connection import Connection
from tests.integration.test_forced_end import forced

def kill(step):
    if step == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(forced(Connection(sys.argv[1], sys.argv[2]), kill).run())
"""


@pytest.mark.faults
@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("mended_by", ["topics apply", "another run"])
def test_a_run_that_is_killed_is_mended(connection: Connection, step: Step, mended_by: str) -> None:
    asyncio.run(planted(connection))
    words = [connection.bootstrap_servers, connection.prefix, step]
    done = subprocess.run([sys.executable, "-c", KILLED, *words], check=False)
    assert done.returncode == -signal.SIGKILL
    left = [] if step in (Step.RESTORED, Step.CUT) else ["segment.ms"]
    assert asyncio.run(differs(connection)) == left
    if mended_by == "topics apply":

        async def apply() -> None:
            async with connection.admin() as admin:
                await bring_about(admin, [SPEC])

        asyncio.run(apply())
        assert asyncio.run(differs(connection)) == []
    ended = run(connection)
    # The first run's record without a value may lie there, and no reader has it.
    assert ended.held_back in ({}, {SINK_GROUP: SPEC.partitions})
    assert asyncio.run(differs(connection)) == []
    assert holding(connection) == []
