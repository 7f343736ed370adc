import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadfade import ledger_file as module
from roadfade.ledger_file import LedgerFile, Place
from telemetry.wire.flow import FlowRecord, OutputFlow, encode_flow, fold


def record(
    first: int, last: int, partition: int = 0, generation: int = -1, topic_id: str = ""
) -> FlowRecord:
    readings = last - first + 1
    row = OutputFlow(readings, readings - 1, {"thinned": 1})
    return FlowRecord(
        "telemetry.raw", partition, first, last, {"a": row}, {"malformed": 1}, generation, topic_id
    )


def test_what_was_read_of_a_raw_topic_stands_after_it_was_made_anew(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite")
    old = [record(0, 9), record(10, 19, topic_id="old"), record(20, 29, topic_id="old")]
    new = [record(0, 4, topic_id="new"), record(5, 24, topic_id="new")]
    ledger.fold([*old, *new])
    assert ledger.read().outputs["a"].entered == 30 + 25
    # What comes again of either is in its place; the old topic's last batch may come late.
    ledger.fold([new[1], old[2], record(25, 29, topic_id="new")])
    assert ledger.read().outputs["a"].entered == 30 + 30
    assert [one[2:] for one in ledger.ranges()] == [(0, 4), (5, 24), (25, 29)]


def test_folding_again_what_was_folded_changes_nothing(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite")
    ledger.fold([record(0, 9), record(10, 19)])
    ledger.fold([record(10, 19)])
    assert ledger.read().outputs["a"].entered == 20
    assert ledger.read().rejected == {"malformed": 2}


def test_a_folder_that_was_left_behind_folds_nothing_again(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite")
    rows = [record(first, first + 9) for first in (0, 10, 20)]
    for offset, row in enumerate(rows):
        ledger.fold_at(row, Place(offset, 1_000 + offset))
    ledger.fold_at(rows[0], Place(0, 1_000))
    assert ledger.read().outputs["a"].entered == 30


def test_a_flow_topic_made_anew_is_folded_on(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite")
    ledger.fold_at(record(0, 9), Place(700, 1_000))
    ledger.fold_at(record(10, 19), Place(0, 2_000))
    ledger.fold_at(record(20, 29), Place(1, 2_000))
    assert ledger.read().outputs["a"].entered == 30


def of_before_generations(path: Path) -> None:
    """A ledger as an older version made it, with offsets 0 to 9."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "CREATE TABLE flow (topic TEXT, partition INTEGER, first INTEGER, body BLOB, "
            "PRIMARY KEY (topic, partition, first))"
        )
        db.execute("CREATE TABLE expired (output TEXT PRIMARY KEY, readings INTEGER)")
        body = encode_flow(record(0, 9)).replace(b',"generation":-1', b"")
        db.execute("INSERT INTO flow VALUES ('telemetry.raw', 0, 0, ?)", (body,))
        db.commit()


def test_a_file_of_before_generations_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    of_before_generations(path)
    ledger = LedgerFile(path)
    ledger.fold([record(10, 19, generation=3), record(0, 19)])
    assert ledger.read().outputs["a"].entered == 20
    assert ledger.ranges() == [("telemetry.raw", 0, 0, 9), ("telemetry.raw", 0, 10, 19)]


@pytest.mark.parametrize("name", ["ledger.sqlite", "50%25?x#y"], ids=["plain", "odd"])
def test_reading_a_ledger_as_it_is_changes_nothing_of_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    of_before_generations(path)
    before = path.read_bytes()
    ledger = LedgerFile(path, as_it_is=True)
    assert ledger.ranges() == [("telemetry.raw", 0, 0, 9)]
    assert ledger.read().outputs["a"].entered == 10
    assert ledger.expired() == {}
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [name]


def test_reading_a_ledger_as_it_is_makes_none(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        LedgerFile(tmp_path / "ledger.sqlite", as_it_is=True).read()
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_survives_its_process(tmp_path: Path) -> None:
    LedgerFile(tmp_path / "ledger.sqlite").fold([record(0, 9)])
    assert LedgerFile(tmp_path / "ledger.sqlite").read().outputs["a"].entered == 10


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5), st.integers(-1, 2)), max_size=30))
def test_the_file_folds_as_the_definition_does(steps: list[tuple[int, int, int]]) -> None:
    import tempfile  # noqa: PLC0415  # a folder per example; tmp_path is one per test

    records = [record(first, first + more, 0, generation) for first, more, generation in steps]
    with tempfile.TemporaryDirectory() as folder:
        ledger = LedgerFile(Path(folder) / "ledger.sqlite")
        ledger.fold(records)
        assert ledger.read() == fold(records)


def test_settled_rows_are_summed_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS_PER_PARTITION_MAX", 3)
    ledger = LedgerFile(tmp_path / "ledger.sqlite")
    records = [record(first, first, partition) for first in range(50) for partition in (0, 1)]
    ledger.fold(records)
    assert ledger.read() == fold(records)
    with ledger._open() as db:
        (rows,) = db.execute("SELECT count(*) FROM flow").fetchone()
    assert rows <= 2 * (2 * 3 + 1)


def test_a_gap_and_an_overlap_are_still_seen_among_settled_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS_PER_PARTITION_MAX", 3)
    ledger = LedgerFile(tmp_path / "ledger.sqlite")
    records = [record(first, first) for first in range(50) if first not in (7, 20)]
    records[10] = record(11, 13)  # it tells of 12 and 13, and so do the next two
    ledger.fold(records)
    ranges = [one[2:] for one in ledger.ranges()]
    assert ranges[:3] == [(0, 6), (8, 13), (12, 19)]
    assert ranges[3][0] == 21 and ranges[3][1] > 30, "rows that follow each other are summed"
    assert ledger.read() == fold(records)


def test_so_many_stretches_are_kept_and_the_oldest_are_joined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS_PER_PARTITION_MAX", 3)
    monkeypatch.setattr(module, "STRETCHES_PER_PARTITION_MAX", 2)
    ledger = LedgerFile(tmp_path / "ledger.sqlite")
    records = [record(first, first) for first in range(0, 200, 2)]
    ledger.fold(records)
    assert len(ledger.ranges()) <= 2 * 3 + 1
    assert ledger.ranges()[0].first == 0
    assert ledger.read() == fold(records)


def test_what_sweeps_removed_adds_up(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "ledger.sqlite")
    ledger.add_expired({"a": 3})
    ledger.add_expired({"a": 4, "b": 1})
    assert ledger.expired() == {"a": 7, "b": 1}


def test_several_that_make_the_file_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "ledger.sqlite"
    together = Barrier(4)

    def work(partition: int) -> None:
        together.wait()
        ledger = LedgerFile(path)
        for first in range(10):
            ledger.fold([record(first, first, partition)])
            ledger.add_expired({"a": 1})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert LedgerFile(path).read().outputs["a"].entered == 40
    assert LedgerFile(path).expired() == {"a": 40}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
