"""How a sink loop gathers and places, with fakes; on a broker in tests/integration."""

import asyncio
from collections.abc import Callable, Sequence

from bus.connection import Connection
from bus.sink_loop import SinkLoop, SinkSettings
from telemetry.arrived import Arrived
from tests.bus.fakes import FakeReader, Feed, records


class Store:
    def __init__(self, log: list[str], position: int | None) -> None:
        self.log, self.at = log, position

    def position(self, topic: str, partition: int) -> int | None:
        return self.at if partition == 0 else None

    async def write(self, batch: Sequence[Arrived]) -> None:
        self.log.append(f"wrote {[(r.partition, r.offset) for r in batch]}")


async def log_of(
    feed: Feed,
    done: Callable[[list[str]], bool],
    *,
    settings: SinkSettings | None = None,
    position: int | None = None,
    rebalanced_at: int | None = None,
) -> list[str]:
    log: list[str] = []
    store = Store(log, position)
    loop = SinkLoop(
        Connection("nowhere:1"), ["in"], "g", store.position, store.write,
        settings=settings or SinkSettings(gather_ms=0),
    )  # fmt: skip
    reader = FakeReader(log, feed)
    loop._reader = reader  # type: ignore[assignment]
    task = asyncio.create_task(loop.run())
    async with asyncio.timeout(10):
        while not done(log) and not task.done():
            if rebalanced_at is not None and len(reader.feed) == rebalanced_at:
                reader.generation, rebalanced_at = 1, None
            await asyncio.sleep(0)
    await loop.stop()
    await task
    return log


def committed(log: list[str]) -> bool:
    return any("commit" in step for step in log)


async def test_written_then_committed() -> None:
    log = await log_of([records(0, 0, 2)], committed)
    assert log[1:] == [
        "wrote [(0, 0), (0, 1)]", "gaps counted", "commit {0: 2}", "reader stopped",
    ]  # fmt: skip


async def test_reading_starts_where_the_sink_left_off() -> None:
    log = await log_of([records(0, 7, 8)], committed, position=7)
    assert log[1] == "seek 0@7"


async def test_bytes_bound_what_is_gathered() -> None:
    settings = SinkSettings(gather_ms=60_000, gather_bytes_max=3)
    log = await log_of([records(0, 0, 2), records(0, 2, 3)], committed, settings=settings)
    assert log[1] == "wrote [(0, 0), (0, 1), (0, 2)]"


async def test_records_of_a_partition_not_yet_placed_are_fetched_again() -> None:
    log = await log_of([records(1, 5, 7), records(1, 5, 7)], committed)
    assert log[1:3] == ["seek 1@5", "wrote [(1, 5), (1, 6)]"]


async def test_what_was_gathered_before_a_rebalance_is_left_to_the_new_owner() -> None:
    settings = SinkSettings(gather_ms=60_000, gather_records_max=2)
    feed = [records(0, 0, 1), records(0, 9, 10), records(0, 9, 11)]
    log = await log_of(feed, committed, settings=settings, rebalanced_at=2)
    assert log[1:3] == ["seek 0@9", "wrote [(0, 9), (0, 10)]"]
