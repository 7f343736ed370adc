"""The sink's process from broker to lake and the sweep that runs once, on a broker in memory."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bus.memory.broker import FakeBroker
from bus.memory.faults import Event, Fault
from bus.records import Outgoing
from policy.plan.plan import Plan
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.in_force.broker import limits_of
from roadfade.in_force.plans import Plans
from roadfade.in_force.source import PolicySource
from roadfade.processes.sink.lake_writer import StoreWriter
from roadfade.processes.sink.late_versions import HEARD_LATE_S, IN_VAIN_MAX
from roadfade.processes.sink.observer import NO_ROOM
from roadfade.processes.sink.process import SinkKeeper, pause
from roadfade.processes.sweep.once import once
from roadfade.settings import Settings
from roadfade.stores import query
from sinks.lake.lake import Lake
from sinks.port.results import Unreadable, Written
from sinks.port.sink import StoreFullError
from telemetry.arrived import Arrived
from telemetry.instants import DAY_MS, MINUTE_MS
from telemetry.topics import CONTROL_POLICIES, SINK_GROUP
from telemetry.wire.publication import Publication
from telemetry.wire.record import LATITUDE
from tests.integration.bus_road import until
from tests.support.documents import bent
from tests.support.fast_time import fast_time
from tests.support.plans import SPEED
from tests.support.small_house import (
    BROKEN,
    FIRST,
    NOW_MS,
    SURVEY,
    make_topics,
    settings_in,
    tell,
    version,
)
from tests.support.worlds import World, column, envelope

STUDY, SURVEYED = "purpose.study", "purpose.survey"
SECOND = version(2, NOW_MS - 1, SURVEY)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
async def broker(settings: Settings) -> AsyncIterator[FakeBroker]:
    made = FakeBroker(lambda: NOW_MS)
    await make_topics(made, settings, FIRST)
    tell(made, [FIRST])
    with fast_time():
        yield made


def compiled(settings: Settings, one: Publication) -> Plan:
    return Plans(limits_of(settings, 1_000, 1_000), settings.state_dir).plan(one)


@pytest.fixture
def study(settings: Settings) -> list[Outgoing]:
    """What a worker makes of three envelopes of two speeds, under the first version."""
    return records_of(compiled(settings, FIRST))


@pytest.fixture
def surveyed(settings: Settings) -> list[Outgoing]:
    """The same under the second version, for another purpose."""
    return records_of(compiled(settings, SECOND))


def records_of(plan: Plan, numbers: Iterable[int] = range(3)) -> list[Outgoing]:
    world = World(plan)
    world.register()
    world.link()
    made = []
    for number in numbers:
        speeds = column("km/h", [40.0 + number, 50.0], step_ms=20_000)
        fields = {"id": f"01K0000000000000000000{number:04d}"}
        value = envelope({SPEED: speeds}, NOW_MS - (number + 1) * MINUTE_MS, **fields)
        made += [
            Outgoing(one.topic, one.partition, one.key, one.value, one.headers)
            for one in world.feed(value, NOW_MS, NOW_MS)
        ]
    return made


@asynccontextmanager
async def keeping(settings: Settings, broker: FakeBroker) -> AsyncIterator[asyncio.Task[None]]:
    async with PolicySource.open(settings, broker) as source:
        await source.checked()
    keeper = SinkKeeper(settings, broker, source, "sink-0")
    task = asyncio.create_task(keeper.run())
    try:
        yield task
    finally:
        keeper.stop()
        await asyncio.gather(task, return_exceptions=True)


def committed(broker: FakeBroker, topic: str = STUDY) -> int:
    return broker.committed(SINK_GROUP).get((topic, 0), 0)


def paused() -> set[str]:
    """What the sink waits for."""
    samples = (sample for one in metrics.PAUSED.collect() for sample in one.samples)
    return {sample.labels["reason"] for sample in samples if sample.value}


def missed() -> float:
    """How many commits were missed, whatever the reason."""
    samples = (sample for one in metrics.COMMITS_MISSED.collect() for sample in one.samples)
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))


async def rows(settings: Settings, output: str = "study") -> int:
    """How many live rows an output has."""
    counted = "SELECT count(*) FROM readings"
    found = await asyncio.to_thread(query, settings, output, counted, NOW_MS)
    return int(found.rows[0][0])


def feed(broker: FakeBroker, records: Sequence[Outgoing | Event], topic: str = STUDY) -> None:
    broker.feed(topic, 0, *records)


async def test_what_is_committed_is_in_the_lake(
    settings: Settings, broker: FakeBroker, study: list[Outgoing]
) -> None:
    feed(broker, study)
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 3, task)
        assert await rows(settings) == 6


@pytest.mark.parametrize("fault", [Fault.COMMIT_LOST, Fault.COMMIT_REFUSED])
async def test_a_commit_that_fails_keeps_nothing_twice(
    settings: Settings,
    broker: FakeBroker,
    study: list[Outgoing],
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write, faults = StoreWriter.write, [fault]

    async def written(writer: StoreWriter, records: Sequence[Arrived]) -> None:
        await write(writer, records)
        if faults:
            broker.fail_next(faults.pop())

    monkeypatch.setattr(StoreWriter, "write", written)
    feed(broker, study[:2])
    before = missed()
    async with keeping(settings, broker) as task:
        await until(lambda: missed() > before, task)
    async with keeping(settings, broker) as task:
        feed(broker, study[2:])
        await until(lambda: committed(broker) == 3, task)
    assert await rows(settings) == 6


async def test_a_worker_that_sent_twice_is_kept_once(
    settings: Settings, broker: FakeBroker, study: list[Outgoing]
) -> None:
    feed(broker, [*study, *study])
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 6, task)
    assert await rows(settings) == 6


def foreign(one: Outgoing, id_: str, **bend: Any) -> Outgoing:
    """A record as another writer might send it: headers replaced, series added."""
    value = msgspec.json.decode(one.value or b"")
    value["series"] |= bend.pop("series", {})
    headers = {**dict(one.headers), "ce_id": id_.encode()}
    headers |= {name: text.encode() for name, text in bend.items()}
    return Outgoing(one.topic, 0, one.key, msgspec.json.encode(value), [*headers.items()])


FOREIGN: dict[str, tuple[Unreadable, dict[str, Any]]] = {
    "kept for ever": (Unreadable.KEPT_TOO_LONG, {"expires_at": "9999-12-31T23:59:00Z"}),
    "a VIN for a signal": (
        Unreadable.NOT_ALLOWED,
        {"series": {"1HGCM82633A004352": {"unit": "", "dt": [0], "value": [1]}}},
    ),
    "an exact latitude": (
        Unreadable.NOT_ALLOWED,
        {"series": {LATITUDE: {"unit": "degrees", "dt": [0], "value": [35.681236]}}},
    ),
    "an exact speed": (
        Unreadable.TOO_PRECISE,
        {"series": {SPEED: {"unit": "km/h", "dt": [0], "value": [43.7]}}},
    ),
    "a policy of nobody": (Unreadable.UNKNOWN_POLICY, {"policy_version": "77-0123456789ab"}),
    "readings without end": (Unreadable.BAD_HEADER, {"readings": str(10**30)}),
    "another purpose": (Unreadable.WRONG_PURPOSE, {"purpose": "survey"}),
}


def quarantined(reason: Unreadable) -> float:
    return float(metrics.SINK_REJECTED.labels(str(reason))._value.get())


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the sink waited for versions; it takes no time."""
    made = list[float]()
    monkeypatch.setattr("roadfade.processes.sink.process.pause", made.append)
    return made


