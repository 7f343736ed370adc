"""What a store looks like in PostgreSQL: partitions, roles, versions, and what is kept nowhere."""

import logging
import re
import threading

import pytest

pytest.importorskip("psycopg", reason="the driver is not installed: pip install psycopg[binary]")

import psycopg
from msgspec.structs import replace
from psycopg import errors

from roadfade.local.postgres import LocalPostgres
from sinks.port.results import Oddity, Unreadable
from sinks.port.sink import StoreFullError, StoreTakenError
from sinks.postgres import tables as tables_of
from sinks.postgres.connection import Database, DatabaseFailedError
from sinks.postgres.migrations import VERSION, StoreFormatError
from sinks.postgres.names import read_part_table, role_of, view_of
from sinks.postgres.sink import PostgresSettings
from sinks.postgres.steps import Step
from sinks.postgres.stored import StoredPostgres
from telemetry.instants import DAY_MS
from tests.sinks.erasing import command
from tests.sinks.postgres.stores import Reading, asked, done, open_sink, sink_in, tables
from tests.sinks.records import EXPIRES_MS, NOW_MS, OUTPUT_A, OUTPUT_B, A, B, record, whose

LATER_MS = EXPIRES_MS + DAY_MS


def test_rows_that_end_together_share_a_partition_of_so_many_buckets(database: Database) -> None:
    with sink_in(database, PostgresSettings(buckets=3)) as sink:
        later = record(2, expires_ms=LATER_MS)
        sink.write([record(0), record(1, pseudonym="OTHER"), later, record(0, B)], NOW_MS)
        sink.write([record(3)], NOW_MS)
    found = [read for name in tables(database) if (read := read_part_table(name)) is not None]
    assert found == [(1, EXPIRES_MS), (1, LATER_MS), (2, EXPIRES_MS)]
    buckets = [name for name in tables(database) if re.fullmatch(r"_rows_\d+_\d+_[012]", name)]
    assert len(buckets) == 3 * 3


def test_other_buckets_hold_for_partitions_made_from_then_on(database: Database) -> None:
    with sink_in(database, PostgresSettings(buckets=1)) as sink:
        sink.write([record(0)], NOW_MS)
    with sink_in(database, PostgresSettings(buckets=3)) as sink:
        sink.write([record(1), record(2, expires_ms=LATER_MS)], NOW_MS)
        noted = asked(database, "SELECT expires_ms, buckets FROM _parts ORDER BY 1")
        assert noted == [(EXPIRES_MS, 1), (LATER_MS, 3)]
        assert sink.erase(OUTPUT_A, whose("PSEUDONYM"), NOW_MS).located_before == 6
    with pytest.raises(ValueError, match="16"):
        PostgresSettings(buckets=17)


def test_no_statistics_are_kept_of_what_rows_say(database: Database) -> None:
    with sink_in(database) as sink:
        sink.write([record(n, pseudonym="PLANTED") for n in range(50)], NOW_MS)
        everything = (
            f"_rows_1, _rows_1_{EXPIRES_MS}, _rows_1_{EXPIRES_MS}_0, _rows_1_{EXPIRES_MS}_1"
        )
        done(database, f"ANALYZE {everything}")
        sink.erase(OUTPUT_A, whose("PLANTED"), NOW_MS)
    kept = "SELECT count(*) FROM pg_stats WHERE schemaname = %s AND tablename LIKE '\\_rows%%'"
    assert asked(database, kept, database.schema) == [(0,)]


def test_a_reader_sees_the_live_rows_of_an_output_and_nothing_else(
    database: Database, reading: Reading
) -> None:
    with sink_in(database) as sink:
        far = EXPIRES_MS + 100_000 * DAY_MS  # beyond what any server's clock says
        sink.write([record(0, expires_ms=far), record(0, B, expires_ms=far)], NOW_MS)
    mine = reading(OUTPUT_A)
    mine.rollback()
    mine.autocommit = True
    shown = f'{database.schema}."{OUTPUT_A}"'
    found = mine.execute(f"TABLE {shown}".encode()).fetchall()
    assert {row[1] for row in found} == {"PSEUDONYM"}
    for other in (f'"{OUTPUT_B}"', "_rows_1", f"_rows_1_{far}", "_seen", "_positions", "_meta"):
        with pytest.raises(errors.InsufficientPrivilege):
            mine.execute(f"TABLE {database.schema}.{other}".encode())
    for change in (f"TRUNCATE {shown}", f"CREATE TABLE {database.schema}.copy (one int)"):
        with pytest.raises((errors.InsufficientPrivilege, errors.WrongObjectType)):
            mine.execute(change.encode())


