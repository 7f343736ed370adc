"""What is due, meant or restated is gone from tables, files and the log, whoever reads meanwhile."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("psycopg", reason="the driver is not installed: pip install psycopg[binary]")

import psycopg

from roadfade.local.postgres import LocalPostgres
from sinks.port.results import Oddity
from sinks.port.sink import StoreTakenError
from sinks.postgres import connection, locks
from sinks.postgres.connection import Database
from sinks.postgres.deletion import patience
from sinks.postgres.steps import Step
from sinks.postgres.stored import StoredPostgres
from telemetry.instants import DAY_MS
from tests.sinks.postgres.stores import Reading, asked, done, open_sink, sink_in, tables
from tests.sinks.records import (
    AFTER_MS,
    EXPIRES_MS,
    NOW_MS,
    OUTPUT_A,
    OUTPUT_B,
    SPEED,
    A,
    B,
    record,
    whose,
)
from tests.sinks.restating import FixedEnds

PART = f"_rows_1_{EXPIRES_MS}"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LOCK_MS_MAX", 100)


@contextmanager
def holding(database: Database, table: str) -> Iterator[None]:
    """Somebody who is no reader holds a table."""
    with psycopg.connect(database.dsn) as other:
        other.execute(f"LOCK TABLE {database.schema}.{table} IN ACCESS SHARE MODE".encode())
        yield


def files_of(database: Database, table: str) -> str:
    return str(asked(database, "SELECT pg_relation_filenode(%s::regclass)::text", table)[0][0])


def test_a_dropped_partition_is_gone_with_its_buckets(database: Database) -> None:
    with sink_in(database) as sink:
        sink.write([record(0), record(1, expires_ms=AFTER_MS)], NOW_MS)
        assert sink.expire(EXPIRES_MS).files == 1
    assert not [name for name in tables(database) if name.startswith(PART)]


def test_what_a_sweep_costs_does_not_depend_on_rows(database: Database) -> None:
    with sink_in(database) as sink:
        sink.write([record(0)], NOW_MS)
        done(database, "UPDATE _counts SET rows = 12345")  # the notes alone are asked
        assert sink.expire(EXPIRES_MS).rows == 12345


def test_what_no_note_names_is_dropped_all_the_same_and_not_counted(database: Database) -> None:
    with sink_in(database) as sink:
        sink.write([record(0)], NOW_MS)
        done(database, "DELETE FROM _parts")
        swept = sink.expire(EXPIRES_MS)
        assert (swept.files, swept.rows, swept.uncounted, swept.left) == (1, 0, 1, ())
        assert sink.overdue(EXPIRES_MS) == []


def test_a_writer_that_froze_in_a_transaction_stops_no_sweep(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "IDLE_S_MAX", 1)
    monkeypatch.setattr(patience, "LOCK_MS_MAX", 30_000)
    frozen, thawed = threading.Event(), threading.Event()
    failed: list[OSError] = []

    def hook(step: Step) -> None:
        if step is Step.COPIED and sink.position(A, 0) is not None:
            frozen.set()
            thawed.wait()

    def write() -> None:
        try:
            sink.write([record(1)], NOW_MS)
        except OSError as error:
            failed.append(error)

    sink = open_sink(database, at=hook)
    sink.write([record(0)], NOW_MS)
    writing = threading.Thread(target=write)
    writing.start()
    frozen.wait()
    with StoredPostgres(database) as store:
        assert store.expire(EXPIRES_MS).rows == 2  # what was committed, and no more
    thawed.set()
    writing.join()
    sink.close()
    assert len(failed) == 1
    with sink_in(database) as again:
        assert again.position(A, 0) == 1


def test_a_server_that_is_lost_on_the_way_takes_no_count_with_it(database: Database) -> None:
    with sink_in(database) as writer:
        writer.write([record(0), record(1, expires_ms=EXPIRES_MS + 60_000)], NOW_MS)
        dropped: list[Step] = []

        def hook(step: Step) -> None:
            dropped.append(step)
            if len(dropped) == 2:
                assert store._reader is not None
                done(database, f"SELECT pg_terminate_backend({store._reader.info.backend_pid})")

        with StoredPostgres(database, hook) as store:
            swept = store.expire(AFTER_MS)
            assert (swept.files, swept.rows, len(swept.left)) == (1, 2, 1)
            assert store.expire(AFTER_MS).rows == 2


def test_a_reader_that_holds_what_is_due_is_ended(database: Database, reading: Reading) -> None:
    with sink_in(database) as sink:
        sink.write([record(0), record(1, expires_ms=AFTER_MS), record(0, B)], NOW_MS)
        of_it, of_another = reading(OUTPUT_A), reading(OUTPUT_B)
        assert sink.expire(EXPIRES_MS).left == ()
        with pytest.raises(psycopg.OperationalError):
            of_it.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            of_another.execute("SELECT 1")
        assert sink.locate(OUTPUT_A, whose("PSEUDONYM")).rows == 2


def test_a_reader_of_another_output_is_left_alone(database: Database, reading: Reading) -> None:
    with sink_in(database) as sink:
        sink.write([record(0), record(0, B, expires_ms=AFTER_MS)], NOW_MS)
        reading(OUTPUT_A)
        of_another = reading(OUTPUT_B)
        assert sink.expire(EXPIRES_MS).left == ()
        of_another.execute("SELECT 1")


def test_what_somebody_else_holds_is_named_and_goes_the_next_time(database: Database) -> None:
    with sink_in(database) as sink:
        sink.write([record(0), record(0, B)], NOW_MS)
        with holding(database, PART):
            swept = sink.expire(EXPIRES_MS)
            assert dict(swept.by_output) == {OUTPUT_B: 2}
            assert [(one.oddity, one.place) for one in swept.left] == [(Oddity.NOT_REMOVED, PART)]
            assert sink.overdue(EXPIRES_MS)
        assert sink.expire(EXPIRES_MS).rows == 2


def test_a_writer_waits_for_no_reader(database: Database, reading: Reading) -> None:
    with sink_in(database) as sink:
        sink.write([record(0)], NOW_MS)
        session = reading(OUTPUT_A)
        assert sink.write([record(1, expires_ms=AFTER_MS)], NOW_MS).rows == 2  # a new partition
        session.execute("SELECT 1")


def test_a_sweep_goes_on_while_rows_are_being_taken(database: Database) -> None:
    with sink_in(database) as sink:
        sink.write([record(0), record(1)], NOW_MS)
        rows = sink.rows_of(OUTPUT_A, whose("PSEUDONYM"), NOW_MS)
        taken = [next(rows)]
        assert sink.expire(EXPIRES_MS).left == ()
        assert len([*taken, *rows]) == 4  # as of the moment at which it was asked


def test_only_the_bucket_that_holds_such_rows_is_rewritten(database: Database) -> None:
    people = [f"P{n}" for n in range(20)]
    with sink_in(database) as sink:
        sink.write([record(n, pseudonym=one) for n, one in enumerate(people)], NOW_MS)
        sink.write([record(50, pseudonym="P0", expires_ms=AFTER_MS)], NOW_MS)
        leaves = [f"{part}_{bucket}" for part in (PART, f"_rows_1_{AFTER_MS}") for bucket in (0, 1)]
        before = [files_of(database, leaf) for leaf in leaves]
        others = list(sink.rows_of(OUTPUT_A, whose(*people[1:]), NOW_MS))
        assert sink.erase(OUTPUT_A, whose("P0"), NOW_MS).located_before == 4
        after = [files_of(database, leaf) for leaf in leaves if leaf in tables(database)]
        assert len(set(before) & set(after)) == 1, "one bucket of the first partition is as it was"
        assert list(sink.rows_of(OUTPUT_A, whose(*people[1:]), NOW_MS)) == others


def test_what_is_left_lies_as_if_the_others_had_never_been_there(database: Database) -> None:
    def places() -> list[tuple[str, str]]:
        """Who lies where, in the order in which a query finds them."""
        found = asked(database, "SELECT pseudonym, tableoid::regclass::text FROM _rows_1")
        return [(who, table) for who, table in found]

    with sink_in(database) as sink:
        for n in range(6):
            people = ("STAYS-B", "GONE", "STAYS-A") if n % 2 else ("GONE", "STAYS-C", "STAYS-B")
            some = [record(3 * n + nth, pseudonym=one) for nth, one in enumerate(people)]
            sink.write(some, NOW_MS)
        before = [place for place in places() if place[0] != "GONE"]
        assert before != sorted(before, key=lambda place: (place[1], place[0]))
        sink.erase(OUTPUT_A, whose("GONE"), NOW_MS)
        assert places() == before


def test_erased_bytes_are_in_no_file_of_the_server(
    database: Database, postgres: LocalPostgres
) -> None:
    if not next(postgres.data.iterdir(), None):
        pytest.skip("the server's files are not to be read by this user")
    with sink_in(database) as sink:
        planted = [record(n, pseudonym="GONE-4711", ce_id=f"id-4711-{n}") for n in range(40)]
        sink.write([*planted, record(40, pseudonym="STAYS")], NOW_MS)
        done(database, "CHECKPOINT")
        assert files_with(postgres.data, b"4711")
        sink.erase(OUTPUT_A, whose("GONE-4711"), NOW_MS)
        assert files_with(postgres.data, b"4711") == []
        assert sink.verify(b"STAYS").found


def files_with(root: Path, marker: bytes) -> list[Path]:
    """Searched apart from the store's own search."""
    return [path for path in root.rglob("*") if path.is_file() and marker in path.read_bytes()]