async def test_what_a_foreign_writer_sends_is_set_aside_and_the_stream_goes_on(
    settings: Settings, broker: FakeBroker, study: list[Outgoing], pauses: list[float]
) -> None:
    wrong = [
        foreign(study[0], f"foreign-{number}", **bend)
        for number, (_, bend) in enumerate(FOREIGN.values())
    ]
    expected = Counter(reason for reason, _ in FOREIGN.values())
    before = {reason: quarantined(reason) for reason in expected}
    feed(broker, [study[0], *wrong, *study[1:]])
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 3 + len(wrong), task)
    assert await rows(settings) == 6
    assert {one: quarantined(one) - before[one] for one in expected} == expected
    assert sum(pauses) == HEARD_LATE_S


async def test_without_room_it_waits_and_loses_nothing(
    settings: Settings,
    broker: FakeBroker,
    study: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    full, said = True, "free space"
    metrics.PAUSED.clear()  # other tests of this process pause as well

    def write(one: Lake, records: Sequence[Arrived], now_ms: int) -> Written:
        if full:
            raise StoreFullError(said)
        return write_lake(one, records, now_ms)

    write_lake = Lake.write
    monkeypatch.setattr(Lake, "write", write)
    feed(broker, study)
    async with keeping(settings, broker) as task:
        await until(lambda: paused() == {NO_ROOM}, task)
        assert committed(broker) == 0
        await asyncio.sleep(60)
        assert sum(said in message for message in caplog.messages) == 1
        full = False
        await until(lambda: committed(broker) == 3, task)
        assert paused() == set()
    assert await rows(settings) == 6


async def test_an_unknown_version_is_waited_for_once(
    settings: Settings, broker: FakeBroker, study: list[Outgoing], pauses: list[float]
) -> None:
    unknown = {"policy_version": "77-0123456789ab"}
    feed(broker, [foreign(one, f"foreign-{at}", **unknown) for at, one in enumerate(study)])
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 3, task)
        feed(broker, [foreign(study[0], "later", **unknown), *study])
        await until(lambda: committed(broker) == 7, task)
    assert sum(pauses) == HEARD_LATE_S
    assert await rows(settings) == 6


