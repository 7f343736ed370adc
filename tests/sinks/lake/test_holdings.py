"""What is kept is counted in readings, and what cannot be read is said to be missing from it."""

from pathlib import Path

from sinks.lake.parquet import FILES_PER_QUERY_MAX, connect, count_readings
from sinks.lake.stored import StoredLake
from telemetry.wire.record import MESH
from tests.sinks.lakes import lake_at
from tests.sinks.records import EXPIRES_MS, NOW_MS, A, B, record


def test_positions_and_readings_are_those_of_what_was_written(tmp_path: Path) -> None:
    cells = {MESH: ("", (0, 1_000), ("53394529", "53394530"))}
    with lake_at(tmp_path) as lake:
        lake.write([record(4), record(9, dtc=["P0301"]), record(2, B, 3, series=cells)], NOW_MS)
    held = StoredLake(tmp_path).holdings()
    assert held.positions == {(A, 0): 10, (B, 3): 3}
    # Two speeds each and a trouble code; a cell stands for a latitude and a longitude.
    assert held.readings == {"service_improve": 5, "third_party.insurer": 4}
    assert not any(held.unreadable.values())


def test_a_damaged_part_is_named_uncounted_and_the_rest_is_counted(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        for offset in range(3):
            lake.write([record(offset)], NOW_MS)
    next(tmp_path.rglob("*.parquet")).write_bytes(b"PAR1 is not enough")
    held = StoredLake(tmp_path).holdings()
    assert (held.readings, held.unreadable) == ({"service_improve": 4}, {"service_improve": 1})


def test_what_a_sweep_removed_is_not_there_and_the_position_stays(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(7)], NOW_MS)
    store = StoredLake(tmp_path)
    assert store.expire(EXPIRES_MS).by_output == {"service_improve": 2}
    assert store.holdings().positions == {(A, 0): 8}
    assert sum(store.holdings().readings.values()) == 0


def test_no_lake_holds_nothing_and_is_not_made(tmp_path: Path) -> None:
    held = StoredLake(tmp_path / "none").holdings()
    assert (held.positions, held.readings, held.unreadable) == ({}, {}, {})
    assert not (tmp_path / "none").exists()


def test_a_part_that_is_gone_meanwhile_is_neither_counted_nor_damaged(tmp_path: Path) -> None:
    with connect(spill=None) as engine:
        gone = [tmp_path / f"{n}.parquet" for n in range(FILES_PER_QUERY_MAX + 1)]
        assert count_readings(engine, gone) == (0, [])
