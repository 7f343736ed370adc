import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from roadfade.processes.signals import on_stop

BOTH = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture(autouse=True)
def handlers_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in BOTH}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", BOTH)
def test_without_a_loop_either_signal_calls_back(number: signal.Signals) -> None:
    called: list[str] = []
    on_stop(lambda: called.append("asked"))
    os.kill(os.getpid(), number)
    assert called == ["asked"]


@pytest.mark.parametrize("number", BOTH)
def test_on_a_loop_either_signal_calls_back_there(number: signal.Signals) -> None:
    async def run() -> bool:
        asked = asyncio.Event()
        on_stop(asked.set)
        os.kill(os.getpid(), number)
        async with asyncio.timeout(5):
            return await asked.wait()

    assert asyncio.run(run())
