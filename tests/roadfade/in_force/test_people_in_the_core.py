"""Whatever a control topic holds, a view into the core and one into Python end alike."""

import asyncio
import random
from collections.abc import Callable, Sequence

import pytest

from bus.failures import RowFault
from bus.memory.broker import FakeBroker
from bus.partitions import partition_for
from bus.records import Outgoing
from bus.view import CompactedView
from office.store.row_ids import new_row_id
from processors.core_people import CorePeople
from processors.packed_people import PackedPeople
from processors.people import People
from roadfade.in_force import control_rows, control_views
from roadfade.in_force.control_views import PeopleRows
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS, HEARTBEAT_KEY
from telemetry.wire.control import Heartbeat, encode_row
from telemetry.wire.topic_contents import Contents, RunningContents
from tests.roadfade.in_force.test_people_view import (
    NOW_MS,
    TOPICS,
    broker_with_topics,
    random_restriction,
    random_row,
)
from tests.support.ready_batches import needs_core

pytestmark = needs_core

PARTITIONS = 2


def strange(chance: random.Random, good: bytes, foreign: bytes) -> bytes | None:
    """Anything but a row as the office writes it; some mean the same."""
    ways: list[Callable[[], bytes | None]] = [
        lambda: None,
        lambda: b"",
        lambda: b"{",
        lambda: foreign,
        lambda: good.replace(b":", b": "),
        lambda: good.replace(b'"a"', b'"\\u0061"').replace(b'"x"', b'"\\u0078"'),
        lambda: good.replace(b'"a"', '"é"'.encode()).replace(b'"x"', '"日"'.encode()),
        lambda: good.replace(b'_ms":1', b'_ms":-1'),
        lambda: good.replace(b'_ms":1', b'_ms":9'),
        lambda: good.replace(b"AAAAAAAA", b"", 1),
        lambda: good.replace(b',"role":"driver"', b""),
        lambda: good.replace(b"}", b',"more":1}'),
        lambda: encode_row(Heartbeat(NOW_MS, 1)),
    ]
    return chance.choice(ways)()


def fill(broker: FakeBroker, topic: str, seed: int) -> None:
    """Rows usual and strange, under keys usual and strange, and heartbeats that are not true."""
    chance = random.Random(seed)
    keys = [new_row_id() for _ in range(8)] + ["odd", "", new_row_id().lower()]
    for _ in range(200):
        key = chance.choice(keys)
        good = random_row(chance, topic, key)
        foreign = random_row(chance, chance.choice(TOPICS), chance.choice(keys))
        if chance.random() < 0.2:
            good = random_restriction(chance, key)
        value = good if chance.random() < 0.6 else strange(chance, good, foreign)
        partition = partition_for(key.encode(), PARTITIONS)
        if chance.random() < 0.05:
            partition = 1 - partition
        if chance.random() < 0.05:
            told = Contents(chance.randrange(5), chance.getrandbits(128))
            value = encode_row(Heartbeat(NOW_MS, 1, chance.choice([None, told])))
            broker.feed(topic, partition, Outgoing("", None, HEARTBEAT_KEY, value))
        else:
            broker.feed(topic, partition, Outgoing("", None, key.encode(), value))


def all_answers(people: People) -> list[object]:
    found: list[object] = []
    for name in ("a", "b", "x", "y", "é", "日"):
        found += [people.registered_ms(name), people.consents_of(name)]
        found.append(people.restrictions_of(name))
        found += [people.link_at(name, at_ms) for at_ms in (-1, NOW_MS - 6, NOW_MS - 3, NOW_MS)]
    return found


async def read(
    monkeypatch: pytest.MonkeyPatch, broker: FakeBroker, topic: str, people: People
) -> tuple[PeopleRows, CompactedView, Sequence[tuple[str, RowFault]]]:
    """A view of the whole topic, and what it set aside."""
    aside: list[tuple[str, RowFault]] = []
    monkeypatch.setattr(control_rows, "set_aside", lambda *what: aside.append(what))
    rows = PeopleRows(topic, people)
    view = rows.view(broker)
    running = asyncio.create_task(view.run())
    await view.ready.wait()
    await view.stop()
    await running
    return rows, view, aside


