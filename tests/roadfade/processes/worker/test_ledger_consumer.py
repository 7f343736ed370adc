"""What the group did not take is not taken as committed."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock

import faust
import pytest
from faust.types import TP

from roadfade.processes.worker.ledger_consumer import use_in
from telemetry.topics import AUDIT_FLOW


async def nothing(*_: object) -> None:
    """What happens beside."""


@contextmanager
def consuming() -> Iterator[tuple[Any, Any]]:
    """An application and its consumer; neither is started."""
    app = faust.App("ledger", broker="kafka://127.0.0.1:1", loop=asyncio.get_running_loop())
    use_in(app)
    consumer: Any = app.transport.create_consumer(
        nothing, on_partitions_revoked=nothing, on_partitions_assigned=nothing
    )
    try:
        yield app, consumer
    finally:
        consumer._thread.thread_loop.close()


def test_after_a_commit_that_a_rebalance_overtook_what_is_read_again_is_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asyncio.run(_overtaken(monkeypatch))  # Faust's own start blocks


async def _overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    with consuming() as (app, consumer):
        await _commit_twice(app, consumer, monkeypatch)


async def _commit_twice(app: Any, consumer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    partition = TP(AUDIT_FLOW, 0)
    taken: list[Mapping[TP, int]] = []
    refusing = iter([True])

    async def commit(offsets: Mapping[TP, int]) -> bool:
        if next(refusing, False):
            await consumer.on_partitions_revoked({partition})
            return False
        taken.append(offsets)
        return True

    def read() -> None:
        for offset in range(3):
            message = Mock(acked=False, tp=partition, topic=partition.topic, offset=offset)
            consumer.ack(message)

    monkeypatch.setattr(consumer, "_commit", commit)
    monkeypatch.setattr(consumer, "assignment", lambda: {partition})
    monkeypatch.setattr(app.producer, "flush", nothing)
    monkeypatch.setattr(app.topics, "acks_enabled_for", lambda _: True)
    read()
    assert not await consumer._commit_tps([partition], start_new_transaction=False)
    read()

    assert await consumer._commit_tps([partition], start_new_transaction=False)

    assert taken == [{partition: 3}]


def test_where_the_group_has_no_position_what_was_dropped_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asyncio.run(_sought(monkeypatch))


async def _sought(monkeypatch: pytest.MonkeyPatch) -> None:
    positions = {TP(AUDIT_FLOW, 0): None, TP(AUDIT_FLOW, 1): 7, TP(AUDIT_FLOW, 2): 0}
    begun: list[TP] = []

    async def committed() -> Mapping[TP, int | None]:
        return positions

    async def begin(*partitions: TP) -> None:
        begun.extend(partitions)

    with consuming() as (_, consumer):
        monkeypatch.setattr(consumer._thread, "seek_to_committed", committed)
        monkeypatch.setattr(consumer._thread, "seek_to_beginning", begin)
        await consumer.perform_seek()
    assert begun == [TP(AUDIT_FLOW, 0), TP(AUDIT_FLOW, 2)]
