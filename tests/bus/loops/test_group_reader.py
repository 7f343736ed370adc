"""One member of a group: what it keeps in hand, and what it forgets, on the broker in memory."""

import pytest

from bus.loops import group_reader
from bus.loops.attempts import ATTEMPTS_MAX, Note
from bus.loops.group_reader import REST_MS_MAX, GroupReader
from bus.memory.broker import FakeBroker
from bus.memory.groups import MemoryMember
from bus.ports import Committed, Fetched, ReaderSettings, TopicPartition
from bus.topics import TopicSpec
from tests.integration.bus_road import GROUP, IN, Noted

AT = TopicPartition(IN, 0)


@pytest.fixture
async def broker() -> FakeBroker:
    made = FakeBroker(lambda: 1_000)
    await made.admin().create([TopicSpec(IN, 1, {})])
    made.feed(IN, 0, *(b"%d" % number for number in range(6)))
    return made


@pytest.fixture
def noted() -> Noted:
    return Noted()


def reader_of(broker: FakeBroker, noted: Noted) -> GroupReader:
    settings = ReaderSettings()
    return GroupReader(broker, GROUP, [IN], member=None, settings=settings, observer=noted)


def offsets(fetched: Fetched) -> list[int]:
    return [record.offset for records in fetched.values() for record in records]


async def suspect(broker: FakeBroker) -> None:
    """As after deaths of processes that had all of it in hand."""

    async def revoked() -> None:
        return

    settings = ReaderSettings()
    member = broker.group_member(GROUP, [IN], member=None, settings=settings, revoked=revoked)
    await member.start()
    await member.commit({AT: Committed(0, Note(ATTEMPTS_MAX, 0, 6, 6, 6).encode())})
    await member.stop(1_000)


async def one(reader: GroupReader) -> list[int]:
    """What a turn handles, and commits."""
    fetched = await reader.fetch()
    await reader.progress.learn_due(fetched)
    portion = await reader.progress.begin(fetched)
    await reader.progress.commit(portion)
    return offsets(portion)


async def test_what_goes_part_by_part_stays_in_hand_and_the_client_is_polled_in_time(
    broker: FakeBroker, noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms, polls, fetch = [0], [0], MemoryMember.fetch

    async def polled(member: MemoryMember) -> Fetched:
        polls[0] += 1
        return await fetch(member)

    monkeypatch.setattr(MemoryMember, "fetch", polled)
    monkeypatch.setattr(group_reader, "monotonic_ms", lambda: now_ms[0])
    await suspect(broker)
    reader = reader_of(broker, noted)
    await reader.start()
    assert [await one(reader) for _ in range(3)] == [[0], [1], [2]]
    assert polls == [1]
    now_ms[0] += REST_MS_MAX
    assert [await one(reader) for _ in range(3)] == [[3], [4], [5]]
    assert polls == [2]
    await reader.stop()


async def test_of_a_topic_made_anew_everything_is_learned_again(
    broker: FakeBroker, noted: Noted
) -> None:
    reader = reader_of(broker, noted)
    await reader.start()
    assert await one(reader) == [0, 1, 2, 3, 4, 5]
    broker.remake(IN)
    broker.feed(IN, 0, b"a", b"b", b"c")
    broker.delete_before(IN, 0, 1)
    await reader.begin_anew()
    fetched = await reader.fetch()
    await reader.progress.learn_due(fetched)
    assert offsets(await reader.progress.begin(fetched)) == [1, 2]
    reader.gaps.count(fetched)
    assert noted.expired == {0: 1}
    await reader.stop()
