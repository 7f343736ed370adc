"""The lake on disk: the contract of every sink, and what only files can show."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from msgspec.structs import replace

from sinks.lake.checkpoints import CHECKPOINTS_MAX, newest_number, numbers_in, read
from sinks.lake.copying import copy_lake
from sinks.lake.format import EARLIER_MAX, LakeFormatError, stored_format
from sinks.lake.lake import Lake, LakeSettings
from sinks.lake.workplace import WorkplaceTakenError
from sinks.port.allowed import Judge
from telemetry.arrived import Arrived
from telemetry.instants import MINUTE_MS
from telemetry.wire.record import CONSENT
from tests.sinks.anew import AnewContract
from tests.sinks.contract import Restart, SinkContract
from tests.sinks.erasing import ErasingContract, Judging
from tests.sinks.holding import HoldContract
from tests.sinks.lakes import SETTINGS, lake_at, open_lake, parts, stored, utc
from tests.sinks.records import EXPIRES_MS, NOW_MS, OUTPUTS, T0_MS, A, B, record
from tests.sinks.restating import RestateContract
from tests.sinks.restoring import PutBack, RestoreContract


class TestLake(
    SinkContract, RestateContract, AnewContract, ErasingContract, HoldContract, RestoreContract
):
    @pytest.fixture
    def put_back(
        self, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[PutBack]:
        opened: list[Lake] = []

        def copied(now_ms: int) -> Lake:
            target = tmp_path_factory.mktemp("copy") / "lake"
            copy_lake(tmp_path, target, SETTINGS.window, now_ms, lambda _done, _total: None)
            opened.append(open_lake(target))
            return opened[-1]

        yield copied
        for lake in opened:
            lake.close()

    @pytest.fixture
    def restart(self, tmp_path: Path) -> Iterator[Restart]:
        opened: list[Lake] = []

        def reopen() -> Lake:
            if opened:
                opened.pop().close()
            opened.append(open_lake(tmp_path))
            return opened[-1]

        yield reopen
        opened.pop().close()

    @pytest.fixture
    def judging(self, tmp_path: Path) -> Iterator[Judging]:
        opened: list[Lake] = []

        def reopen(judge: Judge) -> Lake:
            if opened:
                opened.pop().close()
            opened.append(Lake(tmp_path / "judging", OUTPUTS, SETTINGS, judge=judge, wait_s=0))
            return opened[-1]

        yield reopen
        opened.pop().close()


def _consented(arrived: Arrived) -> Arrived:
    return replace(arrived, headers=[*arrived.headers, (CONSENT, b"notice@1:0123456789abcdef")])


def test_a_row_holds_what_the_record_said(tmp_path: Path) -> None:
    series = {
        "Vehicle.Speed": ("km/h", [0, 500], [43.5, 44]),
        "Vehicle.Cabin.Door": ("", [0], [True]),
        "Vehicle.Gear": ("", [250], ["R"]),
    }
    with lake_at(tmp_path) as lake:
        lake.write([_consented(record(0, ce_id="id", series=series, dtc=["P0301"]))], NOW_MS)
    moment, quarter, half = (utc(T0_MS + delta_ms) for delta_ms in (0, 250, 500))
    ends, version = utc(EXPIRES_MS), "1-0123456789ab"
    head = ("service_improve", "id", "PSEUDONYM")
    tail = (ends, version, None, "notice@1:0123456789abcdef")
    assert stored(tmp_path) == [
        (*head, "Vehicle.Cabin.Door", moment, 1.0, None, "", *tail),
        (*head, "Vehicle.Gear", quarter, None, "R", "", *tail),
        (*head, "Vehicle.OBD.DTCList", moment, None, "P0301", "", *tail),
        (*head, "Vehicle.Speed", moment, 43.5, None, "km/h", *tail),
        (*head, "Vehicle.Speed", half, 44.0, None, "km/h", *tail),
    ]


def test_a_part_is_named_by_purpose_expiry_and_checkpoint(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(10, B, 3), record(17, B, 3), record(0, B, pseudonym="Q")], NOW_MS)
    directory = "purpose=third_party.insurer/expires=2026-12-22T00-00Z/bucket=all"
    assert parts(tmp_path) == [f"{directory}/part-2-0.parquet"]


def test_no_name_in_the_lake_holds_a_pseudonym_or_record_id(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0, pseudonym="WHO", ce_id="WHICH")], NOW_MS)
        assert [lake.verify(b"WHO").in_names, lake.verify(b"WHICH").in_names] == [0, 0]
        assert lake.verify(b"service_improve").in_names


def test_rows_in_a_part_are_sorted_whatever_the_order_of_arrival(tmp_path: Path) -> None:
    settings = LakeSettings(buckets=1, compression="uncompressed")
    with lake_at(tmp_path, settings) as lake:
        late, early = T0_MS + 60_000, T0_MS
        batch = [
            record(0, pseudonym="Z", t0_ms=early),
            record(1, pseudonym="B", t0_ms=late),
            record(2, pseudonym="B", t0_ms=early),
        ]
        lake.write(batch, NOW_MS)
    path = tmp_path / parts(tmp_path)[0]
    with duckdb.connect(":memory:") as engine:
        rows = engine.execute("SELECT pseudonym, t FROM read_parquet($1)", [str(path)]).fetchall()
    assert [row[0] for row in rows] == ["B"] * 4 + ["Z"] * 2
    assert rows == sorted(rows)


def test_a_second_writer_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    with lake_at(tmp_path), pytest.raises(WorkplaceTakenError, match="live process"):
        open_lake(tmp_path)
    open_lake(tmp_path).close()


def test_a_lake_remembers_every_number_of_buckets_it_had(tmp_path: Path) -> None:
    for buckets in (2, 4, 256, 4):
        open_lake(tmp_path, LakeSettings(buckets=buckets)).close()
    assert set(stored_format(tmp_path).all_buckets) == {2, 4, 256}


def test_the_number_of_buckets_changes_so_often_and_no_more(tmp_path: Path) -> None:
    for buckets in range(1, EARLIER_MAX + 2):
        open_lake(tmp_path, LakeSettings(buckets=buckets)).close()
    with pytest.raises(LakeFormatError, match="16 times: set 17"):
        open_lake(tmp_path, LakeSettings(buckets=100))
    open_lake(tmp_path, LakeSettings(buckets=3)).close()


def test_a_topic_of_no_output_stops_the_sink(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        with pytest.raises(KeyError):
            lake.write([replace(record(0), topic="purpose.unknown")], NOW_MS)
        with pytest.raises(RuntimeError, match="open it again"):
            lake.write([record(0)], NOW_MS)


def test_a_lake_path_that_reads_as_a_pattern_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="patterns"):
        Lake(tmp_path / "a[b]", OUTPUTS)


def test_the_window_forgets_what_lies_further_back_than_its_size(tmp_path: Path) -> None:
    settings = LakeSettings(buckets=2, window=2)
    with lake_at(tmp_path, settings) as lake:
        lake.write([record(offset) for offset in range(3)], NOW_MS)
        again = [record(3, ce_id=f"{A}/0/2"), record(4, ce_id=f"{A}/0/0")]
        assert lake.write(again, NOW_MS).duplicates == 1


def test_many_small_batches_leave_a_bounded_number_of_checkpoints(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        for offset in range(200):
            lake.write([record(offset, series={})], NOW_MS)
        assert len(numbers_in(tmp_path)) <= CHECKPOINTS_MAX + 1
    with lake_at(tmp_path) as lake:
        first, last = record(200, ce_id=f"{A}/0/0"), record(201, ce_id=f"{A}/0/199")
        assert lake.write([first, last], NOW_MS).duplicates == 2


def test_a_whole_checkpoint_leaves_the_ids_of_expired_records_out(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        for offset in range(CHECKPOINTS_MAX - 1):
            lake.write([record(offset, series={})], NOW_MS)
        later = record(CHECKPOINTS_MAX, expires_ms=EXPIRES_MS + MINUTE_MS)
        lake.write([later], EXPIRES_MS)
        found = read(tmp_path, newest_number(tmp_path) or 0)
        assert found.whole
        assert [len(one.seen) for one in found.seen] == [1]
        assert len(numbers_in(tmp_path)) == 1


def test_no_id_of_an_expired_record_stays_in_the_checkpoints(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0)], NOW_MS)
        lake.write([record(1)], NOW_MS)
        lake.forget(EXPIRES_MS)
        found = read(tmp_path, newest_number(tmp_path) or 0)
        assert (found.seen, found.whole) == ([], True)
        assert numbers_in(tmp_path) == [found.number]
    with lake_at(tmp_path) as lake:
        assert lake.position(A, 0) == 2


def test_a_place_that_cannot_be_written_is_told_as_the_system_tells_it(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake._workplace.path.rename(tmp_path / "gone")
        with pytest.raises(FileNotFoundError):
            lake.write([record(0)], NOW_MS)
        (tmp_path / "gone").rename(lake._workplace.path)