async def test_versions_made_up_are_waited_for_a_few_times_only(
    settings: Settings, broker: FakeBroker, study: list[Outgoing], pauses: list[float]
) -> None:
    made_up = [
        foreign(study[0], f"v{one}", policy_version=f"{one}-0123456789ab") for one in range(3, 40)
    ]
    async with keeping(settings, broker) as task:
        for batch in range(2 * IN_VAIN_MAX):
            given = made_up[batch * 6 : (batch + 1) * 6]
            feed(broker, given)
            await until(lambda batch=batch: committed(broker) == 6 * (batch + 1), task)  # type: ignore[misc]
            assert sum(pauses) == HEARD_LATE_S * min(batch + 1, IN_VAIN_MAX)
        feed(broker, study)
        await until(lambda: committed(broker) == 12 * IN_VAIN_MAX + 3, task)
    assert await rows(settings) == 6


RENEWED = version(2, NOW_MS - 1)


@pytest.fixture
def early(settings: Settings) -> list[Outgoing]:
    """What a worker makes under a version that is not on record here yet."""
    return records_of(compiled(settings, RENEWED))


async def test_a_version_that_is_heard_of_late_is_waited_for(
    settings: Settings,
    broker: FakeBroker,
    early: list[Outgoing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits = list[float]()

    def told_meanwhile(seconds: float) -> None:
        if not waits:
            tell(broker, [RENEWED])
        waits.append(seconds)
        pause(seconds)

    monkeypatch.setattr("roadfade.processes.sink.process.pause", told_meanwhile)
    before = quarantined(Unreadable.UNKNOWN_POLICY)
    feed(broker, early)
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 3, task)
    assert waits
    assert await rows(settings) == 6
    assert quarantined(Unreadable.UNKNOWN_POLICY) == before


async def test_an_outage_ends_nothing_and_loses_nothing(
    settings: Settings, broker: FakeBroker, study: list[Outgoing]
) -> None:
    feed(broker, [*study[:2], Event.AWAY, *study[2:]])
    async with keeping(settings, broker) as task:
        await until(lambda: not broker.answers(), task)
        await asyncio.sleep(60)
        broker.come_back()
        await until(lambda: committed(broker) == 3, task)
    assert await rows(settings) == 6


async def test_a_version_with_other_topics_opens_the_lake_for_them(
    settings: Settings, broker: FakeBroker, study: list[Outgoing], surveyed: list[Outgoing]
) -> None:
    feed(broker, study)
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == 3, task)
        tell(broker, [SECOND])
        # Its topics are not there yet: it waits for the office to make them.
        await asyncio.sleep(10)
        await make_topics(broker, settings, FIRST, SECOND)
        feed(broker, surveyed, SURVEYED)
        await until(lambda: committed(broker, SURVEYED) == 3, task)
    assert await rows(settings, "survey") == 6