@pytest.mark.parametrize("topic", TOPICS)
async def test_every_topic_ends_alike(monkeypatch: pytest.MonkeyPatch, topic: str) -> None:
    for seed in range(12):
        broker = await broker_with_topics(PARTITIONS)
        fill(broker, topic, seed)
        packed, core = PackedPeople(), CorePeople()
        rows, view, aside = await read(monkeypatch, broker, topic, packed)
        core_rows, core_view, core_aside = await read(monkeypatch, broker, topic, core)
        assert all_answers(core) == all_answers(packed), f"seed {seed}"
        contents = [[one.contents for one in of._contents.values()] for of in (core_view, view)]
        assert contents[0] == contents[1], f"seed {seed}"
        assert core_view.complete == view.complete
        assert core_view._lacking == view._lacking
        assert core_rows.unreadable._keys == rows.unreadable._keys
        assert core_aside == aside
        assert core.changes.since(0) == packed.changes.since(0), f"seed {seed}"


@pytest.mark.parametrize("holder", [PackedPeople, CorePeople])
@pytest.mark.parametrize("lost", [None, 7, 19])
@pytest.mark.parametrize("topic", TOPICS)
async def test_rows_count_for_the_heartbeat_behind_them(
    monkeypatch: pytest.MonkeyPatch, topic: str, lost: int | None, holder: type[People]
) -> None:
    broker, told = await broker_with_topics(1), RunningContents()
    for number in range(20):
        key = new_row_id().encode()
        value = random_row(random.Random(number), topic, key.decode())
        told.take(key, value)
        if number != lost:
            broker.feed(topic, 0, Outgoing("", None, key, value))
        if number % 5 == 4:
            beat = encode_row(Heartbeat(NOW_MS, 1, told.contents))
            broker.feed(topic, 0, Outgoing("", None, HEARTBEAT_KEY, beat))
    _, view, _ = await read(monkeypatch, broker, topic, holder())
    assert view.complete == (lost is None)


async def test_a_usual_row_is_never_an_object_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: bytes) -> None:
        pytest.fail("a row was decoded in Python")

    monkeypatch.setattr(control_views, "read_row", never)
    for topic in TOPICS:
        broker = await broker_with_topics(PARTITIONS)
        keys = [new_row_id() for _ in range(50)]
        for key in keys:
            value = random_row(random.Random(key), topic, key)
            partition = partition_for(key.encode(), PARTITIONS)
            broker.feed(topic, partition, Outgoing("", None, key.encode(), value))
        people = CorePeople()
        _, view, aside = await read(monkeypatch, broker, topic, people)
        assert aside == []
        assert sum(one.contents.rows for one in view._contents.values()) == len(keys)


async def test_a_good_row_ends_the_wait_for_one_that_could_not_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = await broker_with_topics(1)
    key = new_row_id()
    good = random_row(random.Random(1), CONTROL_LINKS, key)
    waiting = [(b"{", True), (good, False), (b"{", False)]
    for value, waits in waiting:
        broker.feed(CONTROL_LINKS, 0, Outgoing("", None, key.encode(), value))
        rows, _, _ = await read(monkeypatch, broker, CONTROL_LINKS, CorePeople())
        assert bool(rows.unreadable) == waits


def test_a_row_under_the_key_of_a_restriction_is_not_for_the_core() -> None:
    people = CorePeople()
    rows = PeopleRows(CONTROL_CONSENTS, people)
    keys = [new_row_id() for _ in range(4)]
    asked: list[bytes | None] = [key.encode() for key in keys]
    values: list[bytes | None] = [
        random_row(random.Random(1), CONTROL_CONSENTS, key) for key in keys
    ]
    rows.apply(keys[2].encode(), random_restriction(random.Random(1), keys[2]))
    assert rows.take_usual(asked, values, 0, 0, 1).until == 2
    rows.apply(keys[2].encode(), values[2] or b"")
    assert not any(people.restrictions_of(name) for name in "xy")
    assert rows.take_usual(asked, values, 2, 0, 1).until == 4


def test_consents_of_links_topic_do_not_mix() -> None:
    people = CorePeople()
    links, consents = (PeopleRows(topic, people) for topic in (CONTROL_LINKS, CONTROL_CONSENTS))
    key = new_row_id()
    value = random_row(random.Random(1), CONTROL_CONSENTS, key)
    given: tuple[list[bytes | None], list[bytes | None]] = ([key.encode()], [value])
    assert links.take_usual(*given, 0, 0, 1).until == 0
    assert consents.take_usual(*given, 0, 0, 1).until == 1
    links.apply(key.encode(), None)
    assert consents.row_hash(key.encode()) is not None
