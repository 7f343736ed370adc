"""A run that ends says whom it waits for, and leaves nothing behind: fake processes, and real ones."""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from roadfade.demo import process_group
from roadfade.demo.ending import end_all, unbroken
from roadfade.demo.process_group import STOP_ORDER, ProcessGroup
from roadfade.local.child_process import ManagedProcess
from roadfade.settings import Settings
from tests.support.fast_time import fast_time

CLOSES = "what watches"


class SlowStage:
    """Every end takes seconds; the sink's fails."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def stop(self, role: str) -> None:
        self.ended.append(role)
        if role == "sink":
            raise ProcessLookupError

    def close(self) -> None:
        self.ended.append(CLOSES)


@pytest.fixture
def slow_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would block a thread takes 29 s of the loop's own time."""

    async def in_thread(work: Callable[..., object], *args: str) -> None:
        await asyncio.sleep(29)
        work(*args)

    monkeypatch.setattr(asyncio, "to_thread", in_thread)


def test_whoever_waits_hears_every_three_seconds_of_whom_and_one_failure_leaves_out_none(
    slow_threads: None,
) -> None:
    stage, said = SlowStage(), list[tuple[float, str]]()

    async def end() -> float:
        loop = asyncio.get_running_loop()
        with fast_time():
            began_s = loop.time()
            with pytest.raises(ProcessLookupError):
                await end_all(lambda text: said.append((loop.time() - began_s, text)), stage)
            return loop.time() - began_s

    took_s = asyncio.run(end())
    assert stage.ended == [*STOP_ORDER, CLOSES]
    instants_s = [0.0, *(at_s for at_s, _ in said), took_s]
    assert took_s == pytest.approx(29 * 6, abs=1)
    assert max(later - one for one, later in itertools.pairwise(instants_s)) < 3
    for at_s, text in said:
        assert f"stopping {stage.ended[min(int(at_s // 29), 5)]}" in text, (at_s, text)


def test_a_listener_who_is_gone_leaves_no_process_out() -> None:
    def say(text: str) -> None:
        raise BrokenPipeError(text)

    stage = SlowStage()
    with pytest.raises(ProcessLookupError):
        asyncio.run(end_all(unbroken(say), stage))
    assert stage.ended == [*STOP_ORDER, CLOSES]


def gone(group: int) -> bool:
    """No process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_children_and_their_children_are_gone_when_it_has_ended(tmp_path: Path) -> None:
    stage = ProcessGroup(Settings(state_dir=tmp_path))
    with_child = ["/bin/sh", "-c", "sleep 60 & wait"]
    stage._children = {role: ManagedProcess(with_child, tmp_path / role) for role in STOP_ORDER}
    groups = [child.pid for child in stage._children.values()]
    assert not any(map(gone, groups))
    asyncio.run(end_all(lambda _: None, stage))
    assert [child.exit_code for child in stage._children.values()] == [-signal.SIGTERM] * len(
        STOP_ORDER
    )
    # Whoever reaps orphans does it in its own time.
    deadline_s = time.monotonic() + 5
    while not all(map(gone, groups)) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert all(map(gone, groups))


def test_a_start_that_is_wanted_no_more_waits_for_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never_ready(*_: object) -> ManagedProcess:
        return ManagedProcess(["/bin/sleep", "60"], tmp_path / "log")

    monkeypatch.setattr(process_group, "ManagedProcess", never_ready)

    async def start() -> None:
        stopping = asyncio.Event()
        asyncio.get_running_loop().call_later(0.2, stopping.set)
        stage = ProcessGroup(Settings(state_dir=tmp_path), stopping.is_set)
        await asyncio.to_thread(stage.start)
        await end_all(lambda _: None, stage)

    began_s = time.monotonic()
    asyncio.run(start())
    assert time.monotonic() - began_s < process_group.START_S_MAX / 2