def test_a_partition_that_is_emptied_goes(database: Database) -> None:
    with sink_in(database) as sink:
        sink.write([record(0)], NOW_MS)
        sink.erase(OUTPUT_A, whose("PSEUDONYM"), NOW_MS)
        assert not [name for name in tables(database) if name.startswith(PART)]
        assert sink.oldest_ms() == {}
        assert sink.write([record(1)], NOW_MS).rows == 2


def test_a_part_that_cannot_be_rewritten_stops_no_other(database: Database) -> None:
    with sink_in(database) as sink:
        sink.write([record(0), record(1, expires_ms=AFTER_MS)], NOW_MS)
        with holding(database, f"{PART}_0"), holding(database, f"{PART}_1"):
            receipt = sink.erase(OUTPUT_A, whose("PSEUDONYM"), NOW_MS)
        assert (receipt.located_before, receipt.located_after) == (4, 2)
        assert sink.erase(OUTPUT_A, whose("PSEUDONYM"), NOW_MS).located_after == 0


def test_a_restatement_and_an_erasure_are_not_at_work_together(database: Database) -> None:
    with sink_in(database) as sink:
        sink.write([record(0)], NOW_MS)
        other = database.connect("test")
        locks.take(other, database.schema, locks.CHANGING, 0)
        with pytest.raises(StoreTakenError):
            sink.restate(FixedEnds({SPEED: EXPIRES_MS - DAY_MS}), NOW_MS)
        other.close()


