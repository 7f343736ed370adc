"""Topics follow the version in force, and wait for a broker that is away."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bus.memory.broker import FakeBroker
from office.policy_versions import record_version
from office.registry.erasure_requests import NewErasure, ask
from office.registry.registry import Registry
from office.store.database import Database
from roadfade.in_force.broker import limits_of
from roadfade.in_force.plans import Plans
from roadfade.processes.office.topic_keeper import TopicKeeper
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import DAY_MS, SECOND_MS
from telemetry.topics import CONTROL, erase_topic
from telemetry.wire.publication import Publication
from tests.integration.bus_road import until
from tests.support.fast_time import fast_time
from tests.support.small_house import (
    BROKEN,
    FIRST,
    NOW_MS,
    SURVEY,
    Clock,
    make_topics,
    settings_in,
    version,
)

STUDY, SURVEYED = "purpose.study", "purpose.survey"
SECOND = version(2, NOW_MS, SURVEY)
GRACE_MS = 30 * SECOND_MS


class House:
    """A keeper with an office's database and a broker."""

    def __init__(self, settings: Settings, database: Database, plans: Plans) -> None:
        self.settings = settings
        self.database = database
        self.plans = plans
        self.broker = FakeBroker()
        self.clock = Clock()
        self.keeper = TopicKeeper(settings, self.broker, database, plans, self.clock)
        self.known: tuple[Publication, ...] = ()

    async def publish(self, *versions: Publication) -> None:
        for one in versions:
            self.known = await record_version(self.database, one, self.known)

    async def start(self) -> None:
        async with self.broker.admin() as admin:
            await self.keeper.start(admin)

    async def topics(self) -> set[str]:
        found = await self.broker.admin().describe([STUDY, SURVEYED, *CONTROL])
        return {name for name, topic in found.items() if topic is not None}

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[asyncio.Task[None]]:
        stopping = asyncio.Event()
        task = asyncio.create_task(self.keeper.run(stopping))
        yield task
        stopping.set()
        await task


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def plans(settings: Settings) -> Plans:
    return Plans(limits_of(settings, 1_000, 1_000), settings.state_dir)


@pytest.fixture
async def house(settings: Settings, plans: Plans) -> AsyncIterator[House]:
    database = await Database.create(settings.office_path)
    one = House(settings, database, plans)
    await one.publish(FIRST)
    with fast_time():
        yield one
    await database.close()


async def test_a_first_start_makes_no_topics_and_says_what_to_do(house: House) -> None:
    with pytest.raises(NotReady, match="topics apply"):
        await house.start()
    assert await house.topics() == set()


async def test_topics_that_are_right_are_found_with_their_partitions(house: House) -> None:
    await make_topics(house.broker, house.settings, FIRST)
    await house.start()
    assert house.keeper.plan.version == 1
    assert house.keeper.partitions[STUDY] == 2


async def test_a_version_that_took_over_meanwhile_is_brought_about_at_the_start(
    house: House,
) -> None:
    await make_topics(house.broker, house.settings, FIRST)
    await house.publish(SECOND)
    await house.start()
    assert house.keeper.plan.version == 2
    assert await house.topics() == {STUDY, SURVEYED, *CONTROL}


async def test_the_control_topics_alone_are_enough_where_the_rest_fails(house: House) -> None:
    await make_topics(house.broker, house.settings, FIRST)
    await house.publish(version(2, NOW_MS, BROKEN))
    with pytest.raises(NotReady, match="does not hold"):
        await house.start()


async def test_the_next_versions_topics_are_made_before_it_starts(house: House) -> None:
    await make_topics(house.broker, house.settings, FIRST)
    await house.start()
    await house.publish(version(2, NOW_MS + DAY_MS, SURVEY))
    async with house.keeping() as task:
        await until(lambda: SURVEYED in house.keeper.partitions, task)
    assert house.keeper.plan.version == 1


async def test_a_topic_without_recipient_is_emptied_after_the_grace_not_deleted(
    house: House,
) -> None:
    await make_topics(house.broker, house.settings, FIRST)
    house.broker.feed(STUDY, 1, b"old", b"old")
    await house.start()
    await house.publish(SECOND)
    async with house.keeping() as task:
        await until(lambda: house.keeper.plan.version == 2, task)
        house.clock.now_ms = NOW_MS + GRACE_MS - 1
        await asyncio.sleep(5)
        assert len(house.broker.records(STUDY)) == 2
        house.clock.now_ms = NOW_MS + GRACE_MS
        await until(lambda: house.broker.records(STUDY) == [], task)
    ends = await house.broker.positions().end({STUDY: 2})
    assert ends == {(STUDY, 0): 0, (STUDY, 1): 2}


async def test_an_office_that_starts_reaches_stores_of_outputs_that_are_no_more(
    house: House,
) -> None:
    await make_topics(house.broker, house.settings, FIRST)
    await house.start()
    await house.publish(SECOND)
    house.clock.now_ms += 100 * DAY_MS
    house.keeper = TopicKeeper(
        house.settings, house.broker, house.database, house.plans, house.clock
    )
    await house.start()
    assert {erase_topic("study"), erase_topic("survey")} <= house.keeper.control.keys()


async def test_a_broker_that_is_away_is_told_once_and_asked_again(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    await make_topics(house.broker, house.settings, FIRST)
    await house.start()
    house.broker.go_away()
    await house.publish(SECOND)
    with caplog.at_level(logging.ERROR):
        async with house.keeping() as task:
            await until(lambda: bool(caplog.records), task)
            await asyncio.sleep(30)
            assert len(caplog.records) == 1
            house.broker.come_back()
            await until(lambda: house.keeper.plan.version == 2, task)
    assert SURVEYED in await house.topics()


async def test_a_next_version_that_does_not_hold_stops_nothing(house: House) -> None:
    await make_topics(house.broker, house.settings, FIRST)
    await house.start()
    await house.publish(version(2, NOW_MS + DAY_MS, BROKEN))
    async with house.keeping():
        await asyncio.sleep(5)
    assert house.keeper.plan.version == 1


async def test_who_keeps_what_an_old_version_passed_on_is_commanded_while_a_request_is_open(
    house: House,
) -> None:
    await make_topics(house.broker, house.settings, FIRST)
    await house.publish(SECOND)
    commands = erase_topic("study")
    async with house.broker.admin() as admin:
        await admin.delete([commands])
    await house.start()
    assert commands not in house.keeper.control
    person = SubjectId("ana")
    await Registry(house.database).register(DeviceId("dongle-1"), person, 0)
    async with house.database.writing() as connection:
        await ask(connection, NewErasure("erase", person, "asked"), NOW_MS)
    async with house.keeping() as task:
        await until(lambda: commands in house.keeper.control, task)
    assert house.keeper.control[commands] == 1
