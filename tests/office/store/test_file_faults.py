"""A full disk, a damaged file, no turn: one sentence each, and the office goes on afterwards."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from office.errors import NotNowError, OfficeError
from office.store import sqlite_file
from office.store.database import Database, make_office
from office.store.file_faults import in_words
from office.store.tables import DEVICES

HELD = "dongle-of-nobody"


async def register(file: Path, number: int) -> None:
    async with Database.opened(file) as database, database.writing() as connection:
        row = {"row": f"r{number}", "device": f"{HELD}-{number}", "registered_ms": 1}
        await connection.execute(insert(DEVICES), [row])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "state" / "office.sqlite"
    asyncio.run(make_office(made))
    asyncio.run(register(made, 0))
    return made


@contextmanager
def full(file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No page more than there are: what SQLite answers is what a full disk makes it answer."""
    with closing(sqlite3.connect(file)) as reading:
        (pages,) = reading.execute("PRAGMA page_count").fetchone()
    with monkeypatch.context() as patched:
        pragmas = (*sqlite_file._PRAGMAS, f"max_page_count={pages}")
        patched.setattr(sqlite_file, "_PRAGMAS", pragmas)
        yield


def register_until_full(file: Path) -> None:
    for number in range(1, 1_000):
        asyncio.run(register(file, number))


def test_a_full_disk_is_said_and_costs_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with full(file, monkeypatch), pytest.raises(NotNowError, match="disk is full") as refusal:
        register_until_full(file)
    assert HELD not in str(refusal.value)
    asyncio.run(register(file, 1_000))


def test_a_damaged_file_is_said(file: Path) -> None:
    for name in ("office.sqlite-wal", "office.sqlite-shm"):
        file.with_name(name).unlink(missing_ok=True)
    file.write_bytes(b"this is no database, but a text that somebody put here" * 100)
    with pytest.raises(OfficeError, match="damaged or no database: put a copy") as refusal:
        asyncio.run(register(file, 1))
    assert not isinstance(refusal.value, NotNowError), "waiting mends nothing"


def test_a_turn_that_does_not_come_is_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_MS", 1)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(NotNowError, match="another process keeps it for too long"):
            asyncio.run(register(file, 1))
    asyncio.run(register(file, 1))


def test_a_folder_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(OfficeError, match=r"no office can be opened in .*state: "):
        asyncio.run(make_office(tmp_path / "state" / "office.sqlite"))


def test_what_is_ours_passes_unchanged(file: Path) -> None:
    with pytest.raises(IntegrityError):
        asyncio.run(register(file, 0))
    with pytest.raises(ConnectionError), in_words("office", file.parent):
        raise ConnectionError
