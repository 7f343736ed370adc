"""What the tests of rights share: a small plan's topics behind locked doors, and trying doors."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import ClusterAuthorizationFailedError, TopicAuthorizationFailedError

from bus.client.admin import TopicAdmin
from bus.client.connection import Connection
from bus.loops.batch_loop import BatchLoop
from bus.loops.group_reader import GroupReader
from bus.loops.sink_loop import SinkLoop
from bus.observer import LoopObserver
from bus.partitions import partition_for
from bus.ports import ReaderSettings
from bus.publisher import Publisher
from bus.records import Outgoing
from bus.topics import TopicSpec
from bus.view import CompactedView
from policy.artefacts.topics import topic_configs
from roadfade.in_force.broker import bring_about
from telemetry.topics import (
    CONTROL,
    CONTROL_POLICIES,
    HEARTBEAT_KEY,
    erase_topics,
    partitions_fixed,
)
from telemetry.wire.control import Heartbeat, encode_row
from telemetry.wire.publication import Publication, encode_publication
from tests.integration.bus_road import DEADLINE_S, Noted, clock, until
from tests.support.plans import PLAN, output, plan

Way = Callable[[str], Connection]
"""The way to the broker as a principal."""
PREFIX: Final = "guarded."
SPARE: Final = "purpose.spare"
"""A topic that may be deleted and recreated; no test relies on what it holds."""
STRANGER: Final = "stranger"
"""A principal that the broker knows and that has no rights."""
SMALL = plan(*PLAN.outputs, output("spare", PLAN.outputs[0].lanes))
SPECS = [
    TopicSpec(name, partitions_fixed(name) or 2, config)
    for name, config in topic_configs(SMALL).items()
]
TOPICS = frozenset(spec.name for spec in SPECS) - {SPARE}
OUTPUTS = {output.topic: output.id for output in SMALL.outputs if output.topic != SPARE}
COMMANDS = erase_topics(one.topic for one in SMALL.outputs)
HEARTBEAT = encode_row(Heartbeat(0, 0))
PUBLISHED = Publication("test", 1, 0, 0, {"policy.yaml": "…"})


async def furnish(connection: Connection) -> None:
    """Every topic, with one record in it; a row of a control topic lies where its key belongs."""
    async with TopicAdmin(connection) as admin:
        await bring_about(admin, SPECS)
    rows = [
        Outgoing(topic, partition_for(b"row", 2) if topic in CONTROL else 0, b"row", b"x")
        for topic in TOPICS - {CONTROL_POLICIES}
    ]
    place = partition_for(PUBLISHED.key, 2)
    told = Outgoing(CONTROL_POLICIES, place, PUBLISHED.key, encode_publication(PUBLISHED))
    async with Publisher(connection, clock=clock) as publisher:
        await publisher.publish([*rows, told])


async def delete_spare(connection: Connection) -> None:
    """Delete the spare topic, and wait until the broker knows."""
    async with TopicAdmin(connection) as admin, asyncio.timeout(DEADLINE_S):
        await admin.delete([SPARE])
        while (await admin.describe([SPARE]))[SPARE] is not None:
            continue


async def open_doors(tries: Callable[[Connection, str], Any], connection: Connection) -> set[str]:
    """The topics, of all, where an attempt is not refused."""
    names = sorted(TOPICS)
    async with asyncio.timeout(DEADLINE_S):
        found = await asyncio.gather(*(tries(connection, name) for name in names))
    return {name for name, opened in zip(names, found, strict=True) if opened}


async def readable(connection: Connection) -> set[str]:
    """The topics of which the broker hands out a record, without any group."""
    return await open_doors(_reads, connection)


async def writable(connection: Connection) -> set[str]:
    """The topics that take a record."""
    return await open_doors(_writes, connection)


async def _reads(connection: Connection, topic: str) -> bool:
    consumer = AIOKafkaConsumer(
        connection.topic(topic), **connection.client_options(), auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        await consumer.getone()
    except TopicAuthorizationFailedError:
        return False
    finally:
        await consumer.stop()
    return True


async def _writes(connection: Connection, topic: str) -> bool:
    producer = AIOKafkaProducer(**connection.client_options(), enable_idempotence=True)
    try:
        await producer.start()
        await producer.send_and_wait(connection.topic(topic), HEARTBEAT, HEARTBEAT_KEY, partition=0)
    except (TopicAuthorizationFailedError, ClusterAuthorizationFailedError):
        # Who may write nowhere may not even ask for the number that idempotent sending needs.
        return False
    finally:
        await producer.stop()
    return True


async def in_group(connection: Connection, group: str, topic: str) -> int:
    """Read a topic as a member of a group, commit; how many records that were."""
    reader = GroupReader(
        connection, group, [topic], member=None, settings=ReaderSettings(), observer=LoopObserver()
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            await reader.start()
            while not (fetched := await reader.fetch()):
                continue
        await reader.progress.learn_due(fetched)
        assert await reader.progress.commit(fetched)
    finally:
        await reader.stop()
    return sum(len(records) for records in fetched.values())


async def carried(loop: BatchLoop | SinkLoop, noted: Noted) -> None:
    """Let a loop work until it reports records, or a failure that it would try again."""
    task = asyncio.create_task(loop.run())
    try:
        await until(lambda: bool(noted.records or noted.retries), task)
    finally:
        await loop.stop()
        await task
    assert noted.retries == noted.missed == []


async def viewed(view: CompactedView) -> None:
    """Let a view read until it has everything that was there."""
    task = asyncio.create_task(view.run())
    try:
        await until(view.ready.is_set, task)
    finally:
        await view.stop()
    await task
