"""What was deleted is looked for in the bytes of the files, not in answers to queries."""

import random
from collections.abc import Iterable
from pathlib import Path

import pytest
from sqlalchemy import select

from office.errors import OfficeError
from office.outbox import Outbox
from office.registry import links
from office.registry.links import NewLink
from office.registry.registry import Registry
from office.store import sqlite_file
from office.store.database import Database
from office.store.tables import LINKS
from telemetry.identity import DeviceId, SubjectId
from telemetry.wire.control import LinkInterval, encode_row
from tests.office.conftest import Topics


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))


def open_to_others(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if file.stat().st_mode & 0o077]


def traces(folder: Path, links: Iterable[LinkInterval]) -> int:
    """How many of the links left a secret, subject or row id in any file, in any form."""
    everything = bytes_of(folder)
    return sum(
        any(
            mark in everything
            for mark in (
                bytes(link.secret),
                encode_row(link).split(b'"secret":"')[1][:40],
                link.subject.encode(),
                link.link.encode(),
            )
        )
        for link in links
    )


async def a_fleet(
    registry: Registry, outbox: Outbox, topics: Topics, seed: int = 3
) -> list[LinkInterval]:
    """600 links, half of them closed: rows that grow make pages split, and leave copies."""
    chance = random.Random(seed)
    fleet = [
        NewLink(DeviceId(f"device-{n:04}"), SubjectId(f"subject-{n:04}"), 100) for n in range(600)
    ]
    await registry.register_fleet(fleet)
    for new in chance.sample(fleet, 300):
        await registry.close_link(new.device, 10**12)
    await outbox.drain(topics.publish)
    return [row for row in topics.seen().values() if isinstance(row, LinkInterval)]


async def test_a_deleted_link_leaves_no_byte_of_it_in_any_file(
    folder: Path, registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    fleet = await a_fleet(registry, outbox, topics)
    gone = random.Random(4).sample(fleet, 40)
    assert traces(folder, gone) == 40
    for link in gone:
        assert await registry.delete_link(link.link)
    # The tombstones that still wait hold row ids, and nothing else.
    assert await outbox.drain(topics.publish) == 40
    assert not await registry.delete_link(gone[0].link)
    assert traces(folder, gone) == 0
    assert traces(folder, fleet) == 560
    assert not topics.seen().keys() & {link.link.encode() for link in gone}


async def test_rows_that_moved_between_pages_leave_no_copy_either(
    folder: Path, database: Database, registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    # secure_delete alone leaves one of these subjects in the free space of a split page.
    fleet = await a_fleet(registry, outbox, topics, seed=1)
    gone = random.Random(2).sample(fleet, 300)
    async with database.writing() as connection:
        for link in gone:
            await links.delete_link(connection, link.link)
    await outbox.drain(topics.publish)
    await database.scrub()
    assert traces(folder, gone) == 0


async def test_a_link_deleted_before_it_was_published_leaves_no_byte_either(
    folder: Path, registry: Registry, outbox: Outbox, topics: Topics
) -> None:
    row = await registry.register(DeviceId("dongle-1"), SubjectId("subject-of-nobody"), 100)
    await registry.delete_link(row)
    everything = bytes_of(folder)
    assert b"subject-of-nobody" not in everything
    assert b'"secret"' not in everything
    await outbox.drain(topics.publish)
    assert [(record.key, record.value) for record in topics.records][1:] == [(row.encode(), None)]


async def test_a_reader_that_never_lets_go_is_named_instead_of_claiming_success(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_MS", 1)
    database = await Database.create(Path(folder) / "office.sqlite")
    registry = Registry(database)
    row = await registry.register(DeviceId("dongle-1"), SubjectId("ana"), 100)
    async with database.reading() as reader:
        await reader.execute(select(LINKS))
        with pytest.raises(OfficeError, match="another process keeps reading"):
            await registry.delete_link(row)
    assert not await registry.delete_link(row)  # repeated, it finishes
    await database.close()


async def test_only_the_owner_can_read_the_files(folder: Path, registry: Registry) -> None:
    await registry.register(DeviceId("dongle-1"), SubjectId("ana"), 100)
    assert open_to_others(folder) == []
