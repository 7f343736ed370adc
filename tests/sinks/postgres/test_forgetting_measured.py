"""What ``bench.forgetting`` measures of PostgreSQL can fail: bytes that a deletion leaves are seen."""

from collections.abc import Iterator

import pytest

pytest.importorskip("psycopg", reason="the driver is not installed: pip install psycopg[binary]")

from psycopg import sql

from bench import forgetting_postgres
from roadfade.local.postgres import LocalPostgres
from sinks.port.results import Receipt
from sinks.port.selection import Selection
from sinks.postgres.connection import named
from sinks.postgres.stored import StoredPostgres
from tests.sinks.postgres.stores import dropped

ROWS = 20_000


@pytest.fixture
def server(postgres: LocalPostgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalPostgres]:
    """One whose files can be read, and a short patience."""
    if not next(postgres.data.iterdir(), None):
        pytest.skip("the server's files are not to be read by this user")
    monkeypatch.setattr(forgetting_postgres, "STAYS_S", 0.1)
    with dropped(postgres.dsn, "forgetting"):
        yield postgres


def test_who_was_erased_is_gone_from_rows_and_bytes(server: LocalPostgres) -> None:
    found = forgetting_postgres._erased(server, ROWS, 1)
    assert found["postgres_rows"] == ROWS
    assert found["postgres_written_rows_per_s"] > 0


def test_rows_that_are_deleted_and_not_rewritten_are_no_erasure(
    server: LocalPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete(store: StoredPostgres, output: str, selection: Selection, now_ms: int) -> Receipt:
        statement = sql.SQL("DELETE FROM {} WHERE pseudonym = ANY(%s)").format(named("_rows_1"))
        with store._database.connect("naive") as connection:
            rows = connection.execute(statement, (list(selection.pseudonyms),)).rowcount
        return Receipt(output, rows, 0, "", now_ms)

    monkeypatch.setattr(StoredPostgres, "erase", delete)
    monkeypatch.setattr(forgetting_postgres, "GONE_S_MAX", 2.0)
    with pytest.raises(AssertionError, match="something is left"):
        forgetting_postgres._erased(server, ROWS, 1)
