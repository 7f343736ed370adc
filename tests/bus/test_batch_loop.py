"""The order of steps, with fakes; that they hold on a broker is in tests/integration."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from bus.batch_loop import BatchLoop, BatchSettings
from bus.connection import Connection
from bus.failures import GaveUpError
from bus.outgoing import Outgoing
from telemetry.arrived import Arrived
from tests.bus.fakes import FakeProducer, FakeReader, Feed, records


class Road:
    def __init__(self, feed: Feed, *, failures: int = 0, give_up_ms: int = 60_000) -> None:
        self.log: list[str] = []
        self.pieces: list[tuple[int, int]] = []
        self.reader = FakeReader(self.log, feed)
        self.producer = FakeProducer(self.log, failures)
        self.loop = BatchLoop(
            Connection("nowhere:1"), "in", "g", self.handle, self.producer,  # type: ignore[arg-type]
            settings=BatchSettings(slice_records_max=10, give_up_ms=give_up_ms),
        )  # fmt: skip
        self.loop._reader = self.reader  # type: ignore[assignment]

    async def handle(self, partition: int, piece: Sequence[Arrived]) -> list[Outgoing]:
        self.pieces.append((partition, len(piece)))
        return [Outgoing("out", partition, r.key, r.value) for r in piece]

    async def run_until(self, done: Callable[[], bool]) -> list[str]:
        task = asyncio.create_task(self.loop.run())
        async with asyncio.timeout(10):
            while not done() and not task.done():  # noqa: ASYNC110  # the steps are the claim
                await asyncio.sleep(0)
        await self.loop.stop()
        await task
        return self.log


async def test_acknowledged_then_counted_then_committed() -> None:
    road = Road([records(0, 0, 25)])
    log = await road.run_until(lambda: any("commit" in step for step in road.log))
    assert log == [
        "start", "acked 25", "gaps counted", "commit {0: 25}", "reader stopped", "producer stopped",
    ]  # fmt: skip


async def test_a_partition_is_handed_over_in_slices() -> None:
    road = Road([records(0, 0, 25) | records(1, 0, 3)])
    await road.run_until(lambda: bool(road.producer.sent))
    assert road.pieces == [(0, 10), (0, 10), (0, 5), (1, 3)]


async def test_a_failed_send_steps_back_and_waits_for_the_old_producer() -> None:
    road = Road([records(0, 0, 5)], failures=1)
    log = await road.run_until(lambda: any("commit" in step for step in road.log))
    assert log[1:7] == [
        "send failed", "step back", "settled", "acked 5", "gaps counted", "commit {0: 5}",
    ]  # fmt: skip
    assert road.pieces == [(0, 5), (0, 5)]


async def test_an_unknown_committed_offset_is_asked_again() -> None:
    road = Road([records(0, 0, 5)])
    road.reader.due_failures = 1
    log = await road.run_until(lambda: any("commit" in step for step in road.log))
    assert log[1] == "step back"
    assert road.pieces == [(0, 5)]


async def test_a_commit_without_an_answer_is_covered_by_the_next() -> None:
    road = Road([records(0, 0, 5), records(0, 5, 9)])
    road.reader.lost_commit = True
    log = await road.run_until(lambda: any("commit" in step for step in road.log))
    assert "step back" not in log
    assert [step for step in log if "commit" in step] == ["commit {0: 9}"]
    assert len(road.producer.sent) == 9


async def test_it_gives_up_and_still_closes() -> None:
    road = Road([records(0, 0, 5)], failures=1_000, give_up_ms=0)
    with pytest.raises(GaveUpError):
        await road.loop.run()
    assert road.log[-2:] == ["reader stopped", "producer stopped"]


async def test_a_loop_that_is_paused_hands_nothing_over() -> None:
    road = Road([records(0, 0, 5)])
    road.loop._pause_reason = lambda: "stale"
    log = await road.run_until(lambda: "step back" in road.log)
    assert road.pieces == []
    assert not any("commit" in step for step in log)
