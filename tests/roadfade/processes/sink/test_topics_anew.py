"""A topic that is made anew, or loses its end, beside a sink: never dropped in silence."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from bus.memory.broker import FakeBroker
from bus.records import Outgoing
from roadfade import metrics
from roadfade.adoption import REWOUND_BEFORE, AdoptionFiles
from roadfade.processes.sink.process import _member_for
from roadfade.settings import Settings
from roadfade.stores import places_of
from sinks.lake.checkpoints import newest_number, put, read
from sinks.lake.steps import go_on
from sinks.port.results import Place
from telemetry.topics import SINK_GROUP
from tests.integration.bus_road import until
from tests.roadfade.processes.sink.test_sink import (
    STUDY,
    SURVEYED,
    committed,
    compiled,
    feed,
    keeping,
    records_of,
    rows,
)
from tests.support.documents import FILES
from tests.support.fast_time import fast_time
from tests.support.small_house import FIRST, NOW_MS, SURVEY, make_topics, settings_in, tell, version

ROWS_EACH = 2
REMEDY = f"`roadfade lake adopt {STUDY}`"
Made = Callable[[int, int], Sequence[Outgoing]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[FakeBroker]:
    made = FakeBroker(lambda: NOW_MS)
    await make_topics(made, settings, FIRST)
    tell(made, [FIRST])
    metrics.SINK_STOPPED.clear()
    with fast_time():
        yield made


@pytest.fixture
def records(settings: Settings) -> Made:
    """Purpose records by number; each has two rows."""
    made = records_of(compiled(settings, FIRST), range(20))
    return lambda first, end: made[first:end]


@pytest.fixture
async def kept(settings: Settings, broker: FakeBroker, records: Made) -> None:
    """A lake that has read five records, and no sink that runs."""
    feed(broker, records(0, 5))
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 5, task)


def stopped() -> dict[str, float]:
    (family,) = metrics.SINK_STOPPED.collect()
    return {sample.labels["topic"]: sample.value for sample in family.samples}


async def adopt(settings: Settings, broker: FakeBroker) -> None:
    """What the command orders."""
    async with broker.topic_ids() as asked:
        ids = await asked.of([STUDY])
    files = AdoptionFiles(settings.state_dir)
    await asyncio.to_thread(files.order, STUDY, ids[STUDY])


async def caught_up(settings: Settings, records: int, task: asyncio.Task[None]) -> None:
    """Wait until the lake holds so many records, and then for more of them to come."""
    for _ in range(600):
        if task.done() or await rows(settings) >= records * ROWS_EACH:
            break
        await asyncio.sleep(1)
    await asyncio.sleep(30)


@pytest.mark.parametrize("new", [2, 5, 9], ids=["fewer", "as many", "more"])
@pytest.mark.usefixtures("kept")
async def test_a_topic_made_anew_while_no_sink_ran_is_kept_once_adopted(
    settings: Settings,
    broker: FakeBroker,
    records: Made,
    caplog: pytest.LogCaptureFixture,
    new: int,
) -> None:
    broker.remake(STUDY)
    feed(broker, records(10, 10 + new))
    with caplog.at_level(logging.ERROR):
        async with keeping(settings, broker) as task:
            await until(lambda: bool(stopped()), task)
            await asyncio.sleep(30)
            assert stopped() == {STUDY: 1}
            assert await rows(settings) == 5 * ROWS_EACH
            (said,) = [one for one in caplog.messages if STUDY in one]
            assert "was deleted and made anew" in said
            assert REMEDY in said
            await adopt(settings, broker)
            await caught_up(settings, 5 + new, task)
    assert stopped() == {}
    assert await rows(settings) == (5 + new) * ROWS_EACH


@pytest.mark.parametrize("new", [2, 5, 9], ids=["fewer", "as many", "more"])
async def test_a_topic_made_anew_under_a_sink_is_kept_once_adopted(
    settings: Settings, broker: FakeBroker, records: Made, new: int
) -> None:
    feed(broker, records(0, 5))
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 5, task)
        broker.remake(STUDY)
        feed(broker, records(10, 10 + new))
        await until(lambda: bool(stopped()), task)
        assert await rows(settings) == 5 * ROWS_EACH
        await adopt(settings, broker)
        await caught_up(settings, 5 + new, task)
    assert await rows(settings) == (5 + new) * ROWS_EACH


@pytest.mark.usefixtures("kept")
async def test_a_topic_filled_again_from_a_copy_is_kept_once(
    settings: Settings, broker: FakeBroker, records: Made
) -> None:
    broker.remake(STUDY)
    feed(broker, records(0, 8))
    await adopt(settings, broker)
    async with keeping(settings, broker) as task:
        await caught_up(settings, 8, task)
    assert await rows(settings) == 8 * ROWS_EACH


SECOND = version(2, NOW_MS - 1, {**SURVEY, **FILES})
"""A purpose more than in the first."""


@pytest.fixture
def surveyed(settings: Settings) -> list[Outgoing]:
    """Records of the second version's other purpose."""
    made = records_of(compiled(settings, SECOND), range(4))
    return [one for one in made if one.topic == SURVEYED]


