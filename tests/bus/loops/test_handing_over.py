"""What a member finishes before its partitions go, and what becomes of it if it cannot."""

import asyncio

import pytest

from bus.loops.handing_over import HandingOver
from tests.integration.bus_road import Noted
from tests.support.fast_time import fast_time

BOUND_MS = 1_000


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def handing_over(noted: Noted) -> HandingOver:
    return HandingOver(BOUND_MS, noted)


async def test_the_batch_in_hand_comes_first_then_the_closing_then_the_new_generation(
    handing_over: HandingOver, noted: Noted
) -> None:
    order = list[str]()

    async def close() -> None:
        async with handing_over.busy:
            order.append(f"closed in {handing_over.generation}")

    handing_over.closing = close
    async with handing_over.busy:
        begun = asyncio.create_task(handing_over.begin())
        await asyncio.sleep(0)
        order.append("batch done")
    assert await begun
    assert order == ["batch done", "closed in 0"]
    assert (handing_over.generation, handing_over.taken, noted.missed) == (1, 0, [])


async def test_a_closing_that_lasts_too_long_goes_on_and_the_group_does_not_wait(
    handing_over: HandingOver, noted: Noted
) -> None:
    ended = asyncio.Event()

    async def close() -> None:
        async with handing_over.busy:
            await asyncio.sleep(10)
            ended.set()

    handing_over.closing = close
    with fast_time():
        assert not await handing_over.begin()
        assert (handing_over.generation, handing_over.taken) == (1, 1)
        assert not ended.is_set()
        await handing_over.end(60_000)
    assert ended.is_set()
    assert noted.missed == ["RevokeDeadline"]


async def test_what_a_closing_raised_waits_for_the_loop_over_another_rebalance(
    handing_over: HandingOver,
) -> None:
    calls = 0

    async def close() -> None:
        nonlocal calls
        calls += 1
        raise OSError

    handing_over.closing = close
    assert await handing_over.begin()
    assert await handing_over.begin()
    assert (calls, handing_over.generation) == (1, 2)
    with pytest.raises(OSError):
        handing_over.raise_what_closing_raised()
    handing_over.raise_what_closing_raised()


async def test_one_that_never_ends_is_cut_as_the_member_stops(handing_over: HandingOver) -> None:
    cut = asyncio.Event()

    async def close() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut.set()
            raise

    handing_over.closing = close
    with fast_time():
        assert await handing_over.begin()
        await handing_over.end(1_000)
        await asyncio.sleep(0)
    assert cut.is_set()
