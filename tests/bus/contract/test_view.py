"""A compacted topic read whole: complete before it is ready, fresh only with every heartbeat."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bus.failures import RowFault, TopicError, UnreadableRowError, ViewOutdatedError
from bus.ports import Broker
from bus.records import Outgoing
from bus.topics import TopicSpec
from bus.view import SILENCE_MS_MAX, CompactedView
from telemetry.topics import HEARTBEAT_KEY
from telemetry.wire.topic_contents import Contents, RunningContents
from tests.integration.bus_road import clock, make_topics, publish, until

CONTROL = "control.links"
COMPACTED = {"cleanup.policy": "compact"}


def heartbeat_at(value: bytes) -> int:
    try:
        return int(value.split()[0])
    except ValueError:
        raise UnreadableRowError(RowFault.HEARTBEAT) from None


def contents_at(value: bytes) -> Contents | None:
    """The tests' heartbeats: an instant, and what the partition holds if they say it."""
    _, *told = value.split()
    return Contents(int(told[0]), int(told[1])) if told else None


class Rows:
    def __init__(self, bus: Broker, now_ms: int = 0, silence_ms_max: int = SILENCE_MS_MAX) -> None:
        self.held: dict[bytes, bytes] = {}
        self.now_ms = now_ms
        self.quarantined: list[tuple[str, RowFault]] = []
        self.view = CompactedView(
            bus,
            CONTROL,
            self.apply,
            heartbeat_at=heartbeat_at,
            contents_at=contents_at,
            elapsed_ms=lambda: self.now_ms,
            quarantined=lambda topic, fault: self.quarantined.append((topic, fault)),
            silence_ms_max=silence_ms_max,
        )

    def apply(self, key: bytes, value: bytes | None) -> None:
        if value == b"garbage":
            raise UnreadableRowError(RowFault.UNDECODABLE)
        if key == b"bad":
            message = "a row that cannot be"
            raise RuntimeError(message)
        if value is None:
            self.held.pop(key, None)
        else:
            self.held[key] = value


@asynccontextmanager
async def reading(rows: Rows) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(rows.view.run())
    try:
        yield task
    finally:
        await rows.view.stop()
        await asyncio.gather(task, return_exceptions=True)


def row(key: bytes, value: bytes | None, partition: int | None = None) -> Outgoing:
    return Outgoing(CONTROL, partition, key, value)


def beat(partition: int, at_ms: int) -> Outgoing:
    return row(HEARTBEAT_KEY, b"%d" % at_ms, partition)


async def test_it_is_ready_only_with_every_row_that_was_there(bus: Broker) -> None:
    await make_topics(bus, TopicSpec(CONTROL, 3, COMPACTED))
    await publish(bus, [row(b"k%d" % n, b"%d" % n) for n in range(9_000)])
    rows = Rows(bus)
    async with reading(rows), asyncio.timeout(30):
        await rows.view.ready.wait()
        assert len(rows.held) == 9_000


async def test_an_empty_topic_is_ready_and_not_fresh(bus: Broker) -> None:
    await make_topics(bus, TopicSpec(CONTROL, 2, COMPACTED))
    rows = Rows(bus)
    async with reading(rows) as task:
        await until(rows.view.ready.is_set, task)
        assert not rows.view.fresh(0)


async def test_changes_and_deletions_follow_in_order(bus: Broker) -> None:
    await make_topics(bus, TopicSpec(CONTROL, 2, COMPACTED))
    await publish(bus, [row(b"a", b"1"), row(b"b", b"1"), row(b"a", None), row(b"b", b"2")])
    rows = Rows(bus)
    async with reading(rows) as task:
        await until(rows.view.ready.is_set, task)
        assert rows.held == {b"b": b"2"}
        await publish(bus, [row(b"b", None), row(b"c", b"3")])
        await until(lambda: rows.held == {b"c": b"3"}, task)