def test_what_was_moved_is_counted_where_it_is_now(database: Database) -> None:
    sooner_ms = EXPIRES_MS - DAY_MS
    with sink_in(database) as sink:
        sink.write([record(0, dtc=["P0301"]), record(1, expires_ms=sooner_ms)], NOW_MS)
        sink.restate(FixedEnds({SPEED: sooner_ms}), NOW_MS)
        assert sink.holdings().readings == {OUTPUT_A: 5}
        assert [sink.expire(at).rows for at in (sooner_ms, EXPIRES_MS)] == [4, 1]


def test_sweeps_writes_and_erasures_beside_each_other_lose_and_keep_nothing(
    database: Database,
) -> None:
    failures: list[BaseException] = []
    done = threading.Event()

    def beside(act: Callable[[StoredPostgres], object]) -> None:
        try:
            with StoredPostgres(database) as store:
                while not done.is_set():
                    act(store)
        except BaseException as failure:
            failures.append(failure)
            raise

    acts = [
        lambda store: store.expire(EXPIRES_MS),
        lambda store: store.erase(OUTPUT_A, whose("GONE"), NOW_MS),
        lambda store: store.oldest_ms(),
    ]
    with sink_in(database) as sink:
        sink.write([record(0, expires_ms=AFTER_MS)], NOW_MS)
        threads = [threading.Thread(target=beside, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for n in range(1, 25):
            who = "GONE" if n % 2 else "STAYS"
            later = AFTER_MS + (n % 3) * DAY_MS
            due = record(3 * n, pseudonym="DUE")
            sink.write([due, record(3 * n + 1, pseudonym=who, expires_ms=later)], NOW_MS)
        done.set()
        for thread in threads:
            thread.join()
        sink.expire(EXPIRES_MS)
        sink.erase(OUTPUT_A, whose("GONE"), NOW_MS)
        assert failures == []
        assert sink.locate(OUTPUT_A, whose("STAYS")).rows == 24
        assert sink.locate(OUTPUT_A, whose("GONE", "DUE")).rows == 0
        noted = asked(database, "SELECT sum(rows)::bigint FROM _counts")
        assert noted == asked(database, "SELECT count(*) FROM _rows_1") == [(26,)]
