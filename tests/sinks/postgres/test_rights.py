"""A store needs no superuser: the rights that operators are told to give are enough."""

from collections.abc import Iterator

import pytest

pytest.importorskip("psycopg", reason="the driver is not installed: pip install psycopg[binary]")

import psycopg
from psycopg import conninfo

from roadfade.local.postgres import LocalPostgres
from sinks.port.results import Oddity
from sinks.postgres.connection import Database
from sinks.postgres.deletion import patience
from sinks.postgres.migrations import StoreFormatError
from tests.sinks.postgres.stores import done, open_sink, readers, sink_in
from tests.sinks.postgres.test_deletion import files_with
from tests.sinks.records import EXPIRES_MS, NOW_MS, OUTPUT_A, SPEED, record, whose
from tests.sinks.restating import FixedEnds

GIVEN = (
    "ALTER ROLE {} CREATEROLE",
    "GRANT pg_signal_backend TO {}",
    "GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {}",
    "GRANT pg_checkpoint TO {}",
)


@pytest.fixture
def owned(postgres: LocalPostgres, database: Database) -> Iterator[Database]:
    """The same place as its owner reaches it, who may make a schema there and nothing else yet."""
    owner = f"{database.schema}_owner"
    make = (
        f"CREATE ROLE {owner} LOGIN PASSWORD 'x'",
        f"GRANT CREATE ON DATABASE postgres TO {owner}",
    )
    done(database, *make)
    yield Database(conninfo.make_conninfo(postgres.dsn, user=owner, password="x"), database.schema)
    done(database, f"DROP OWNED BY {owner} CASCADE", f"DROP ROLE {owner}")


def give(database: Database) -> None:
    done(database, *(one.format(f"{database.schema}_owner") for one in GIVEN))


def test_with_them_it_does_all_that_a_store_does(
    database: Database, owned: Database, postgres: LocalPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LOCK_MS_MAX", 100)
    give(database)
    with sink_in(owned) as sink, readers(database) as reading:
        gone = [record(n, pseudonym="RIGHTS-4712") for n in range(3)]
        sink.write([*gone, record(3)], NOW_MS)
        assert sink.erase(OUTPUT_A, whose("RIGHTS-4712"), NOW_MS).located_after == 0
        assert files_with(postgres.data, b"RIGHTS-4712") == []
        assert sink.restate(FixedEnds({SPEED: EXPIRES_MS + 60_000}), NOW_MS).moved
        session = reading(OUTPUT_A)
        assert sink.expire(EXPIRES_MS + 60_000).left == ()
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        assert not sink.verify(b"RIGHTS-4712").found


def test_without_them_it_says_what_lacks(database: Database, owned: Database) -> None:
    with pytest.raises(StoreFormatError, match="CREATEROLE"):
        open_sink(owned)


def test_readers_that_it_may_not_end_are_told(
    database: Database, owned: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "LOCK_MS_MAX", 100)
    done(database, GIVEN[0].format(f"{database.schema}_owner"))
    with sink_in(owned) as sink, readers(database) as reading:
        sink.write([record(0)], NOW_MS)
        session = reading(OUTPUT_A)
        assert [one.oddity for one in sink.expire(EXPIRES_MS).left] == [Oddity.NOT_REMOVED]
        session.rollback()
        assert sink.expire(EXPIRES_MS).rows == 2