async def test_it_is_as_fresh_as_its_oldest_partition(bus: Broker) -> None:
    await make_topics(bus, TopicSpec(CONTROL, 2, COMPACTED))
    await publish(bus, [beat(0, 50_000)])
    rows = Rows(bus)
    view = rows.view
    async with reading(rows) as task:
        await until(view.ready.is_set, task)
        assert view.heartbeat_ms is None
        assert not view.fresh(50_000)
        await publish(bus, [beat(1, 40_000)])
        await until(lambda: view.heartbeat_ms == 40_000, task)
        assert view.fresh(70_000)
        assert not view.fresh(70_001)
        await publish(bus, [beat(1, 60_000)])
        await until(lambda: view.heartbeat_ms == 50_000, task)
        assert rows.held == {}
    assert not view.fresh(50_000)


async def test_a_topic_that_lacks_rows_is_not_fresh_however_new(bus: Broker) -> None:
    await make_topics(bus, TopicSpec(CONTROL, 2, COMPACTED))
    kept = RunningContents()
    kept.take(b"a", b"1")
    kept.take(b"b", b"2")
    rows, digest = kept.contents
    told = b"50000 %d %d" % (rows, digest)
    await publish(bus, [beat(0, 50_000), row(HEARTBEAT_KEY, told, 1)])
    view = (held := Rows(bus)).view
    async with reading(held) as task:
        await until(lambda: view.ready.is_set() and view.heartbeat_ms is not None, task)
        assert not view.complete
        assert not view.fresh(50_000)
        # One that does not say what there is proves nothing.
        await publish(bus, [row(b"a", b"1", 1), row(b"b", b"1", 1), beat(1, 60_000)])
        await until(lambda: view._heartbeats[1] == 60_000, task)
        assert not view.fresh(60_000)
        await publish(bus, [row(HEARTBEAT_KEY, told.replace(b"5", b"7", 1), 1)])
        await until(lambda: view._heartbeats[1] == 70_000, task)
        assert not view.complete
        # Told again, in another order, with another row come and gone.
        more = [(b"c", b"3"), (b"b", b"2"), (b"c", None), (b"a", b"1")]
        await publish(bus, [row(key, value, 1) for key, value in more])
        await publish(bus, [row(HEARTBEAT_KEY, told, 1)])
        await until(lambda: view.fresh(50_000), task)


async def test_a_row_that_cannot_be_applied_ends_it_loudly(bus: Broker) -> None:
    await make_topics(bus, TopicSpec(CONTROL, 1, COMPACTED))
    await publish(bus, [row(b"bad", b"1")])
    with pytest.raises(RuntimeError, match="cannot be"):
        await Rows(bus).view.run()


async def test_a_row_that_cannot_be_read_is_set_aside_and_the_next_is_taken(bus: Broker) -> None:
    await make_topics(bus, TopicSpec(CONTROL, 1, COMPACTED))
    garbage = [row(b"a", b"garbage"), row(HEARTBEAT_KEY, b"now", 0)]
    await publish(bus, [row(b"a", b"1"), beat(0, 5_000), *garbage, row(b"b", b"2")])
    rows = Rows(bus, 5_000)
    async with reading(rows) as task:
        await until(rows.view.ready.is_set, task)
        assert rows.held == {b"a": b"1", b"b": b"2"}
        assert rows.view.fresh(5_000), "a heartbeat that cannot be read unsays no other"
    assert rows.quarantined == [(CONTROL, RowFault.UNDECODABLE), (CONTROL, RowFault.HEARTBEAT)]


