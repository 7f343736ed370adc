import asyncio

import pytest

from bus.pacing import Stopping, all_at_once, until


async def test_stop_waits_until_the_body_has_ended() -> None:
    stopping, seen = Stopping(60_000), []

    async def body() -> None:
        with stopping.running():
            while not stopping.asked:
                await stopping.rest(60_000)
            seen.append("ended")

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    await stopping.stop()
    assert seen == ["ended"]
    await stopping.stop()
    await task


async def test_a_body_that_does_not_end_is_cut() -> None:
    stopping = Stopping(1)

    async def body() -> None:
        with stopping.running():
            await asyncio.Event().wait()

    task = asyncio.create_task(body())
    await asyncio.sleep(0)
    await stopping.stop()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_stopping_what_never_ran_returns() -> None:
    await Stopping(1).stop()


async def test_a_loop_runs_once() -> None:
    stopping = Stopping(1)
    with stopping.running():
        pass
    with pytest.raises(RuntimeError, match="once"), stopping.running():
        pass


async def test_a_wait_ends_with_what_it_waits_for_and_says_whether_it_came() -> None:
    stopping = asyncio.Event()
    assert not await until(stopping, 0)
    waiting = asyncio.create_task(until(stopping, 60))
    await asyncio.sleep(0)
    stopping.set()
    async with asyncio.timeout(5):
        assert await waiting
    assert await until(stopping, 0)


async def test_what_is_done_at_once_ends_before_its_first_failure_is_raised() -> None:
    ended: list[int] = []

    async def work(number: int) -> int:
        for _ in range(number):
            await asyncio.sleep(0)
        ended.append(number)
        if number == 1:
            msg = "first"
            raise ValueError(msg)
        return number

    assert await all_at_once(map(work, (3, 0, 2))) == [3, 0, 2]
    with pytest.raises(ValueError, match="first"):
        await all_at_once(map(work, (4, 1, 5)))
    assert ended == [0, 2, 3, 1, 4, 5]
