"""A view whose rows keep their own hashes tells of the same contents as one that keeps them itself."""

import asyncio
import random
from collections.abc import Callable

import pytest

from bus.memory.broker import FakeBroker
from bus.partitions import partition_for
from bus.topics import TopicSpec
from office.store.row_ids import new_row_id
from processors.packed_people import PackedPeople
from roadfade.in_force.control_rows import control_view
from roadfade.in_force.control_views import ControlViews, PeopleRows
from telemetry.identity import DeviceId, LinkSecret, SubjectId
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS, HEARTBEAT_KEY
from telemetry.wire.control import (
    ConsentInterval,
    ControlRow,
    DeviceRegistration,
    Heartbeat,
    LinkInterval,
    Restriction,
    RestrictionReason,
    encode_row,
)
from telemetry.wire.topic_contents import RunningContents

NOW_MS = 1_800_000_000_000
TOPICS = (CONTROL_LINKS, CONTROL_CONSENTS)
REASONS: tuple[RestrictionReason, ...] = ("erased", "objected")
COMPACTED = {"cleanup.policy": "compact"}


async def broker_with_topics(partitions: int = 1) -> FakeBroker:
    broker = FakeBroker(lambda: NOW_MS)
    async with broker.admin() as admin:
        await admin.create([TopicSpec(topic, partitions, COMPACTED) for topic in TOPICS])
    return broker


def random_row(chance: random.Random, topic: str, key: str) -> bytes:
    from_ms = chance.choice([NOW_MS, NOW_MS - 5])
    device, subject = DeviceId(chance.choice("ab")), SubjectId(chance.choice("xy"))
    if topic == CONTROL_CONSENTS:
        row: ControlRow = ConsentInterval(key, subject, "p", "location", None, "n@1", from_ms, None)
    elif chance.random() < 0.5:
        row = LinkInterval(key, device, subject, LinkSecret(bytes(32)), from_ms, None, "driver")
    else:
        row = DeviceRegistration(device, from_ms)
    return encode_row(row)


def random_restriction(chance: random.Random, key: str) -> bytes:
    from_ms = chance.choice([NOW_MS, NOW_MS - 5])
    subject = SubjectId(chance.choice("xy"))
    reason = chance.choice(REASONS)
    return encode_row(Restriction(key, subject, reason, None, None, from_ms, None))


def random_value(chance: random.Random, topic: str, key: str) -> bytes | None:
    """A row, the same in other words, one of the other topic, a deletion, or nothing readable."""
    good = random_row(chance, topic, key)
    foreign = random_row(chance, chance.choice(TOPICS), key)
    if chance.random() < 0.3:
        return random_restriction(chance, key)
    return chance.choice([good, good, good, good.replace(b":", b": "), foreign, None, b"{", b""])


def taken_by(topic: str, value: bytes) -> bool:
    kinds = (b'"consent"', b'"restriction"') if topic == CONTROL_CONSENTS else (b'"device"',)
    return any(kind in value for kind in kinds)


@pytest.mark.parametrize("topic", TOPICS)
async def test_both_keep_count_alike(topic: str) -> None:
    for seed in range(6):
        chance = random.Random(seed)
        broker = await broker_with_topics(2)
        keys = [new_row_id() for _ in range(6)] + ["odd"]
        due = [RunningContents(), RunningContents()]
        for _ in range(150):
            key = chance.choice(keys)
            value = random_value(chance, topic, key)
            broker.put(topic, key.encode(), value)
            taken = value if value is not None and taken_by(topic, value) else None
            due[partition_for(key.encode(), 2)].take(key.encode(), taken)
        beside, apart = (PeopleRows(topic, PackedPeople()) for _ in range(2))
        views = [
            control_view(broker, topic, beside, hashes=beside), control_view(broker, topic, apart)
        ]  # fmt: skip
        running = [asyncio.create_task(view.run()) for view in views]
        for view in views:
            await view.ready.wait()
            await view.stop()
        await asyncio.gather(*running)
        found = [[one.contents for one in view._contents.values()] for view in views]
        assert found[0] == found[1] == [one.contents for one in due], f"seed {seed}"


async def paused(broker: FakeBroker, change: Callable[[FakeBroker], None]) -> str | None:
    """Why a worker's views would let nothing be decided, after ``change``."""
    people = PackedPeople()
    views = ControlViews(
        broker, {topic: PeopleRows(topic, people) for topic in TOPICS}, lambda: NOW_MS, 30_000
    )
    change(broker)
    running = asyncio.create_task(views.run())
    for view in views._views.values():
        await view.ready.wait()
    reason = views.pause_reason()
    await views.stop()
    await running
    return reason


@pytest.mark.parametrize("lost", [False, True])
async def test_a_row_that_is_lost_among_many_is_noticed(lost: bool) -> None:  # noqa: FBT001  # a case
    broker = await broker_with_topics()

    def publish(broker: FakeBroker) -> None:
        for topic in TOPICS:
            contents = RunningContents()
            for number in range(50):
                key = new_row_id()
                value = random_row(random.Random(number), topic, key)
                contents.take(key.encode(), value)
                if not (lost and number == 20):
                    broker.put(topic, key.encode(), value)
            beat = Heartbeat(NOW_MS, 1, contents.contents)
            broker.put(topic, HEARTBEAT_KEY, encode_row(beat))

    reason = await paused(broker, publish)
    assert (reason is None) != lost