async def test_garbage_over_a_row_that_was_told_of_makes_the_topic_lack_it(
    bus: Broker,
) -> None:
    await make_topics(bus, TopicSpec(CONTROL, 1, COMPACTED))
    kept = RunningContents()
    kept.take(b"a", b"1")
    told = row(HEARTBEAT_KEY, b"5000 %d %d" % kept.contents, 0)
    await publish(bus, [row(b"a", b"1"), told])
    rows = Rows(bus, 5_000)
    async with reading(rows) as task:
        await until(lambda: rows.view.fresh(5_000), task)
        await publish(bus, [row(b"nobodys", b"garbage")])
        await until(lambda: len(rows.quarantined) == 1, task)
        assert rows.view.fresh(5_000), "nothing that was known is lost"
        await publish(bus, [row(b"a", b"garbage")])
        await until(lambda: len(rows.quarantined) == 2, task)
        assert not rows.view.complete
        await publish(bus, [row(b"a", b"1"), told])
        await until(lambda: rows.view.fresh(5_000), task)


async def test_a_row_without_a_key_is_set_aside(bus: Broker) -> None:
    # Only a topic that is not compacted takes one.
    await make_topics(bus, TopicSpec(CONTROL, 1, {}))
    await publish(bus, [Outgoing(CONTROL, 0, None, b"1"), row(b"b", b"2", 0)])
    rows = Rows(bus)
    async with reading(rows) as task:
        await until(rows.view.ready.is_set, task)
        assert rows.held == {b"b": b"2"}
    assert rows.quarantined == [(CONTROL, RowFault.NO_KEY)]


async def test_a_missing_topic_ends_it_loudly(bus: Broker) -> None:
    with pytest.raises(TopicError, match=CONTROL):
        await Rows(bus).view.run()


async def test_a_topic_made_anew_ends_it_since_rows_may_be_gone(bus: Broker) -> None:
    await make_topics(bus, TopicSpec(CONTROL, 1, COMPACTED))
    await publish(bus, [row(b"k%d" % n, b"1") for n in range(10)])
    rows = Rows(bus)
    async with reading(rows) as task:
        await until(lambda: len(rows.held) == 10, task)
        async with bus.admin() as admin:
            await admin.delete([CONTROL])
            await admin.create([TopicSpec(CONTROL, 1, COMPACTED)])
        await publish(bus, [row(b"new", b"1")])
        with pytest.raises(ViewOutdatedError, match="anew"):
            async with asyncio.timeout(30):
                await task


async def test_after_a_long_silence_it_is_built_anew(bus: Broker) -> None:
    await make_topics(bus, TopicSpec(CONTROL, 1, COMPACTED))
    await publish(bus, [row(b"a", b"1")])
    rows = Rows(bus, silence_ms_max=3_600_000)
    async with reading(rows) as task:
        await until(rows.view.ready.is_set, task)
        rows.now_ms += 3_600_001
        await publish(bus, [row(b"b", b"1")])
        with pytest.raises(ViewOutdatedError, match="missed"):
            async with asyncio.timeout(30):
                await task


async def test_a_long_silence_of_one_partition_is_not_covered_by_another(
    bus: Broker,
) -> None:
    await make_topics(bus, TopicSpec(CONTROL, 2, COMPACTED))
    rows = Rows(bus, silence_ms_max=3_600_000)
    async with reading(rows) as task:
        await until(rows.view.ready.is_set, task)
        for n in range(3):
            rows.now_ms += 1_800_000
            await publish(bus, [row(b"%d" % n, b"1", 0)])
            await until(lambda n=n: len(rows.held) == n + 1, task)  # type: ignore[misc]  # bound now
        await publish(bus, [row(b"late", b"1", 1)])
        with pytest.raises(ViewOutdatedError, match="missed"):
            async with asyncio.timeout(30):
                await task


async def test_the_clock_of_these_tests_is_not_the_rows(bus: Broker) -> None:
    await make_topics(bus, TopicSpec(CONTROL, 1, COMPACTED))
    await publish(bus, [beat(0, clock())])
    rows = Rows(bus, clock())
    async with reading(rows) as task:
        await until(rows.view.ready.is_set, task)
        assert rows.view.fresh(clock())
