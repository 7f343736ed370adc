"""The crash tests' checker is itself checked: a planted loss and a planted double show."""

from pathlib import Path

from msgspec.structs import replace

from sinks.lake.digest import RowDifference, compare, lake_digest
from sinks.lake.lake import LakeSettings
from tests.sinks.lakes import lake_at, parts
from tests.sinks.records import NOW_MS, A, B, record

BATCH = [record(0), record(1, dtc=["P0301"]), record(0, B), record(0, A, 1, pseudonym="OTHER")]


def lake(root: Path, *more: tuple[int, str]) -> Path:
    with lake_at(root) as sink:
        sink.write(BATCH, NOW_MS)
        for offset, ce_id in more:
            sink.write([record(offset, B, ce_id=ce_id)], NOW_MS)
    return root


def test_equal_rows_in_other_files_give_an_equal_digest(tmp_path: Path) -> None:
    one = lake(tmp_path / "one")
    with lake_at(tmp_path / "two", LakeSettings(buckets=7)) as sink:
        for single in BATCH:
            sink.write([replace(single, partition=3, offset=BATCH.index(single))], NOW_MS)
    assert len(parts(one)) != len(parts(tmp_path / "two"))
    assert lake_digest(one) == lake_digest(tmp_path / "two")
    assert lake_digest(one).rows == 9
    assert compare(one, tmp_path / "two").equal


def test_a_planted_loss_is_counted(tmp_path: Path) -> None:
    whole, lossy = lake(tmp_path / "whole"), lake(tmp_path / "lossy")
    (lossy / next(part for part in parts(lossy) if "third_party" in part)).unlink()
    assert compare(whole, lossy) == RowDifference(lost=2, doubled=0, alien=0)
    assert lake_digest(whole) != lake_digest(lossy)


def test_a_planted_double_is_counted(tmp_path: Path) -> None:
    whole, doubled = lake(tmp_path / "whole"), lake(tmp_path / "doubled")
    part = doubled / next(part for part in parts(doubled) if "third_party" in part)
    part.with_name("part-x-0-0-0.parquet").write_bytes(part.read_bytes())
    assert compare(whole, doubled) == RowDifference(lost=0, doubled=2, alien=0)
    assert lake_digest(whole) != lake_digest(doubled)


def test_a_loss_that_a_double_makes_up_for_is_still_seen(tmp_path: Path) -> None:
    whole, both = lake(tmp_path / "whole", (5, "x")), lake(tmp_path / "both")
    part = both / next(part for part in parts(both) if "third_party" in part)
    part.with_name("part-x-0-0-0.parquet").write_bytes(part.read_bytes())
    assert lake_digest(whole).rows == lake_digest(both).rows
    assert compare(whole, both) == RowDifference(lost=2, doubled=2, alien=0)


def test_rows_that_were_never_expected_are_told_apart(tmp_path: Path) -> None:
    whole, more = lake(tmp_path / "whole"), lake(tmp_path / "more", (5, "x"))
    assert compare(whole, more) == RowDifference(lost=0, doubled=0, alien=2)


def test_readings_that_a_floor_made_alike_are_counted_apart(tmp_path: Path) -> None:
    alike = {"Vehicle.Speed": ("km/h", [0, 0, 0], [40.0, 40.0, 40.0])}
    for folder, count in (("three", 3), ("two", 2)):
        series = {path: (unit, dt[:count], v[:count]) for path, (unit, dt, v) in alike.items()}
        with lake_at(tmp_path / folder) as sink:
            sink.write([record(0, ce_id="same", series=series)], NOW_MS)
    assert compare(tmp_path / "three", tmp_path / "two") == RowDifference(1, 0, 0)


def test_an_empty_lake_has_a_digest_of_no_rows(tmp_path: Path) -> None:
    with lake_at(tmp_path):
        pass
    assert lake_digest(tmp_path).rows == 0
    assert compare(tmp_path, tmp_path).equal
