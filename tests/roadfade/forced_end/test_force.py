"""A forced end on the broker in memory: what it takes, what it leaves, and how it is interrupted."""

from collections.abc import AsyncIterator, Mapping

import pytest

from bus.failures import BrokerError
from bus.memory.broker import FakeBroker
from bus.ports import Committed, ReaderSettings, TopicPartition
from bus.topics import TopicSpec, drift
from roadfade.clock import wall_ms
from roadfade.forced_end.cutting import STORE
from roadfade.forced_end.force import Ended, Files, ForcedEnd, Means, Step
from roadfade.forced_end.looking import Stored, look
from sinks.port.results import Place
from telemetry.topics import SINK_GROUP
from tests.support.fast_time import fast_time

TOPIC = "purpose.a"
SPEC = TopicSpec(TOPIC, 2, {"retention.ms": "600000", "segment.ms": "60000"})


@pytest.fixture
async def broker() -> AsyncIterator[FakeBroker]:
    made = FakeBroker(wall_ms)
    async with made.admin() as admin:
        await admin.create([SPEC])
    for partition in (0, 1):
        made.feed(TOPIC, partition, *[b"reading"] * 10)
    with fast_time():
        yield made


async def reads(broker: FakeBroker, group: str, offsets: Mapping[int, int]) -> None:
    """Commit so far for a group, as somebody who has left since."""

    async def nothing() -> None:
        return

    settings = ReaderSettings()
    member = broker.group_member(group, [TOPIC], member=None, settings=settings, revoked=nothing)
    await member.start()
    await member.commit(
        {TopicPartition(TOPIC, number): Committed(offset) for number, offset in offsets.items()}
    )
    await member.stop(1_000)


def nowhere() -> dict[tuple[str, int], Place]:
    return {}


def forced(broker: FakeBroker, stored: Stored = nowhere, wait_s: float = 0) -> ForcedEnd:
    means = Means(broker, wall_ms, lambda: look(broker, [TOPIC], stored), str)
    return ForcedEnd(means, [SPEC], wait_s)


async def differs(broker: FakeBroker) -> list[str]:
    async with broker.admin() as admin:
        found = (await admin.describe([TOPIC]))[TOPIC]
    return [one.setting for one in drift(SPEC, found)]


async def one_run(run: ForcedEnd) -> Ended:
    (ended,) = await run.run()
    return ended


async def test_what_all_have_read_is_gone_and_the_topic_is_as_before(broker: FakeBroker) -> None:
    await reads(broker, SINK_GROUP, {0: 10, 1: 10})
    ended = await one_run(forced(broker))
    assert (ended.done, ended.files) == (True, Files.UNSEEN)
    assert (ended.begins, ended.held_back, ended.lost) == ({0: 10, 1: 10}, {}, {})
    # One record on each partition is left, and it holds nothing.
    left = [(one.partition, one.offset, one.key, one.value) for one in broker.records(TOPIC)]
    assert left == [(0, 10, None, None), (1, 10, None, None)]
    assert await differs(broker) == []


async def test_what_the_sink_has_not_got_stays_and_is_told(broker: FakeBroker) -> None:
    await reads(broker, SINK_GROUP, {0: 10, 1: 4})
    ended = await one_run(forced(broker))
    assert (ended.done, ended.begins) == (False, {0: 10, 1: 4})
    assert ended.held_back == {SINK_GROUP: 6}


async def test_a_store_that_was_restored_holds_back_what_it_lacks(broker: FakeBroker) -> None:
    await reads(broker, SINK_GROUP, {0: 10, 1: 10})
    ended = await one_run(forced(broker, lambda: {(TOPIC, 1): Place(7, None)}))
    assert (ended.begins, ended.held_back) == ({0: 10, 1: 7}, {STORE: 3})


async def test_a_store_of_another_topic_of_that_name_has_nothing(broker: FakeBroker) -> None:
    await reads(broker, SINK_GROUP, {0: 10, 1: 10})
    ended = await one_run(forced(broker, lambda: {(TOPIC, 1): Place(10, "another")}))
    assert (ended.begins, ended.held_back) == ({0: 10, 1: 0}, {STORE: 10})


async def test_readers_are_waited_for(broker: FakeBroker) -> None:
    run = forced(broker, wait_s=30)
    told: list[str] = []

    async def catch_up(_: float) -> None:
        await reads(broker, SINK_GROUP, {0: 11, 1: 11})

    run.means = Means(
        broker, wall_ms, run.means.look, str, tell=lambda one: told.append(one.what), sleep=catch_up
    )
    ended = await one_run(run)
    assert (ended.done, ended.begins) == (True, {0: 11, 1: 11})
    assert told[0] == f"for {SINK_GROUP}"


async def test_what_others_lose_is_counted(broker: FakeBroker) -> None:
    await reads(broker, SINK_GROUP, {0: 10, 1: 10})
    await reads(broker, "partner", {0: 10, 1: 4})
    assert (await one_run(forced(broker))).lost == {"partner": 6}


@pytest.mark.parametrize("step", [Step.CLOSING, Step.FILLED, Step.RESTORED, Step.CUT])
async def test_a_run_that_is_interrupted_brings_the_settings_back(
    broker: FakeBroker, step: Step
) -> None:
    await reads(broker, SINK_GROUP, {0: 10, 1: 10})
    run = forced(broker)

    def interrupt(at: Step) -> None:
        if at is step:
            raise KeyboardInterrupt

    run.means = Means(broker, wall_ms, run.means.look, str, hook=interrupt)
    with pytest.raises(KeyboardInterrupt):
        await run.run()
    assert await differs(broker) == []
    assert (await one_run(forced(broker))).begins[0] >= 10


async def test_a_broker_that_goes_away_leaves_a_remedy(broker: FakeBroker) -> None:
    run = forced(broker)

    def away(at: Step) -> None:
        if at is Step.CLOSING:
            broker.go_away()

    run.means = Means(broker, wall_ms, run.means.look, str, hook=away)
    with pytest.raises(Exception, match="roadfade topics apply"):
        await run.run()
    broker.come_back()
    assert await differs(broker) == ["segment.ms"]
    await reads(broker, SINK_GROUP, {0: 10, 1: 10})
    assert (await one_run(forced(broker))).done
    assert await differs(broker) == []


async def test_a_topic_that_is_not_there_is_no_topic_without_readers(broker: FakeBroker) -> None:
    with pytest.raises(BrokerError):
        await look(broker, ["purpose.b"], nowhere)
