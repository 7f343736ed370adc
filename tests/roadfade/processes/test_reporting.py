"""A process speaks while its loop works, says that it was asked to end, and never waits to speak."""

import asyncio
import logging
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import roadfade
from bus.memory.broker import FakeBroker
from bus.topics import TopicSpec
from roadfade import metrics
from roadfade.processes.reporting import (
    LAST_WORD_S_MAX,
    REPORTED,
    Reporter,
    own_figures,
    report_beside,
    reporting,
)
from roadfade.settings import Settings
from telemetry.topics import AUDIT_PROCESSES
from telemetry.wire.process_report import ProcessReport, take_report
from tests.support.fast_time import fast_time
from tests.support.small_house import NOW_MS, Clock
from tests.support.watching import until

SETTINGS = Settings(heartbeat_every_s=5.0)


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    made = FakeBroker(lambda: NOW_MS)
    async with made.admin() as admin:
        await admin.create([TopicSpec(AUDIT_PROCESSES, 2, {})])
    with fast_time():
        yield made


def reporter(broker: FakeBroker, clock: Clock | None = None) -> Reporter:
    return Reporter(
        SETTINGS, broker, "worker-0", "127.0.0.1:9", host="here", clock=clock or Clock()
    )


def words(broker: FakeBroker) -> list[ProcessReport]:
    found = [take_report(record.value) for record in broker.records(AUDIT_PROCESSES)]
    said = [one for one in found if one is not None]
    assert len(said) == len(found)
    return said


async def test_it_speaks_again_and_again_and_its_last_word_is_that_it_ended(
    broker: FakeBroker,
) -> None:
    async with reporting(reporter(broker)):
        await asyncio.sleep(11)
    said = words(broker)
    assert [one.state for one in said] == ["running"] * 3 + ["ended"]
    assert {(one.process, one.host, one.every_ms) for one in said} == {("worker-0", "here", 5_000)}


async def test_who_fails_does_not_say_that_it_ended(broker: FakeBroker) -> None:
    async def works_and_fails() -> None:
        async with reporting(reporter(broker)):
            await asyncio.sleep(1)
            raise TimeoutError

    with pytest.raises(TimeoutError):
        await works_and_fails()
    assert [one.state for one in words(broker)] == ["running"]


async def test_a_broker_that_is_away_keeps_nobody_and_is_told_once(
    broker: FakeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    async with reporting(reporter(broker)):
        await asyncio.sleep(1)
        broker.go_away()
        await asyncio.sleep(120)
        told = [one for one in caplog.records if one.levelno >= logging.WARNING]
        assert len(told) == 1
        broker.come_back()
        await asyncio.sleep(30)
        assert words(broker)[-1].state == "running"
        broker.go_away()
        stopped_s = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - stopped_s <= 2 * LAST_WORD_S_MAX


async def test_a_topic_that_is_not_there_keeps_nobody(caplog: pytest.LogCaptureFixture) -> None:
    bare = FakeBroker(lambda: NOW_MS)
    with fast_time():
        async with reporting(reporter(bare)):
            await asyncio.sleep(60)
    assert len(caplog.records) == 1


def test_beside_work_that_does_not_wait_for_the_broker_it_speaks_from_a_thread() -> None:
    made = FakeBroker(lambda: NOW_MS)
    asyncio.run(_create(made))
    stopping = threading.Event()
    thread = report_beside(reporter(made), stopping)
    until(lambda: words(made), "it speaks")
    stopping.set()
    thread.join(timeout=60)
    assert not thread.is_alive()
    assert words(made)[-1].state == "ended"


async def _create(made: FakeBroker) -> None:
    async with made.admin() as admin:
        await admin.create([TopicSpec(AUDIT_PROCESSES, 2, {})])


def test_it_says_its_own_figures_by_their_label() -> None:
    metrics.PAUSED.labels("a reason of a test").set(1)
    metrics.OUTBOX_PENDING.set(7)
    found = own_figures()
    assert found["roadfade_paused"]["a reason of a test"] == 1
    assert found["roadfade_outbox_pending"] == {"": 7}
    assert set(found) <= REPORTED


def test_all_that_status_judges_by_is_said_and_nothing_else() -> None:
    root = Path(roadfade.__file__).parent
    files = [*(root / "status").glob("*.py"), root / "commands" / "status.py"]
    asked = {name for one in files for name in re.findall(r'"(roadfade_\w+)"', one.read_text())}
    assert asked == REPORTED
    assert asked <= metrics.METRIC_NAMES