async def test_a_version_not_valid_here_stores_as_before_and_is_logged_once(
    settings: Settings,
    broker: FakeBroker,
    study: list[Outgoing],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with keeping(settings, broker) as task:
        await asyncio.sleep(1)
        with caplog.at_level(logging.WARNING):
            tell(broker, [version(2, NOW_MS - 1, BROKEN)])
            await asyncio.sleep(10)
        feed(broker, study)
        await until(lambda: committed(broker) == 3, task)
    said = [
        one
        for one in caplog.messages
        if one.startswith("the version in force cannot be taken over")
    ]
    assert len(said) == 1


async def kept(settings: Settings, broker: FakeBroker, records: Sequence[Outgoing]) -> None:
    """A lake that holds these records."""
    feed(broker, records)
    async with keeping(settings, broker) as task:
        await until(lambda: committed(broker) == len(records), task)


SHORTER = version(
    2, NOW_MS - 1, bent("purposes/study.yaml", "P0\n    do: {Vehicle.Speed: [thin 10 s, bucket 10 km/h]}\n    keep: {at_most: 12 months", "P0\n    do: {Vehicle.Speed: [thin 10 s, bucket 10 km/h]}\n    keep: {at_most: 40 days"),
)  # fmt: skip


def days_on(days: int) -> WallClock:
    return lambda: NOW_MS + days * DAY_MS


async def test_a_sweep_without_a_broker_expires_and_leaves_every_end_as_it_is(
    settings: Settings, broker: FakeBroker, study: list[Outgoing]
) -> None:
    await kept(settings, broker, study)
    tell(broker, [SHORTER])
    broker.go_away()
    swept, restated, *_ = await asyncio.to_thread(once, settings, broker, days_on(50))
    assert (swept.rows, restated) == (0, None)
    swept, restated, *_ = await asyncio.to_thread(once, settings, broker, days_on(800))
    assert (swept.rows, restated) == (6, None)


async def test_a_sweep_gives_rows_the_end_of_the_version_in_force(
    settings: Settings, broker: FakeBroker, study: list[Outgoing]
) -> None:
    await kept(settings, broker, study)
    tell(broker, [SHORTER])
    _, restated, *_ = await asyncio.to_thread(once, settings, broker, days_on(0))
    assert restated is not None
    assert restated.moved == {"study": 6}
    swept, *_ = await asyncio.to_thread(once, settings, broker, days_on(50))
    assert swept.rows == 6


async def test_a_sweep_of_no_lake_removes_nothing(settings: Settings, broker: FakeBroker) -> None:
    swept, restated, *_ = await asyncio.to_thread(once, settings, broker, days_on(0))
    assert swept.rows == 0
    assert restated is not None
    assert restated.moved == {}


async def test_no_record_is_judged_while_a_version_cannot_be_read(
    settings: Settings, broker: FakeBroker, study: list[Outgoing]
) -> None:
    async with keeping(settings, broker) as task:
        feed(broker, study[:1])
        await until(lambda: committed(broker) == 1, task)
        broker.put(CONTROL_POLICIES, b"small@9", b"garbage")
        await asyncio.sleep(60)
        feed(broker, study[1:])
        await asyncio.sleep(60)
        assert committed(broker) == 1, "it may be the version of these records"
        assert metrics.PAUSED.labels(f"unreadable {CONTROL_POLICIES}")._value.get() == 1
        broker.put(CONTROL_POLICIES, b"small@9", None)
        await until(lambda: committed(broker) == 3, task)
    assert await rows(settings) == 6
