"""The way out: gathered, bounded, and never acknowledged before it is durable."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ingest.gateway.way_out import AT_ONCE_MAX, WayOut
from telemetry.wire.envelope import Envelope, decode_envelope
from tests.support.gateway_door import met
from tests.support.plans import SPEED
from tests.support.worlds import column, envelope

ONE = decode_envelope(envelope({SPEED: column("km/h", [1.0])}))


class AwayError(Exception):
    """The broker did not take it."""


class Gate:
    """A raw topic that answers when a test lets it."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.answers: asyncio.Queue[Exception | None] = asyncio.Queue()

    async def publish(self, envelopes: Sequence[Envelope]) -> int:
        self.asked.append(len(envelopes))
        answer = await self.answers.get()
        if answer is not None:
            raise answer
        return len(envelopes)


@asynccontextmanager
async def way(gate: Gate | None, **more: Any) -> AsyncIterator[WayOut]:
    bounds = {"bytes_max": 1_000, "deadline_s": 30.0} | more
    out = WayOut(lambda: gate, (AwayError,), **bounds)
    task = asyncio.create_task(out.run())
    yield out
    out.end()
    if gate is not None:
        for _ in range(20):
            gate.answers.put_nowait(None)
    await task


async def asks(gate: Gate, times: int) -> None:
    await met(lambda: len(gate.asked) >= times)


async def test_what_comes_during_a_sending_goes_together_with_the_next() -> None:
    gate = Gate()
    async with way(gate) as out:
        there: list[int] = []
        sends = [
            asyncio.create_task(out.send([ONE], 10, lambda n=n: there.append(n)))  # type: ignore[misc]
            for n in range(1)
        ]
        await asks(gate, 1)
        sends += [
            asyncio.create_task(out.send([ONE], 10, lambda n=n: there.append(n)))  # type: ignore[misc]
            for n in range(1, 6)
        ]
        await asyncio.sleep(0)
        assert there == []
        gate.answers.put_nowait(None)
        await asks(gate, 2)
        assert there == [0]
        gate.answers.put_nowait(None)
        assert await asyncio.gather(*sends) == [True] * 6
        assert gate.asked == [1, 5]
        assert out.bytes_in_flight == 0


async def test_a_sending_is_bounded_whatever_waits() -> None:
    gate = Gate()
    async with way(gate, bytes_max=10_000) as out:
        many = [ONE] * 100
        sends = [asyncio.create_task(out.send(many, 10, lambda: None)) for _ in range(12)]
        for _ in range(12):
            gate.answers.put_nowait(None)
        assert all(await asyncio.gather(*sends))
        assert max(gate.asked) <= AT_ONCE_MAX


async def test_a_broker_that_is_away_makes_no_acknowledgement_and_work_goes_on() -> None:
    gate = Gate()
    async with way(gate) as out:
        there: list[int] = []
        gate.answers.put_nowait(AwayError())
        assert not await out.send([ONE], 10, lambda: there.append(1))
        gate.answers.put_nowait(None)
        assert await out.send([ONE], 10, lambda: there.append(2))
        assert there == [2]


async def test_beyond_the_room_nothing_waits() -> None:
    gate = Gate()
    async with way(gate, bytes_max=100) as out:
        first = asyncio.create_task(out.send([ONE], 60, lambda: None))
        await asks(gate, 1)
        assert not await out.send([ONE], 60, lambda: None)
        assert gate.asked == [1]
        gate.answers.put_nowait(None)
        assert await first
        gate.answers.put_nowait(None)
        assert await out.send([ONE], 600, lambda: None), "alone, one is always let in"


async def test_nobody_waits_beyond_the_deadline_and_what_is_durable_later_is_remembered() -> None:
    gate = Gate()
    async with way(gate, deadline_s=0.01) as out:
        there: list[int] = []
        assert not await out.send([ONE], 10, lambda: there.append(1))
        assert not await out.send([ONE], 10, lambda: there.append(2))
        assert out.bytes_in_flight == 10
        gate.answers.put_nowait(None)
        await met(lambda: not out.bytes_in_flight)
        assert there == [1], "the second was never sent"
        assert gate.asked == [1]


async def test_without_a_policy_in_force_nothing_is_taken() -> None:
    async with way(None) as out:
        assert not await out.send([ONE], 10, lambda: None)


async def test_at_the_end_what_waits_is_sent_and_nothing_more_is_taken() -> None:
    gate = Gate()
    async with way(gate) as out:
        sends = [asyncio.create_task(out.send([ONE], 10, lambda: None)) for _ in range(3)]
        await asks(gate, 1)
        out.end()
        assert not await out.send([ONE], 10, lambda: None)
        gate.answers.put_nowait(None)
        gate.answers.put_nowait(None)
        assert all(await asyncio.gather(*sends))


async def test_a_defect_acknowledges_nothing_and_ends_the_work() -> None:
    gate = Gate()
    out = WayOut(lambda: gate, (AwayError,), bytes_max=100, deadline_s=30.0)
    task = asyncio.create_task(out.run())
    gate.answers.put_nowait(ZeroDivisionError())
    assert not await out.send([ONE], 10, lambda: None)
    with pytest.raises(ZeroDivisionError):
        await task
    assert not await out.send([ONE], 10, lambda: None)