def test_what_has_ended_is_shown_to_no_reader_before_the_sweep_comes(database: Database) -> None:
    now_ms = asked(database, "SELECT (extract(epoch FROM now()) * 1000)::bigint")[0][0]
    minute = now_ms // 60_000 * 60_000
    with sink_in(database) as sink:
        ended, live = record(0, expires_ms=minute), record(1, expires_ms=minute + DAY_MS)
        sink.write([ended, live], minute - 1)
        seen = {row[0] for row in asked(database, f'TABLE "{OUTPUT_A}"')}
        assert seen == {f"{A}/0/1"}


def test_a_second_writer_is_refused_until_the_first_has_gone(database: Database) -> None:
    first = open_sink(database)
    with pytest.raises(StoreTakenError):
        open_sink(database, wait_s=0)
    first.close()
    open_sink(database).close()


def test_stores_in_two_schemas_are_two(database: Database, postgres: LocalPostgres) -> None:
    other = Database(postgres.dsn, f"{database.schema}_read_")  # goes with what goes in the end
    with sink_in(database) as one, sink_in(other) as another:
        one.write([record(0)], NOW_MS)
        assert another.position(A, 0) is None
        assert one.name() != another.name()
    with psycopg.connect(postgres.dsn) as admin:
        admin.execute(f"DROP SCHEMA {other.schema} CASCADE".encode())


def test_a_store_of_a_later_version_is_refused_and_left_as_it_is(database: Database) -> None:
    open_sink(database).close()
    done(database, "UPDATE _meta SET value = '9999' WHERE key = 'version'")
    with pytest.raises(StoreFormatError, match=f"9999.*up to {VERSION}"):
        open_sink(database)
    with pytest.raises(StoreFormatError, match="9999"):
        StoredPostgres(database).expire(NOW_MS)
    assert asked(database, "SELECT value FROM _meta WHERE key = 'version'") == [("9999",)]


def test_before_the_first_sink_there_is_no_store(database: Database) -> None:
    with StoredPostgres(database) as store:
        assert not store.exists()
        assert store.written_ms() is None
        with pytest.raises(OSError, match="no sink"):
            store.name()
        with pytest.raises(StoreFormatError, match="no store"):
            store.outputs()


def test_when_it_was_written_is_told_by_the_servers_clock(database: Database) -> None:
    with sink_in(database) as sink:
        assert sink.written_ms() is None
        sink.write([record(0)], NOW_MS)
        clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"
        written_ms = sink.written_ms()
        assert written_ms is not None and 0 <= asked(database, clock)[0][0] - written_ms < DAY_MS


def test_neither_a_failure_nor_a_repr_says_how_it_is_reached(database: Database) -> None:
    wrong = Database("postgresql://somebody:secret@127.0.0.1:1/hidden", database.schema)
    with pytest.raises(DatabaseFailedError) as raised:
        open_sink(wrong)
    told = f"{raised.value!r} {raised.value.__cause__!r} {wrong!r}"
    assert not any(word in told for word in ("somebody", "secret", "hidden", "127.0.0.1"))


def test_the_driver_logs_nothing() -> None:
    assert not logging.getLogger("psycopg").isEnabledFor(logging.CRITICAL)


def test_a_failure_quotes_no_value(database: Database) -> None:
    with sink_in(database) as sink:
        done(database, "ALTER TABLE _rows_1 ADD CHECK (pseudonym <> 'PLANTED')")
        with pytest.raises(DatabaseFailedError) as raised:
            sink.write([record(0, pseudonym="PLANTED")], NOW_MS)
        assert "PLANTED" not in repr(raised.value)
        with pytest.raises(RuntimeError, match="open it again"):
            sink.write([record(0)], NOW_MS)


@pytest.mark.parametrize("what", ["pseudonym", "ce_id", "text"])
def test_what_postgres_cannot_keep_is_malformed_and_stops_nothing(
    database: Database, what: str
) -> None:
    nul = "A\0B"
    odd = {
        "pseudonym": replace(record(0, pseudonym=nul), key=nul.encode()),
        "ce_id": record(0, ce_id=nul),
        "text": record(0, series={"Vehicle.Gear": ("", [0], [nul])}),
    }
    with sink_in(database) as sink:
        written = sink.write([odd[what], record(1)], NOW_MS)
        assert written.rejected == {Unreadable.MALFORMED: 1}
        assert sink.position(A, 0) == 2
        assert sink.locate(OUTPUT_A, whose(nul, "PSEUDONYM")).rows == 2


