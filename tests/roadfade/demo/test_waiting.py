"""While something is waited for, something is said at least every three seconds."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadfade.demo.waiting import say_while
from tests.support.fast_time import fast_time


@given(st.floats(0, 60))
def test_nobody_waits_in_silence_for_more_than_three_seconds(takes_s: float) -> None:
    async def wait() -> list[float]:
        said_s: list[float] = []
        loop = asyncio.get_running_loop()
        with fast_time():
            began_s = loop.time()
            await say_while(
                lambda _: said_s.append(loop.time() - began_s), "stopping", asyncio.sleep(takes_s)
            )
            return [*said_s, loop.time() - began_s]

    instants_s = asyncio.run(wait())
    silences_s = [later - one for one, later in itertools.pairwise(instants_s)]
    assert max(silences_s) < 3
    assert instants_s[0] < 1, "it begins with what is waited for"


async def test_what_it_waits_for_is_its_answer_or_its_failure() -> None:
    said: list[str] = []
    assert await say_while(said.append, "asking", asyncio.sleep(0, "answer")) == "answer"
    assert said == ["asking …"]

    async def fail() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await say_while(said.append, "asking", fail())
