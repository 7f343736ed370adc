"""An office on a broker in memory, whose first version is on record."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bus.memory.broker import FakeBroker
from office.store.database import Database
from roadfade.in_force.publishing import record_first
from roadfade.settings import Settings
from tests.support.fast_time import fast_time
from tests.support.small_house import FIRST, make_topics, settings_in


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    opened = await Database.create(settings.office_path)
    await record_first(opened, settings)
    with fast_time():
        yield opened
    await opened.close()


@pytest.fixture
async def broker(settings: Settings) -> FakeBroker:
    made = FakeBroker()
    await make_topics(made, settings, FIRST)
    return made