async def test_the_other_topics_go_on(
    settings: Settings, broker: FakeBroker, records: Made, surveyed: list[Outgoing]
) -> None:
    feed(broker, records(0, 3))
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 3, task)
        await make_topics(broker, settings, FIRST, SECOND)
        tell(broker, [SECOND])
        feed(broker, surveyed[:1], SURVEYED)
        await until(lambda: committed(broker, SURVEYED) == 1, task)
        broker.remake(STUDY)
        await until(lambda: bool(stopped()), task)
        # As its session ends: a static member keeps what it had for a while.
        broker.forget_member(SINK_GROUP, _member_for("sink-0", [STUDY, SURVEYED]))
        feed(broker, surveyed[1:], SURVEYED)
        await until(lambda: committed(broker, SURVEYED) == 4, task)
    assert await rows(settings, "survey") == 4 * ROWS_EACH


@pytest.mark.usefixtures("kept")
async def test_an_order_for_a_topic_that_was_made_anew_again_is_void(
    settings: Settings, broker: FakeBroker, records: Made
) -> None:
    broker.remake(STUDY)
    await adopt(settings, broker)
    broker.remake(STUDY)
    feed(broker, records(10, 12))
    async with keeping(settings, broker) as task:
        await until(lambda: bool(stopped()), task)
        await asyncio.sleep(30)
        assert await rows(settings) == 5 * ROWS_EACH


async def test_a_topic_that_went_back_stays_stopped_after_a_restart(
    settings: Settings, broker: FakeBroker, records: Made
) -> None:
    await kept_before_marks(settings, broker, records)
    async with keeping(settings, broker) as task:
        await until(lambda: bool(stopped()), task)
        await adopt(settings, broker)
        await until(lambda: not stopped(), task)
    async with keeping(settings, broker) as task:
        await asyncio.sleep(30)
        assert stopped() == {}


async def kept_before_marks(settings: Settings, broker: FakeBroker, records: Made) -> None:
    """A lake beside which a version of before noted that the topic went back."""
    feed(broker, records(0, 5))
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 5, task)
    (settings.state_dir / REWOUND_BEFORE).write_text(f"{STUDY} 5 0\n", encoding="utf-8")


def unnamed(settings: Settings) -> None:
    """Make the lake one of before: it says nothing of a topic."""
    found = read(settings.lake_dir, newest_number(settings.lake_dir) or 0)
    places = [replace(one, topic_id=None) for one in found.places]
    put(settings.lake_dir, replace(found, places=places), settings.lake_dir / "_tmp", go_on)


async def place(settings: Settings) -> Place:
    return (await asyncio.to_thread(places_of, settings))[STUDY, 0]


@pytest.mark.usefixtures("kept")
async def test_a_lake_of_before_takes_the_topic_that_is_there_and_says_so(
    settings: Settings, broker: FakeBroker, records: Made, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(unnamed, settings)
    assert await place(settings) == Place(5, None)
    with caplog.at_level(logging.WARNING):
        async with keeping(settings, broker) as task:
            feed(broker, records(5, 6))
            await caught_up(settings, 6, task)
    assert any("does not say which" in one for one in caplog.messages)
    assert (await place(settings)).topic_id is not None
    assert await rows(settings) == 6 * ROWS_EACH


@pytest.mark.usefixtures("kept")
async def test_a_lake_of_before_does_not_take_a_topic_that_ends_below_its_place(
    settings: Settings, broker: FakeBroker, records: Made
) -> None:
    await asyncio.to_thread(unnamed, settings)
    broker.remake(STUDY)
    feed(broker, records(10, 14))
    async with keeping(settings, broker) as task:
        await until(lambda: bool(stopped()), task)
    assert await place(settings) == Place(5, None)
