"""A database without room says so, and once there is some every row is there once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="the driver is not installed: pip install psycopg[binary]")

import os
import shutil
import tempfile

import psycopg
from psycopg import conninfo

from roadfade.local.postgres import LocalPostgres
from sinks.port.sink import StoreFullError
from sinks.postgres.connection import Database
from tests.sinks.postgres.stores import open_sink, sink_in
from tests.sinks.records import EXPIRES_MS, NOW_MS, OUTPUT_A, A, record, whose
from tests.support.small_disk import fill, free, small_disk

SMALL_MIB = 24
MANY = [record(n, pseudonym=f"P{n % 7}") for n in range(200)]


@pytest.fixture
def disk(postgres: LocalPostgres, database: Database) -> Iterator[tuple[Path, Database]]:
    """A small disk, and the store whose tables lie on it; the log lies elsewhere."""
    folder = Path(tempfile.mkdtemp(prefix="roadfade-small-"))
    folder.chmod(0o755)
    with small_disk(folder / "disk", SMALL_MIB) as disk:
        owner = (postgres.data / "PG_VERSION").stat()
        disk.chmod(0o755)
        space = disk / "space"
        space.mkdir()
        os.chown(space, owner.st_uid, owner.st_gid)
        name = f"{database.schema}_space"
        with psycopg.connect(postgres.dsn, autocommit=True) as admin:
            admin.execute(f"CREATE TABLESPACE {name} LOCATION '{space}'".encode())
            there = conninfo.make_conninfo(postgres.dsn, options=f"-c default_tablespace={name}")
            yield disk, Database(there, database.schema)
            admin.execute(f"DROP SCHEMA {database.schema} CASCADE".encode())
            admin.execute(f"DROP TABLESPACE {name}".encode())
    shutil.rmtree(folder)


def test_a_write_without_room_is_as_a_kill_and_comes_again(disk: tuple[Path, Database]) -> None:
    small, database = disk
    with sink_in(database) as sink:
        sink.write(MANY[:10], NOW_MS)
        fill(small)
        with pytest.raises(StoreFullError, match="free space"):
            sink.write(MANY, NOW_MS)
    free(small)
    with sink_in(database) as sink:
        assert sink.position(A, 0) == 10
        written = sink.write(MANY, NOW_MS)
        assert (written.replayed, written.records) == (10, 190)


def test_without_room_what_is_due_goes_and_an_erasure_says_that_it_could_not(
    disk: tuple[Path, Database],
) -> None:
    small, database = disk
    with sink_in(database) as sink:
        sink.write(MANY, NOW_MS)
        fill(small)
        receipt = sink.erase(OUTPUT_A, whose("P1"), NOW_MS)
        assert receipt.full and receipt.located_after == receipt.located_before > 0
        assert sink.expire(EXPIRES_MS).left == ()
        assert sink.locate(OUTPUT_A, whose("P1")).rows == 0
    free(small)
    open_sink(database).close()