def test_what_is_refused_holds_only_after_the_write_under_way(database: Database) -> None:
    refusing: list[threading.Thread] = []

    def hook(step: Step) -> None:
        if step is Step.COPIED and not refusing:
            refusing.append(threading.Thread(target=sink.refuse, args=([command("PSEUDONYM")],)))
            refusing[0].start()
            refusing[0].join(0.05)
            assert refusing[0].is_alive(), "it answered before the rows were there to be erased"

    sink = open_sink(database, at=hook)
    assert sink.write([record(0)], NOW_MS).rows == 2
    refusing[0].join()
    assert sink.write([record(1)], NOW_MS).refused == 1
    sink.close()


def test_no_more_than_some_partitions_are_made(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables_of, "PARTS_MAX", 2)
    three = [record(n, expires_ms=EXPIRES_MS + n * DAY_MS) for n in range(3)]
    with sink_in(database) as sink:
        sink.write(three[:2], NOW_MS)
        with pytest.raises(StoreFullError, match="coarser grain"):
            sink.write(three[2:], NOW_MS)
    with sink_in(database) as sink:
        assert sink.position(A, 0) == 2
        sink.expire(EXPIRES_MS)
        assert sink.write(three[2:], NOW_MS).rows == 2


def test_the_remembered_ids_of_a_partition_stay_few(database: Database) -> None:
    with sink_in(database, PostgresSettings(buckets=1, window=8)) as sink:
        for first in range(0, 60, 3):
            sink.write([record(first + n) for n in range(3)], NOW_MS)
            assert asked(database, "SELECT count(*) FROM _seen")[0][0] <= 8 + 8 // 4
    with sink_in(database, PostgresSettings(buckets=1, window=8)) as sink:
        again = [record(60 + n, ce_id=f"{A}/0/{52 + n}") for n in range(8)]
        assert sink.write(again, NOW_MS).duplicates == 8


def test_forgotten_ids_are_in_no_table(database: Database) -> None:
    with sink_in(database) as sink:
        sink.write([record(0), record(1, expires_ms=LATER_MS)], NOW_MS)
        sink.forget(EXPIRES_MS)
        assert asked(database, "SELECT expires_ms FROM _seen") == [(LATER_MS,)]


def test_what_is_not_the_stores_is_named(database: Database) -> None:
    with sink_in(database) as sink:
        sink.write([record(0)], NOW_MS)
        assert sink.strange() == []
        done(database, "CREATE TABLE copy AS SELECT * FROM _rows_1", "DELETE FROM _parts")
        found = {(one.oddity, one.place) for one in sink.strange()}
        assert found == {
            (Oddity.FOREIGN, "copy"),
            (Oddity.UNREADABLE, f"_rows_1_{EXPIRES_MS}"),
        }


def test_a_writer_that_says_nothing_is_ended_by_the_server(database: Database) -> None:
    with sink_in(database) as sink:
        settings = ("idle_in_transaction_session_timeout", "statement_timeout")
        for name in settings:
            found = sink._writer.execute(f"SHOW {name}".encode()).fetchone()
            assert found is not None and found[0] not in ("0", "")


def test_holdings_are_counted_by_output(database: Database) -> None:
    with sink_in(database) as sink:
        sink.write([record(0), record(0, B), record(1, dtc=["P0301"])], NOW_MS)
        held = sink.holdings()
        assert (held.readings, held.positions[A, 0]) == ({OUTPUT_A: 5, OUTPUT_B: 2}, 2)
        sink.erase(OUTPUT_A, whose("PSEUDONYM"), NOW_MS)
        assert sink.holdings().readings == {OUTPUT_B: 2}
        assert sink.outputs() == [OUTPUT_A, OUTPUT_B]


def test_long_names_stay_apart_and_an_outputs_is_none_of_the_stores() -> None:
    one, other = "a" * 80 + "1", "a" * 80 + "2"
    assert len({view_of(one), view_of(other), role_of("s", one), role_of("s", other)}) == 4
    assert max(len(view_of(one)), len(role_of("s" * 30, one))) <= 63
    with pytest.raises(ValueError, match="begins with"):
        view_of("_meta")
    with pytest.raises(ValueError, match="small letters"):
        Database("", 'x"; DROP')
