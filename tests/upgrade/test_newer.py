"""Files of a program newer than this one: each is refused in words that help, and nothing is changed.

A newer program adds columns to a database, or a number to what has one. For each kind of file this
one is asked to open what it would have left.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from bus.client.connection import Connection
from office.consent_evidence.officers_file import OfficersFile
from office.errors import OfficeError
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
from office.replay_memory.memory import ReplayMemory
from office.store.database import Database
from office.store.newer import NewerFileError
from roadfade.ledger_file import LedgerFile, NewerLedgerError
from roadfade.processes.worker.faust_host import build_app
from roadfade.refusal import NotReady
from roadfade.unaccounted import ExpiredAccount
from sinks.lake.check import check
from sinks.lake.checkpoints import newest_number
from sinks.lake.format import LakeFormatError
from sinks.lake.layout import CHECKPOINTS, FORMAT_FILE
from tests.sinks.lakes import lake_at, open_lake
from tests.sinks.records import NOW_MS, record

REMEDY = "Use that version or a later one; to go back for good, restore a backup"


class Kind(NamedTuple):
    """A kind of database: its name, a column of it, and what opens it."""

    name: str
    table: str
    open: Callable[[Path], object]
    refusal: type[Exception] = NewerFileError


async def _office(file: Path) -> None:
    await (await Database.create(file)).close()


def _keyring(file: Path) -> None:
    Keyring.open(file, FileKek(file.with_name("kek"))).close()


KINDS = (
    Kind("office.sqlite", "links", lambda file: asyncio.run(_office(file))),
    Kind("keyring.sqlite", "keys", _keyring),
    Kind("suppressions.sqlite", "ended", lambda file: ReplayMemory.made(file, NOW_MS)),
    Kind("consent_evidence.sqlite", "evidence", OfficersFile.made),
    Kind("ledger.sqlite", "flow", LedgerFile, NewerLedgerError),
)
CHANGES = (
    "ALTER TABLE {table} ADD COLUMN of_tomorrow INTEGER",
    "CREATE TABLE of_tomorrow (one INTEGER)",
)


def content(folder: Path) -> dict[str, bytes]:
    """Every file, but for locks, and what SQLite keeps beside a database while it is open."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in found
        if not path.name.endswith(("-wal", "-shm", ".lock"))
    }


def altered(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(statement)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize("change", CHANGES, ids=["column", "table"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_database_of_a_newer_program_is_refused(kind: Kind, change: str, tmp_path: Path) -> None:
    file = tmp_path / kind.name
    kind.open(file)
    altered(file, change.format(table=kind.table))
    before = content(tmp_path)
    with pytest.raises(kind.refusal) as refused:
        kind.open(file)
    assert kind.name in str(refused.value)
    assert "of_tomorrow" in str(refused.value)
    assert REMEDY in str(refused.value)
    assert content(tmp_path) == before


def test_what_an_operator_adds_beside_the_tables_is_no_newer_program(tmp_path: Path) -> None:
    file = tmp_path / "office.sqlite"
    asyncio.run(_office(file))
    altered(file, "CREATE INDEX of_ours ON links (from_ms)")
    altered(file, "ANALYZE")
    asyncio.run(_office(file))


def test_whoever_reads_a_ledger_as_it_is_is_told_too(tmp_path: Path) -> None:
    with pytest.raises(NewerLedgerError, match=REMEDY):
        LedgerFile(newer_ledger(tmp_path), as_it_is=True)


def newer_ledger(folder: Path) -> Path:
    file = folder / "ledger.sqlite"
    LedgerFile(file)
    altered(file, CHANGES[0].format(table="flow"))
    return file


def test_a_worker_does_not_start_over_a_newer_ledger(tmp_path: Path) -> None:
    async def opened() -> Any:
        raise AssertionError

    file = newer_ledger(tmp_path)
    with pytest.raises(NotReady, match=REMEDY):
        build_app(Connection("127.0.0.1:1", prefix=""), file, opened, "member", tmp_path / "data")


def test_a_sweep_deletes_on_and_keeps_its_counts_beside_a_newer_ledger(tmp_path: Path) -> None:
    file = newer_ledger(tmp_path)
    before = file.read_bytes()
    account = ExpiredAccount(file)
    assert REMEDY in str(account.add({"service": 5}))
    assert account.waiting == 5
    assert file.read_bytes() == before


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    root = tmp_path / "lake"
    with lake_at(root) as made:
        made.write([record(0)], NOW_MS)
    return root


def test_a_lake_of_a_newer_format_is_refused(lake: Path) -> None:
    said = json.loads((lake / FORMAT_FILE).read_bytes())
    (lake / FORMAT_FILE).write_text(json.dumps({**said, "v": 3, "of_tomorrow": 1}))
    before = content(lake)
    with pytest.raises(LakeFormatError) as refused:
        open_lake(lake)
    assert all(words in str(refused.value) for words in (FORMAT_FILE, "format 3", REMEDY))
    assert content(lake) == before


@pytest.mark.parametrize("change", [{"v": 3}, {"v": 3, "of_tomorrow": 1}], ids=["number", "field"])
def test_a_checkpoint_of_a_newer_program_is_refused_and_not_called_damaged(
    lake: Path, change: dict[str, Any]
) -> None:
    number = newest_number(lake)
    path = lake / CHECKPOINTS / str(number)
    said = msgspec.msgpack.decode(path.read_bytes()[16:])
    body = msgspec.msgpack.encode({**said, **change})
    path.write_bytes(blake2b(body, digest_size=16).digest() + body)
    before = content(lake)
    with pytest.raises(LakeFormatError) as refused:
        open_lake(lake)
    assert all(words in str(refused.value) for words in (str(number), REMEDY))
    assert "damaged" not in str(refused.value)
    assert content(lake) == before
    assert any("newer program" in one.why for one in check(lake, NOW_MS).strange)


def test_a_refusal_is_one_that_every_command_of_the_office_reports() -> None:
    assert issubclass(NewerFileError, OfficeError)
    assert issubclass(NewerLedgerError, sqlite3.DatabaseError)
