"""The memory knows what was removed by name, names nobody, and forgets a week with all its bytes."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from office.errors import OfficeError
from office.outbox import Outbox
from office.ports import ControlRecord
from office.registry.registry import Registry
from office.replay_memory.items import PERSON, Commanded, Ended, Item, Withheld, items_of
from office.replay_memory.known import End, StoreOf
from office.replay_memory.memory import FILE, WEEK_MS, ReplayMemory
from office.store.database import Database
from telemetry.identity import DeviceId, SubjectId
from telemetry.instants import DAY_MS, FIRST_MS
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS, erase_topic
from telemetry.wire.control import DeviceRegistration, Restriction, encode_row
from telemetry.wire.erasure import EraseCommand, encode_command
from tests.office.conftest import GRANTABLE, IMPROVE, Topics

NOW_MS = 3_000 * WEEK_MS + DAY_MS
REPLAY_MS = 42 * DAY_MS
ANA = SubjectId("ana-the-subject")
COMMAND = EraseCommand(
    v=1, command="c0mmand-one", output="service", pseudonyms=["PSEUDONYM-OF-ANA"], asked_ms=1,
    until_ms=NOW_MS,
)  # fmt: skip


@pytest.fixture
def memory(tmp_path: Path) -> ReplayMemory:
    return ReplayMemory.made(tmp_path / FILE, NOW_MS)


def bytes_of(memory: ReplayMemory) -> bytes:
    """The memory's files, with what SQLite keeps beside them."""
    return b"".join(path.read_bytes() for path in memory.file.parent.glob(f"{FILE}*"))


def objection(row: str = "row-1", to_ms: int | None = None) -> Withheld:
    return Withheld(Restriction(row, ANA, "objected", "research", None, NOW_MS, to_ms))


def test_what_ended_is_known_by_its_name_and_nothing_else_is(memory: ReplayMemory) -> None:
    memory.remember([Ended("links", "row-1", None), Ended("links", "row-2", 7)], NOW_MS)
    with memory.known() as known:
        gone, ended = known.ended("links", "row-1"), known.ended("links", "row-2")
        assert gone is not None
        assert ended is not None
        assert (gone.to_ms, gone.at_ms, ended.to_ms) == (None, NOW_MS, 7)
        assert known.ended("links", "row-3") is None
        assert known.ended("consents", "row-1") is None


def test_an_end_only_comes_nearer_and_counts_from_when_it_was_said_last(
    memory: ReplayMemory,
) -> None:
    memory.remember([Ended("links", "row-1", 9)], NOW_MS)
    memory.remember([Ended("links", "row-1", 12)], NOW_MS + 1)
    memory.remember([Ended("links", "row-1", 5)], NOW_MS + WEEK_MS)
    with memory.known() as known:
        assert known.ended("links", "row-1") == (5, NOW_MS + WEEK_MS)
    memory.remember([Ended("links", "row-1", None)], NOW_MS + WEEK_MS)
    memory.remember([Ended("links", "row-1", 3)], NOW_MS + WEEK_MS)
    with memory.known() as known:
        assert known.ended("links", "row-1") == (None, NOW_MS + WEEK_MS)


def test_who_is_forgotten_again_is_forgotten_since_then(memory: ReplayMemory) -> None:
    for at_ms in (NOW_MS, NOW_MS + 1, NOW_MS + 2 * WEEK_MS):
        memory.remember([Ended(PERSON, ANA, None)], at_ms)
        with memory.known() as known:
            assert known.ended(PERSON, ANA) == (None, at_ms)


def test_an_objection_that_was_lifted_in_a_later_week_is_no_more_in_force(
    memory: ReplayMemory, tmp_path: Path
) -> None:
    memory.remember([objection()], NOW_MS)
    memory.copy_to(tmp_path / "copy", NOW_MS)
    memory.remember([objection(to_ms=NOW_MS + 1)], NOW_MS + WEEK_MS)
    memory.merge(tmp_path / "copy", NOW_MS + WEEK_MS, REPLAY_MS)
    with memory.known() as known:
        assert {one.to_ms for _, one in known.withheld_of(ANA)} == {NOW_MS + 1}


def test_a_clock_that_is_set_back_dates_nothing_before_a_backup(memory: ReplayMemory) -> None:
    memory.remember([Ended(PERSON, "before", None)], NOW_MS)
    made_ms = memory.moment(NOW_MS - DAY_MS)
    memory.remember([Ended(PERSON, "after", None)], NOW_MS - DAY_MS)
    with memory.known() as known:
        before, after = known.ended(PERSON, "before"), known.ended(PERSON, "after")
    assert before is not None
    assert after is not None
    assert before.at_ms < made_ms <= after.at_ms


