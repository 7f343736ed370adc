"""An analyst's session: one purpose, live rows, SELECT, and nothing else."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from sinks.lake.merging import PARTS_MAX
from sinks.lake.parquet import connect, quoted
from sinks.query import session as session_of_query
from sinks.query.csv_file import write_csv
from sinks.query.gate import Gate, QueryRefusedError
from sinks.query.session import (
    PartLostError,
    PurposeSession,
    QueryFailedError,
    QueryLimits,
    Result,
    _damaged_inside,
    open_purpose,
    run_query,
)
from sinks.query.values import json_value, text_value
from telemetry.instants import HOUR_MS, MINUTE_MS
from tests.sinks.lakes import lake_at, parts
from tests.sinks.records import EXPIRES_MS, NOW_MS, T0_MS, A, B, record

OURS, OTHERS = "service_improve", "third_party.insurer"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    with lake_at(folder) as lake:
        lake.write([record(0, pseudonym="Z"), record(1, pseudonym="M")], NOW_MS)
        lake.write([record(2, pseudonym="A", expires_ms=EXPIRES_MS + HOUR_MS)], NOW_MS)
        lake.write([record(0, B, pseudonym="OTHERS")], NOW_MS)
    return folder


@pytest.fixture(scope="module")
def session(root: Path) -> Iterator[PurposeSession]:
    with open_purpose(root, OURS, NOW_MS) as opened:
        yield opened


def test_a_select_gives_columns_and_rows(root: Path) -> None:
    found = run_query(root, OURS, "SELECT signal, count(*) AS n FROM readings GROUP BY 1", NOW_MS)
    assert found == Result(("signal", "n"), [("Vehicle.Speed", 6)])


def test_rows_come_sorted_whatever_file_they_came_in(session: PurposeSession) -> None:
    rows = session.run("SELECT pseudonym, number FROM readings").rows
    assert rows == [(who, speed) for who in "AMZ" for speed in (43.5, 44.0)]
    assert session.run("SELECT pseudonym FROM readings LIMIT 1").rows == [("A",)]


def test_another_purposes_rows_are_not_among_them(session: PurposeSession) -> None:
    found = session.run("SELECT count(*) FROM readings WHERE pseudonym = 'OTHERS'")
    assert found.rows == [(0,)]


def test_an_expired_row_is_unreadable_at_once_before_any_sweep(root: Path) -> None:
    count = "SELECT count(*) FROM readings"
    assert run_query(root, OURS, count, EXPIRES_MS - 1).rows == [(6,)]
    assert run_query(root, OURS, count, EXPIRES_MS).rows == [(2,)]
    assert run_query(root, OURS, count, EXPIRES_MS + HOUR_MS).rows == [(0,)]
    assert len(parts(root)) >= 3


def test_an_output_that_never_had_rows_is_named_as_such(root: Path) -> None:
    with pytest.raises(QueryRefusedError, match="outputs with rows: service_improve, third_party"):
        open_purpose(root, "product_rnd", NOW_MS)


OPEN = [
    "SELECT * FROM readings",
    "FROM readings",
    "WITH fast AS (SELECT * FROM readings WHERE number > 1) SELECT avg(number) FROM fast",
    "SELECT pseudonym, date_trunc('hour', t), count(*) FROM readings GROUP BY ALL ORDER BY 1",
    "SELECT DISTINCT signal FROM readings r JOIN (VALUES ('A'), ('M')) v(p) ON r.pseudonym = v.p",
    "SELECT lag(number) OVER w, row_number() OVER w FROM readings WINDOW w AS (PARTITION BY pseudonym ORDER BY t)",
    "SELECT * EXCLUDE (record) FROM readings QUALIFY row_number() OVER (PARTITION BY pseudonym) = 1",
    "SELECT median(number), quantile_cont(number, 0.9), stddev(number), list(number) FROM readings",
    "SELECT signal, count(DISTINCT pseudonym) FILTER (number > 1) FROM readings GROUP BY ROLLUP(signal)",
    "SELECT number FROM readings UNION ALL SELECT 1.0",
    "SELECT * FROM readings WHERE number > (SELECT avg(number) FROM readings)",
    "SELECT CASE WHEN text LIKE 'P%' THEN 1 END, coalesce(text, 'x') || 'y', CAST(t AS DATE) FROM readings",
    "SELECT * FROM range(3), unnest([1, 2])",
    "SELECT strftime(t, '%H'), extract(hour FROM t), t + INTERVAL 1 HOUR, now() FROM readings",
    "WITH RECURSIVE n AS (SELECT 1 x UNION ALL SELECT x + 1 FROM n WHERE x < 3) SELECT * FROM n",
    "SELECT count(*) FROM readings; -- and a word of comment",
]  # fmt: skip


@pytest.mark.parametrize("statement", OPEN)
def test_what_an_analyst_needs_runs(session: PurposeSession, statement: str) -> None:
    assert session.run(statement).columns


REFUSED = [
    ("SELECT * FROM read_parquet('{other}')", "no files"),
    ("SELECT * FROM parquet_scan('{other}')", "no files"),
    ("SELECT * FROM '{other}'", "no files"),
    ("SELECT * FROM parquet_metadata('{own}')", "no files"),
    ("SELECT * FROM read_parquet('{own}', filename = true, file_row_number = true)", "no files"),
    ("SELECT * FROM read_text('/etc/passwd')", "no files"),
    ("SELECT * FROM read_blob('/etc/passwd')", "no files"),
    ("SELECT * FROM read_csv('/etc/passwd')", "no files"),
    ("SELECT * FROM glob('/*')", "no files"),
    ("SELECT (SELECT count(*) FROM read_text('/etc/passwd'))", "no files"),
    ("SELECT 1 WHERE EXISTS (FROM glob('/*'))", "no files"),
    ("WITH a AS (FROM glob('/*')) SELECT * FROM a", "no files"),
    ("SELECT * FROM query('SELECT 1')", "no files"),
    ("SELECT * FROM query_table('readings')", "no files"),
    ("SELECT * FROM duckdb_views()", "no files"),
    ("SELECT * FROM duckdb_settings()", "no files"),
    ("SELECT * FROM duckdb_views", "one purpose"),
    ("SELECT * FROM information_schema.tables", "one purpose"),
    ("SELECT * FROM main.readings", "one purpose"),
    ("SELECT * FROM pg_catalog.pg_views", "one purpose"),
    ("SELECT * FROM (WITH duckdb_views AS (SELECT 1) SELECT 1), duckdb_views", "not like a table"),
    ('SELECT * FROM (WITH "{own}" AS (SELECT 1) SELECT 1), "{own}"', "not like a table"),
    ("SELECT * FROM (WITH \"a.csv\" AS (SELECT 1) SELECT 1), 'a.csv'", "not like a table"),
    ("SELECT current_setting('allowed_paths')", "current_setting"),
    ("SELECT system.main.current_setting('allowed_paths')", "current_setting"),
    ("SELECT list_transform([1], lambda x: current_setting('allowed_paths'))", "current_setting"),
    ("SELECT pg_get_viewdef(1)", "pg_get_viewdef"),
    ("SELECT stats(number) FROM readings", "stats"),
    ("SELECT sleep_ms(1000)", "sleep_ms"),
    ("SELECT getvariable('x')", "getvariable"),
    ("COPY (SELECT 1) TO '{target}'", "only one SELECT"),
    ("COPY readings TO '{target}'", "only one SELECT"),
    ("EXPORT DATABASE '{target}'", "only one SELECT"),
    ("ATTACH '{target}'", "only one SELECT"),
    ("INSTALL httpfs", "only one SELECT"),
    ("LOAD httpfs", "only one SELECT"),
    ("SET enable_external_access = true", "only one SELECT"),
    ("RESET lock_configuration", "only one SELECT"),
    ("CREATE TABLE t AS SELECT 1", "only one SELECT"),
    ("CREATE MACRO m() AS TABLE SELECT * FROM glob('/*')", "only one SELECT"),
    ("DROP VIEW readings", "only one SELECT"),
    ("INSERT INTO readings VALUES (1)", "only one SELECT"),
    ("DELETE FROM readings", "only one SELECT"),
    ("WITH a AS (INSERT INTO b VALUES (1) RETURNING *) SELECT * FROM a", "form of statement"),
    ("PRAGMA database_list", "only one SELECT"),
    ("CALL pragma_version()", "only one SELECT"),
    ("EXPLAIN SELECT * FROM readings", "only one SELECT"),
    ("EXPLAIN ANALYZE SELECT * FROM readings", "only one SELECT"),
    ("SHOW TABLES", "form of statement"),
    ("DESCRIBE readings", "form of statement"),
    ("SUMMARIZE readings", "form of statement"),
    ("PREPARE p AS SELECT 1", "only one SELECT"),
    ("SELECT 1; SELECT 2", "not several"),
    ("SELECT 1; COPY (SELECT 1) TO '{target}'", "only one SELECT"),
    ("", "only one SELECT"),
    ("SELEC 1", "only one SELECT"),
    ("SELECT '" + "x" * 20_000 + "'", "characters long"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "says"), REFUSED, ids=[case[0][:60] for case in REFUSED])
def test_everything_else_is_refused_in_words(
    root: Path, tmp_path: Path, session: PurposeSession, statement: str, says: str
) -> None:
    places = {
        "other": root / next(part for part in parts(root) if OTHERS in part),
        "own": root / next(part for part in parts(root) if OURS in part),
        "target": tmp_path / "out",
    }
    for name, path in places.items():
        statement = statement.replace("{" + name + "}", str(path))  # one form
    with pytest.raises(QueryRefusedError, match=says):
        session.run(statement)
    assert list(tmp_path.iterdir()) == []


BEYOND_THE_GATE = [
    "SELECT * FROM read_parquet('{other}')",
    "SELECT * FROM read_parquet('{expired}')",
    "SELECT * FROM read_parquet('{root}/*/*/*/*.parquet')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_blob('{root}/_lake.json')",
    "SELECT * FROM glob('{root}/*')",
    "COPY (SELECT 1) TO '{root}/planted'",
    "ATTACH '{root}/planted'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET enable_external_access = true",
    "SET lock_configuration = false",
    "SET allowed_directories = ['/']",
    "SELECT * FROM '{other}'",
]


@pytest.mark.parametrize("statement", BEYOND_THE_GATE)
def test_the_engine_itself_is_locked_should_the_gate_err(root: Path, statement: str) -> None:
    listed = parts(root)
    places = {
        "other": next(part for part in listed if OTHERS in part),
        "expired": next(
            part for part in listed if OURS in part and "expires=2026-12-22T00" in part
        ),
    }
    for name, part in places.items():
        statement = statement.replace("{" + name + "}", str(root / part))  # one form
    with (
        open_purpose(root, OURS, EXPIRES_MS) as opened,
        pytest.raises(duckdb.Error, match=r"disabled by|locked|disabled through|allowed_dir"),
    ):
        opened._engine.execute(statement.replace("{root}", str(root)))
    assert parts(root) == listed


@pytest.mark.parametrize(
    "column", ["filename", "file_row_number", "rowid", "file_index", "purpose"]
)
def test_no_column_tells_of_files(session: PurposeSession, column: str) -> None:
    with pytest.raises(QueryFailedError, match="not found"):
        session.run(f"SELECT {column} FROM readings")  # noqa: S608  # a test's own names


def test_a_query_whose_files_go_away_says_so_without_naming_them(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0)], NOW_MS)
        with open_purpose(tmp_path, OURS, NOW_MS) as opened:
            lake.expire(EXPIRES_MS)
            with pytest.raises(QueryFailedError, match="deleted while") as failed:
                opened.run("SELECT * FROM readings")
    assert "part-" not in str(failed.value)


@pytest.mark.parametrize("opening", [1, 2])
def test_parts_merged_before_they_are_opened_are_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opening: int
) -> None:
    """A view is opened twice for a statement: with the session, and in the order it needs."""
    with lake_at(tmp_path) as lake:
        for offset in range(PARTS_MAX + 1):
            lake.write([record(offset)], NOW_MS)
        before = parts(tmp_path)
        opened, turns = PurposeSession._open_view, count(1)

        def merged_first(self: PurposeSession, *, ordered: bool) -> None:
            if next(turns) == opening:
                assert lake.join(NOW_MS)
            opened(self, ordered=ordered)

        monkeypatch.setattr(PurposeSession, "_open_view", merged_first)
        found = run_query(tmp_path, OURS, "SELECT count(*) FROM readings", NOW_MS)
    assert not {*before} & {*parts(tmp_path)}
    assert (found.rows, found.unreadable) == ([(2 * (PARTS_MAX + 1),)], 0)


def test_parts_that_move_at_every_look_are_said_to_be_moving(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: PurposeSession, *, ordered: bool) -> None:
        del ordered
        self.live = [root / "gone.parquet"]
        raise PartLostError(self.live)

    monkeypatch.setattr(PurposeSession, "_open_view", gone)
    with pytest.raises(QueryFailedError, match="rows are moving"):
        run_query(root, OURS, "SELECT count(*) FROM readings", NOW_MS)


def test_more_rows_than_allowed_are_cut_and_reported(root: Path) -> None:
    found = run_query(root, OURS, "SELECT * FROM readings", NOW_MS, QueryLimits(rows_max=4))
    assert (len(found.rows), found.truncated) == (4, True)


def test_a_query_without_end_is_stopped(root: Path) -> None:
    endless = "WITH RECURSIVE n AS (SELECT 1 x UNION ALL SELECT x FROM n) SELECT count(*) FROM n"
    with pytest.raises(QueryFailedError, match="narrow the query"):
        run_query(root, OURS, endless, NOW_MS, QueryLimits(seconds_max=0.2))


def test_a_session_leaves_nothing_behind(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0)], NOW_MS)
    run_query(tmp_path, OURS, "SELECT 1", NOW_MS)
    with pytest.raises(QueryRefusedError):
        run_query(tmp_path, OURS, "SHOW TABLES", NOW_MS)
    assert list((tmp_path / "_tmp").iterdir()) == []


def test_an_output_whose_rows_are_all_gone_still_answers(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0, expires_ms=EXPIRES_MS + MINUTE_MS)], NOW_MS)
        lake.expire(EXPIRES_MS + MINUTE_MS)
    found = run_query(tmp_path, OURS, "SELECT * FROM readings", EXPIRES_MS + MINUTE_MS)
    assert (len(found.columns), found.rows) == (9, [])


def test_every_operator_the_parser_writes_as_a_function_is_open() -> None:
    operators = "+a, -a, a+1, a-1, a*2, a/2, a//2, a%2, a**2, a||'x', a::VARCHAR LIKE 'x'"
    texts = (
        "'x' NOT LIKE 'y', 'x' ILIKE 'y', 'x' NOT ILIKE 'y', 'x' ~ 'y', 'x' !~ 'y', 'x' GLOB 'y'"
    )
    lists = "[1][1], [1,2][1:2], {'a': 1}['a'], 1 IN (1, 2), a BETWEEN 1 AND 2, NOT true, a IS NULL"
    with connect(spill=None) as engine:
        Gate(engine).check(f"SELECT {operators}, {texts}, {lists} FROM (SELECT 1 AS a)")  # noqa: S608  # a test's own words


def test_a_result_is_written_as_csv_with_times_in_utc(tmp_path: Path) -> None:
    with lake_at(tmp_path / "lake") as lake:
        series = {"Vehicle.Speed": ("km/h", [0, 250], [1.5, 2])}
        lake.write([record(0, series=series, dtc=["P0301"], t0_ms=T0_MS)], NOW_MS)
    statement = "SELECT signal, t, number, text, unit, expires_at FROM readings"
    found = run_query(tmp_path / "lake", OURS, statement, NOW_MS)
    assert write_csv(found, tmp_path / "out.csv") == 3
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines() == [
        "signal,t,number,text,unit,expires_at",
        "Vehicle.OBD.DTCList,2026-11-22T10:00:00Z,,P0301,,2026-12-22T00:00:00Z",
        "Vehicle.Speed,2026-11-22T10:00:00Z,1.5,,km/h,2026-12-22T00:00:00Z",
        "Vehicle.Speed,2026-11-22T10:00:00.250Z,2.0,,km/h,2026-12-22T00:00:00Z",
    ]


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/New_York"], ids=["utc", "tokyo", "new york"])
def machine_zone(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("machine_zone")
@pytest.mark.parametrize(
    ("asked", "right"),
    [
        ("count(*) FILTER (t = TIMESTAMPTZ '2026-11-22 10:00:00+00')", 3),
        ("epoch(now()::TIMESTAMP - make_timestamp_ms(epoch_ms(now())))::INTEGER", 0),
        ("current_date = make_timestamp_ms(epoch_ms(now()))::DATE", True),
        ("min(t::TIMESTAMPTZ)::VARCHAR", "2026-11-22 10:00:00+00"),
        ("epoch_ms(min(t) AT TIME ZONE 'Asia/Tokyo')", T0_MS - 9 * HOUR_MS),
    ],
    ids=["compared", "now", "today", "as text", "another zone"],
)
def test_the_zone_of_the_machine_moves_no_answer(root: Path, asked: str, right: object) -> None:
    found = run_query(root, OURS, f"SELECT {asked} AS found FROM readings", NOW_MS)  # noqa: S608  # constants
    assert {row[0] for row in found.rows} == {right}


def test_every_kind_of_value_is_one_that_json_knows(root: Path) -> None:
    asked = """
    SELECT 'nan'::DOUBLE AS a, ['inf'::DOUBLE, 1.5] AS b, {'at': [min(t)]} AS c, map {1: 'x'} AS d,
           1.50::DECIMAL(5, 2) AS e, 2.00::DECIMAL(5, 2) AS f, DATE '2026-01-31' AS g, NULL AS h,
           min(t)::TIMESTAMPTZ AS i, true AS j
    FROM readings
    """
    (row,) = run_query(root, OURS, asked, NOW_MS).rows
    instant = "2026-11-22T10:00:00Z"
    assert [json_value(value) for value in row] == [
        None, [None, 1.5], {"at": [instant]}, {"1": "x"}, 1.5, 2, "2026-01-31", None, instant, True,
    ]  # fmt: skip
    assert [text_value(value) for value in row[:4]] == [
        "",
        "[null, 1.5]",
        f'{{"at": ["{instant}"]}}',
        '{"1": "x"}',
    ]


@pytest.mark.parametrize(
    "asked",
    ["'infinity'::TIMESTAMP", "'-infinity'::TIMESTAMPTZ", "make_timestamp(9000000000000000000)",
     "DATE '290000-01-01'", "'infinity'::DATE", "TIMESTAMP '0001-01-01' - INTERVAL 2 YEAR"],
    ids=["ever", "never", "far", "far day", "last day", "before all"],
)  # fmt: skip
def test_an_instant_no_calendar_has_is_answered_too(session: PurposeSession, asked: str) -> None:
    found = session.run(f"SELECT {asked} FROM readings LIMIT 1")  # noqa: S608  # constants
    json.dumps([json_value(value) for row in found.rows for value in row], allow_nan=False)


def test_a_path_with_a_quote_in_it_is_one_literal() -> None:
    assert quoted("it's") == "'it''s'"
    hostile = "a'; DROP TABLE x; --"
    with connect(spill=None) as engine:
        assert engine.execute(f"SELECT {quoted(hostile)}").fetchone() == (hostile,)


def test_a_lake_under_a_path_with_a_quote_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "driver's lake"
    with lake_at(folder) as lake:
        lake.write([record(0)], NOW_MS)
        assert lake.oldest_ms() == {OURS: T0_MS}
    assert run_query(folder, OURS, "SELECT count(*) FROM readings", NOW_MS).rows == [(2,)]
    assert A.endswith(OURS)


def test_all_looks_of_a_query_have_one_limit_together(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s, lefts, read = 0.0, list[float | None](), list[int]()

    def lost(self: PurposeSession, statement: str, left_s: float | None = None) -> Result:
        nonlocal now_s
        del statement
        now_s += 100
        lefts.append(left_s)
        raise PartLostError(self.live)

    def damaged(paths: Sequence[Path], left_s: Callable[[], float]) -> list[Path]:
        nonlocal now_s
        now_s += 50
        left_s()
        read.append(len(paths))
        return [Path(f"another-{len(read)}")]

    monkeypatch.setattr(PurposeSession, "run", lost)
    monkeypatch.setattr(session_of_query, "_damaged_inside", damaged)
    with pytest.raises(QueryFailedError, match="after 300 s: narrow"):
        run_query(root, OURS, "SELECT 1", NOW_MS, elapsed_s=lambda: now_s)
    assert lefts == [300, 150]
    assert read == [2]


def test_no_part_is_read_through_once_no_time_is_left(root: Path) -> None:
    def none_left() -> float:
        raise QueryFailedError

    with pytest.raises(QueryFailedError):
        _damaged_inside([root / one for one in parts(root)], none_left)


@pytest.mark.parametrize("blamed", [True, False])
def test_parts_are_read_through_only_if_one_of_them_is_to_blame(
    root: Path, monkeypatch: pytest.MonkeyPatch, *, blamed: bool
) -> None:
    with open_purpose(root, OURS, NOW_MS) as opened:
        where = str(opened.live[0]) if blamed else "/elsewhere"

        def refused(_: str) -> None:
            raise duckdb.PermissionException(where)

        monkeypatch.setattr(opened, "_in_its_order", lambda statement: statement)
        engine = SimpleNamespace(execute=refused, interrupt=opened._engine.interrupt)
        monkeypatch.setattr(opened, "_engine", engine)
        with pytest.raises(QueryFailedError, match="deleted while") as failed:
            opened.run("SELECT 1")
        monkeypatch.undo()
    assert isinstance(failed.value, PartLostError) is blamed
