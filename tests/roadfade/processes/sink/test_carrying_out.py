"""Whatever hinders a command ends nothing, and an answer that its topic forgot is given anew."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bus.publisher import Publisher
from bus.records import Outgoing
from roadfade.processes.sink.carrying_out import AGAIN_MS, ANSWER_AGAIN_MS, CarryingOut
from roadfade.unaccounted import ExpiredAccount
from sinks.lake.format import LakeFormatError
from sinks.port.results import Receipt
from sinks.port.sink import Store
from telemetry.instants import DAY_MS
from telemetry.wire.erasure import take_answer
from tests.sinks.erasing import command
from tests.sinks.records import NOW_MS

WEEK_MS = 7 * DAY_MS
"""After it ``audit.erasures`` forgets an answer."""


class World:
    """A store, a topic of answers and a clock of the test's."""

    def __init__(self, folder: Path) -> None:
        self.elapsed_ms = 0
        self.sent: list[Outgoing] = []
        self.fails: Exception | None = None
        self.erased = 0
        store = SimpleNamespace(erase=self.erase, name=lambda: "lake:0123456789abcdef")
        self.carrying_out = CarryingOut(
            cast("Store", store),
            cast("Publisher", SimpleNamespace(publish=self.publish)),
            ExpiredAccount(folder / "ledger"),
            lambda: NOW_MS,
            lambda: self.elapsed_ms,
        )

    def erase(self, *_: object) -> Receipt:
        self.erased += 1
        if self.fails is not None:
            raise self.fails
        return Receipt("lake", 0, 0, "0" * 64, NOW_MS)

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self.sent += records


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("failure", [LakeFormatError("of P"), MemoryError(), RuntimeError("of P")])
def test_a_failure_that_nobody_expects_is_tried_again(
    world: World, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    asked = command("P")
    world.fails = failure
    asyncio.run(world.carrying_out.carry_out(asked))
    assert not world.carrying_out.is_done(asked)
    assert type(failure).__name__ in caplog.text
    assert "of P" not in caplog.text
    world.fails, world.elapsed_ms = None, AGAIN_MS
    assert world.carrying_out.is_due(asked)
    asyncio.run(world.carrying_out.carry_out(asked))
    assert world.carrying_out.is_done(asked)


def test_an_answer_is_given_anew_before_its_topic_forgets_it(world: World) -> None:
    asked = command("P")
    asyncio.run(world.carrying_out.carry_out(asked))
    assert not world.carrying_out.is_due(asked)
    world.elapsed_ms = ANSWER_AGAIN_MS
    assert ANSWER_AGAIN_MS < WEEK_MS
    assert world.carrying_out.is_due(asked)
    asyncio.run(world.carrying_out.carry_out(asked))
    assert not world.carrying_out.is_due(asked)
    assert (world.erased, len(world.sent)) == (1, 2)
    assert world.sent[0] == world.sent[1]
    assert take_answer(world.sent[1].value) is not None