def test_what_is_known_is_not_written_again_under_a_later_week(memory: ReplayMemory) -> None:
    some: list[Item] = [
        Ended("links", "row-1", None),
        objection(),
        Commanded("c", "service", b"value"),
    ]
    memory.remember(some, NOW_MS)
    memory.remember(some, NOW_MS + 3 * WEEK_MS)
    assert memory.forget(NOW_MS + WEEK_MS + REPLAY_MS, REPLAY_MS) == 1
    with memory.known() as known:
        assert known.ended("links", "row-1") is None
        assert list(known.commands()) == []
        assert known.withheld_of(ANA) == []


def test_no_name_is_in_the_file(memory: ReplayMemory) -> None:
    value = encode_command(COMMAND)
    memory.remember(
        [
            Ended(PERSON, ANA, None), Ended(CONTROL_LINKS, "row-of-a-link", None), objection(),
            Commanded(COMMAND.command, "service", value),
        ],
        NOW_MS,
    )  # fmt: skip
    content = bytes_of(memory)
    for name in (ANA, "row-of-a-link", "row-1", COMMAND.command, "PSEUDONYM-OF-ANA"):
        assert name.encode() not in content
    with memory.known() as known:
        assert list(known.commands()) == [("service", value)]
        assert [one.purpose for _, one in known.withheld_of(ANA)] == ["research"]


