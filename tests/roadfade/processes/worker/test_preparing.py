"""A published version is ready once it holds here and its topics are there."""

import logging
from pathlib import Path

import pytest

from bus.memory.broker import FakeBroker
from office.keyring.memory import MemoryKeyring
from policy.plan.limits import Limits
from processors.packed_people import PackedPeople
from roadfade.in_force.plans import Plans
from roadfade.processes.worker.key_cache import KeyCache
from roadfade.processes.worker.preparing import VersionPreparer
from roadfade.settings import Settings
from tests.support.small_house import BROKEN, FIRST, NOW_MS, make_topics, settings_in, version


@pytest.fixture
def broker() -> FakeBroker:
    return FakeBroker()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def preparer(broker: FakeBroker, tmp_path: Path) -> VersionPreparer:
    return VersionPreparer(
        broker, Plans(Limits(), tmp_path), PackedPeople(), KeyCache(MemoryKeyring())
    )


async def test_a_version_with_its_topics_is_ready(
    broker: FakeBroker, settings: Settings, preparer: VersionPreparer
) -> None:
    await make_topics(broker, settings, FIRST)
    ready = await preparer.make(FIRST)
    assert ready is not None
    assert ready.program.plan.version == 1


async def test_a_version_waits_for_its_topics_and_says_so_once(
    broker: FakeBroker,
    settings: Settings,
    preparer: VersionPreparer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        assert await preparer.make(FIRST) is None
        assert await preparer.make(FIRST) is None
    assert [record.message for record in caplog.records] == [
        "policy version 1 does not take over yet: the office has not created its topics yet"
    ]
    await make_topics(broker, settings, FIRST)
    assert await preparer.make(FIRST) is not None


async def test_a_version_that_does_not_hold_here_is_never_ready(
    preparer: VersionPreparer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert await preparer.make(version(2, NOW_MS, BROKEN)) is None
    assert "does not hold" in caplog.text


async def test_a_broker_that_is_away_makes_it_wait(
    broker: FakeBroker, settings: Settings, preparer: VersionPreparer
) -> None:
    await make_topics(broker, settings, FIRST)
    broker.go_away()
    assert await preparer.make(FIRST) is None
    broker.come_back()
    assert await preparer.make(FIRST) is not None
