"""A topic that is made anew and grows past every position, on every broker: all of it is read."""

import asyncio

import pytest

from bus.failures import ViewOutdatedError
from bus.loops.batch_loop import BatchLoop, BatchSettings
from bus.ports import Broker, ReaderSettings
from bus.topic_watch import TopicWatch
from bus.topics import TopicSpec
from bus.view import CompactedView
from tests.integration.bus_road import (
    DEADLINE_S,
    GROUP,
    IN,
    OUT,
    Noted,
    clock,
    copy,
    lying_in,
    make_anew,
    make_road,
    make_topics,
    numbered,
    publish,
    running,
    until,
)

OLD, NEW = 20, 60
QUICK = BatchSettings(ReaderSettings(metadata_age_ms_max=1_000))


def copier(bus: Broker, noted: Noted) -> BatchLoop:
    return BatchLoop(
        bus, IN, GROUP, copy, bus.producer(clock=clock), observer=noted, settings=QUICK,
        watch=TopicWatch(bus, {}, learn=[IN]),
    )  # fmt: skip


async def copied(bus: Broker) -> set[bytes]:
    return {record.value or b"" for record in await lying_in(bus, OUT, 2)}


def values(first: int, end: int) -> set[bytes]:
    return {record.value or b"" for record in numbered(first, end)}


async def test_a_loop_reads_all_of_a_topic_that_was_made_anew_under_it(bus: Broker) -> None:
    await make_road(bus)
    noted = Noted()
    async with running(copier(bus, noted)) as tasks:
        await publish(bus, numbered(0, OLD))
        await until(lambda: noted.records >= OLD, *tasks)
        await make_anew(bus, IN)
        await publish(bus, numbered(OLD, OLD + NEW))
        await until(lambda: noted.records >= OLD + NEW, *tasks)
    assert await copied(bus) == values(0, OLD + NEW)
    assert noted.anew == [IN]


async def test_a_loop_that_did_not_run_meanwhile_reads_all_of_the_new_topic(bus: Broker) -> None:
    await make_road(bus)
    noted = Noted()
    async with running(copier(bus, noted)) as tasks:
        await publish(bus, numbered(0, OLD))
        await until(lambda: noted.records >= OLD, *tasks)
    await make_anew(bus, IN)
    await publish(bus, numbered(OLD, OLD + NEW))
    async with running(copier(bus, noted)) as tasks:
        await until(lambda: noted.records >= OLD + NEW, *tasks)
    assert await copied(bus) == values(0, OLD + NEW)


async def test_a_view_of_a_topic_that_was_made_anew_ends(bus: Broker) -> None:
    await make_topics(bus, TopicSpec(IN, 1, {"cleanup.policy": "compact"}))
    await publish(bus, numbered(0, OLD))
    rows = dict[bytes, bytes | None]()
    view = CompactedView(bus, IN, rows.__setitem__, heartbeat_at=int, elapsed_ms=lambda: 0)
    task = asyncio.create_task(view.run())
    await until(lambda: len(rows) == OLD, task)
    await make_anew(bus, IN)
    await publish(bus, numbered(OLD, OLD + NEW))
    with pytest.raises(ViewOutdatedError, match="created anew"):
        await asyncio.wait_for(task, DEADLINE_S)
