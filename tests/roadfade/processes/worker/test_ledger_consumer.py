"""What the group did not take is not taken as committed."""

import asyncio
from collections.abc import Mapping
from typing import Any
from unittest.mock import Mock

import faust
import pytest
from faust.types import TP

from roadfade.processes.worker.ledger_consumer import use_in
from telemetry.topics import AUDIT_FLOW


async def nothing(*_: object) -> None:
    """What happens beside."""


def test_after_a_commit_that_a_rebalance_overtook_what_is_read_again_is_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asyncio.run(_overtaken(monkeypatch))  # Faust's own start blocks


async def _overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    app = faust.App("ledger", broker="kafka://127.0.0.1:1", loop=asyncio.get_running_loop())
    use_in(app)
    consumer: Any = app.transport.create_consumer(
        nothing, on_partitions_revoked=nothing, on_partitions_assigned=nothing
    )
    consumer._thread.thread_loop.close()  # it is never started
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
