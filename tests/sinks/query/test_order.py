"""Rows are sorted for a statement that shows their order, and for no other."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa
import pytest

from sinks.query.functions import functions_of
from sinks.query.order import ORDER_FREE, suffix_for_any_order
from sinks.query.session import SHOWN as SHOWN_COLUMNS
from sinks.query.session import PurposeSession, open_purpose
from tests.sinks.lakes import lake_at
from tests.sinks.records import NOW_MS, record

ANY_ORDER = [
    "SELECT count(*) FROM readings",
    "SELECT count(*), avg(number) FROM readings WHERE signal = 'Vehicle.Speed' AND number > 1;",
    "SELECT max(t) - min(t) FROM readings",
    "SELECT signal, count(DISTINCT pseudonym) FROM readings GROUP BY ALL",
    "SELECT date_trunc('day', t), sum(number) FILTER (number > 3) FROM readings GROUP BY 1 ORDER BY 2 DESC",
    "SELECT pseudonym FROM readings GROUP BY pseudonym HAVING count(*) > 1 -- many",
]
SHOWN = [
    "SELECT * FROM readings",
    "SELECT DISTINCT signal FROM readings",
    "SELECT first(number) FROM readings",
    "SELECT list(number) FROM readings",
    "SELECT string_agg(signal, ',') FROM readings",
    "SELECT arg_max(signal, number) FROM readings",
    "SELECT any_value(signal) FROM readings",
    "SELECT mode(signal) FROM readings",
    "SELECT row_number() OVER () FROM readings",
    "SELECT signal, count(*) FROM readings GROUP BY 1 LIMIT 1",
    "SELECT count(*) FROM (SELECT * FROM readings LIMIT 3)",
    "SELECT count(*) FROM readings a JOIN readings b USING (record)",
    "SELECT (SELECT first(number) FROM readings), count(*) FROM readings",
    "WITH r AS (SELECT * FROM readings) SELECT count(*) FROM r",
    "SELECT count(*) FROM readings USING SAMPLE 2",
    "SELECT signal, count(*) FROM readings GROUP BY GROUPING SETS ((signal), ())",
]


def suffix(statement: str) -> str | None:
    with duckdb.connect() as engine:
        found = engine.execute("SELECT json_serialize_sql($1)", [statement]).fetchone()
        assert found is not None
        tree = msgspec.json.decode(found[0])
        return suffix_for_any_order(tree, functions_of(engine).scalar, "readings")


@pytest.mark.parametrize("statement", ANY_ORDER)
def test_an_aggregate_does_not_show_it(statement: str) -> None:
    assert suffix(statement) is not None


@pytest.mark.parametrize("statement", SHOWN)
def test_what_may_show_it_is_sorted(statement: str) -> None:
    assert suffix(statement) is None


def test_groups_are_ordered_by_all_their_columns() -> None:
    assert suffix(ANY_ORDER[0]) == ""
    assert suffix(ANY_ORDER[3]) == "\nORDER BY 1, 2"
    assert suffix(ANY_ORDER[4]) == "\n, 1, 2"


def test_the_aggregates_are_the_engines() -> None:
    with duckdb.connect() as engine:
        rows = engine.execute(
            "SELECT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'"
        ).fetchall()
    assert {name for (name,) in rows} >= ORDER_FREE


@pytest.fixture
def session(tmp_path: Path) -> Iterator[PurposeSession]:
    with lake_at(tmp_path) as lake:
        for offset, who in enumerate("CAB"):
            lake.write([record(offset, pseudonym=who)], NOW_MS)
    with open_purpose(tmp_path, "service_improve", NOW_MS) as opened:
        yield opened


@pytest.mark.parametrize("statement", ANY_ORDER)
def test_it_answers_the_same_sorted_or_not(session: PurposeSession, statement: str) -> None:
    found = session.run(statement)
    with duckdb.connect() as plain:
        rows = session.run("SELECT * FROM readings").rows
        kept = pa.table(dict(zip(SHOWN_COLUMNS, zip(*rows, strict=True), strict=True)))
        plain.register("readings", kept)
        cursor = plain.execute(statement)
        assert found.columns == tuple(column[0] for column in cursor.description or ())
        assert sorted(found.rows) == sorted(cursor.fetchall())


def test_groups_come_sorted_and_rows_after_a_count_too(session: PurposeSession) -> None:
    grouped = "SELECT pseudonym, count(*) FROM readings GROUP BY 1"
    assert session.run(grouped).rows == [("A", 2), ("B", 2), ("C", 2)]
    rows = session.run("SELECT pseudonym FROM readings").rows
    assert [who for (who,) in rows] == list("AABBCC")
    assert session.run("SELECT pseudonym FROM readings LIMIT 1").rows == [("A",)]
