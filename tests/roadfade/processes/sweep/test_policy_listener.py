"""What the sweep reads of the policy in force, and what it does if it cannot."""

import asyncio
from pathlib import Path

import pytest

from bus.failures import ViewOutdatedError
from bus.memory.broker import SETTINGS, FakeBroker
from bus.ports import BrokerSettings
from bus.records import Outgoing
from bus.view import Beat
from roadfade.processes.sweep.policy_listener import PolicyListener
from roadfade.settings import Settings
from telemetry.topics import CONTROL_POLICIES, HEARTBEAT_KEY
from telemetry.wire.control import Heartbeat, encode_row
from tests.integration.bus_road import until
from tests.support.fast_time import fast_time
from tests.support.small_house import BROKEN, SURVEY, make_topics, settings_in, tell, version

FIRST, SECOND, THIRD = version(1, 1_000), version(2, 2_000, SURVEY), version(3, 3_000, BROKEN)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


def broker_with(settings: Settings, broker_settings: BrokerSettings = SETTINGS) -> FakeBroker:
    broker = FakeBroker(settings=broker_settings)
    asyncio.run(make_topics(broker, settings, FIRST))
    return broker


def test_asking_compiles_every_version_that_was_in_force(settings: Settings) -> None:
    broker = broker_with(settings)
    tell(broker, [FIRST, SECOND])
    ends = PolicyListener(settings, broker).ask()
    assert ends is not None
    assert ends.several
    assert ends.current.version == 2


def test_a_version_that_is_not_in_force_yet_moves_no_end(settings: Settings) -> None:
    broker = broker_with(settings)
    tell(broker, [FIRST, SECOND])
    ends = PolicyListener(settings, broker, now=lambda: 1_999).ask()
    assert ends is not None
    assert not ends.several


def test_one_version_alone_moves_no_end(settings: Settings) -> None:
    broker = broker_with(settings)
    tell(broker, [FIRST])
    ends = PolicyListener(settings, broker).ask()
    assert ends is not None
    assert not ends.several


def test_where_the_broker_is_away_nothing_is_known(settings: Settings) -> None:
    broker = broker_with(settings)
    broker.go_away()
    assert PolicyListener(settings, broker).ask() is None


def test_a_version_in_force_that_does_not_hold_decides_nothing(settings: Settings) -> None:
    broker = broker_with(settings)
    tell(broker, [FIRST, THIRD])
    assert PolicyListener(settings, broker).ask() is None


def test_a_broker_that_makes_topics_unasked_is_not_believed(settings: Settings) -> None:
    unfit = BrokerSettings(1_000, 1_000, 1_000, creates_topics_unasked=True)
    broker = broker_with(settings, unfit)
    tell(broker, [FIRST])
    assert PolicyListener(settings, broker).ask() is None


async def test_listening_passes_on_what_heartbeats_say_of_the_time(settings: Settings) -> None:
    broker, heard = FakeBroker(lambda: 7_000), list[Beat]()
    await make_topics(broker, settings, FIRST)
    tell(broker, [FIRST])
    listener = PolicyListener(settings, broker, heard.append)
    value = encode_row(Heartbeat(6_500, 0))
    beat = Outgoing(CONTROL_POLICIES, 0, HEARTBEAT_KEY, value)
    with fast_time():
        hearing = asyncio.create_task(listener._hear())
        broker.feed(CONTROL_POLICIES, 0, beat)
        await until(lambda: len(heard) == 1, hearing)
        await until(lambda: listener.ends() is not None, hearing)
        broker.feed(CONTROL_POLICIES, 0, beat)
        await until(lambda: len(heard) == 2, hearing)
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
    assert heard == [Beat(6_500, 7_000, live=False), Beat(6_500, 7_000, live=True)]


async def test_listening_hears_a_version_that_is_published_meanwhile(settings: Settings) -> None:
    broker = FakeBroker()
    await make_topics(broker, settings, FIRST)
    tell(broker, [FIRST, FIRST])  # so that the topic ends earlier once it is made anew
    listener = PolicyListener(settings, broker)
    with fast_time():
        # What ``start`` runs in its thread, until something ends it.
        hearing = asyncio.create_task(listener._hear())
        await until(lambda: listener.ends() is not None, hearing)
        broker.go_away()
        tell(broker, [SECOND])
        await asyncio.sleep(30)
        before = listener.ends()
        assert before is not None
        assert not before.several
        broker.come_back()
        await until(lambda: listener.ends() is not before, hearing)
        # A recreated topic may hide a deletion: listening starts over.
        broker.remake(CONTROL_POLICIES)
        tell(broker, [FIRST])
        with pytest.raises(ViewOutdatedError):
            await hearing