def test_a_dead_week_is_gone_from_the_bytes_of_the_file(memory: ReplayMemory) -> None:
    some = [Ended("links", f"row-{n}", n) for n in range(200)]
    memory.remember([*some, objection(), Commanded("c", "service", b"v" * 3_000)], NOW_MS)
    memory.remember([Ended("links", "later", None)], NOW_MS + WEEK_MS)
    with memory.known() as known:
        newer, older = known.weeks
        hashes = [older.hashed("links", f"row-{n}") for n in range(200)]
        kept = newer.hashed("links", "later")
    assert all(one in bytes_of(memory) for one in (older.key, *hashes))
    last_ms = (NOW_MS // WEEK_MS + 1) * WEEK_MS + REPLAY_MS
    assert memory.forget(last_ms - 1, REPLAY_MS) == 0
    assert not memory.has_dead(last_ms - 1, REPLAY_MS)
    assert memory.has_dead(last_ms, REPLAY_MS)

    # Another process keeps the log: what was deleted would stay in it.
    with closing(sqlite3.connect(memory.file)) as other:
        other.execute("SELECT * FROM weeks").fetchall()
        memory.remember([Ended("links", "later still", None)], NOW_MS + WEEK_MS)
        assert memory.forget(last_ms, REPLAY_MS) == 1
        content = bytes_of(memory)
    assert not [one for one in (older.key, older.id.encode(), *hashes) if one in content]
    assert newer.key in content
    assert kept in content
    with memory.known() as known:
        assert known.since_ms == (NOW_MS // WEEK_MS + 1) * WEEK_MS


def test_a_copy_is_merged_and_takes_nothing_away(memory: ReplayMemory, tmp_path: Path) -> None:
    memory.remember([Ended("links", "before", None), objection()], NOW_MS)
    copied = tmp_path / "copy"
    memory.copy_to(copied, NOW_MS + 1)
    memory.remember([Ended("links", "after", None), objection(to_ms=NOW_MS + 5)], NOW_MS + 2)

    memory.merge(copied, NOW_MS + 3, REPLAY_MS)
    memory.merge(copied, NOW_MS + 3, REPLAY_MS)

    with memory.known() as known:
        assert known.ended("links", "before") is not None
        assert known.ended("links", "after") is not None
        assert [one.to_ms for _, one in known.withheld_of(ANA)] == [NOW_MS + 5]
        assert known.copied_ms is None


def test_a_memory_that_begins_after_the_copy_knows_of_a_gap(
    memory: ReplayMemory, tmp_path: Path
) -> None:
    memory.copy_to(tmp_path / "copy", NOW_MS + 10)
    (tmp_path / "new").mkdir()
    for begun_ms, since_ms in ((NOW_MS + 5, NOW_MS), (NOW_MS + 20, NOW_MS + 20)):
        other = ReplayMemory.made(tmp_path / "new" / f"{begun_ms}", begun_ms)
        other.merge(tmp_path / "copy", NOW_MS + 30, REPLAY_MS)
        with other.known() as known:
            assert known.since_ms == since_ms


def test_a_dead_week_of_a_copy_stays_dead(memory: ReplayMemory, tmp_path: Path) -> None:
    memory.remember([Ended("links", "row-1", None)], NOW_MS)
    memory.copy_to(tmp_path / "copy", NOW_MS)
    later_ms = NOW_MS + WEEK_MS + REPLAY_MS
    memory.forget(later_ms, REPLAY_MS)
    memory.merge(tmp_path / "copy", later_ms, REPLAY_MS)
    with memory.known() as known:
        assert known.weeks == ()
        assert known.ended("links", "row-1") is None


def test_what_only_gives_is_not_remembered() -> None:
    device = encode_row(DeviceRegistration(DeviceId("dongle"), NOW_MS))
    assert list(items_of(ControlRecord(CONTROL_LINKS, None, b"row", device))) == []


def test_who_is_to_be_forgotten_as_a_whole_is_told_from_who_withholds_a_part() -> None:
    def persons(one: Restriction) -> list[object]:
        record = ControlRecord(CONTROL_CONSENTS, None, b"row", encode_row(one))
        return [item for item in items_of(record) if isinstance(item, Ended)]

    whole = Restriction("row", ANA, "erased", None, None, FIRST_MS, None)
    assert persons(whole) == [Ended(PERSON, ANA, None)]
    for part in (
        Restriction("row", ANA, "objected", None, None, FIRST_MS, None),
        Restriction("row", ANA, "erased", "research", None, FIRST_MS, None),
        Restriction("row", ANA, "erased", None, None, NOW_MS, None),
    ):
        assert persons(part) == []
    ended = Restriction("row", ANA, "erased", None, None, FIRST_MS, NOW_MS)
    assert persons(ended) == [Ended(CONTROL_CONSENTS, "row", NOW_MS)]


def test_a_command_is_remembered_whole_and_its_end_is_not() -> None:
    topic, value = erase_topic("service"), encode_command(COMMAND)
    commanded = ControlRecord(topic, None, COMMAND.command.encode(), value)
    assert list(items_of(commanded)) == [Commanded(COMMAND.command, "service", value)]
    assert list(items_of(ControlRecord(topic, None, b"c0mmand-one", None))) == []


@pytest.mark.parametrize("damage", ["substr(sealed, 1, 20) || x'00'", "x'00'", "x''"])
def test_a_command_that_was_altered_is_refused_in_words(memory: ReplayMemory, damage: str) -> None:
    value = encode_command(COMMAND)
    memory.remember([Commanded(COMMAND.command, "service", value)], NOW_MS)
    with closing(sqlite3.connect(memory.file)) as connection, connection:
        connection.execute(f"UPDATE commanded SET sealed = CAST({damage} AS BLOB)")  # noqa: S608  # constants
    with memory.known() as known, pytest.raises(OfficeError, match="does not open"):
        list(known.commands())


async def test_a_withdrawal_is_remembered_before_anybody_learns_of_it(
    folder: Path, database: Database, topics: Topics
) -> None:
    registry, outbox = Registry(database, GRANTABLE), Outbox(database, lambda: NOW_MS)
    await registry.register(DeviceId("dongle"), ANA, 1_000)
    row = await registry.grant(ANA, IMPROVE.purpose, IMPROVE.basis, None, IMPROVE.notice, 1_000)
    await outbox.drain(topics.publish)
    await registry.withdraw(ANA, IMPROVE.purpose, None, 5_000)
    topics.broken = True
    with pytest.raises(ConnectionError):
        await outbox.drain(topics.publish)

    def end() -> End | None:
        with ReplayMemory(folder / FILE).known() as known:
            return known.ended(CONTROL_CONSENTS, row)

    assert await asyncio.to_thread(end) == (5_000, NOW_MS)
    async with database.reading() as connection:
        assert (await connection.scalar(text("SELECT count(*) FROM outbox"))) == 1


def test_a_damaged_memory_is_not_replaced_by_a_copy(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_bytes(b"no database" * 1_000)
    with pytest.raises(OfficeError, match="never put a backup's copy in its place"):
        ReplayMemory.made(file, NOW_MS)


def test_stores_outlive_every_week_and_are_merged_from_a_copy(
    memory: ReplayMemory, tmp_path: Path
) -> None:
    lake, other = StoreOf("lake:0", "study"), StoreOf("lake:1", "study")
    memory.remember_stores({lake: 7, other: 8})
    memory.copy_to(tmp_path / "copy.sqlite", NOW_MS)
    memory.remember_stores({other: None})
    memory.forget(NOW_MS + 100 * WEEK_MS, REPLAY_MS)
    with memory.known() as known:
        assert known.stores() == {lake: 7}
    lost = ReplayMemory.made(tmp_path / "new.sqlite", NOW_MS)
    lost.merge(tmp_path / "copy.sqlite", NOW_MS, REPLAY_MS)
    with lost.known() as known:
        assert known.stores() == {lake: 7, other: 8}
