"""The sweep needs no writer, waits for no process, and removes all that is due."""

from pathlib import Path

import pytest

from sinks.lake.deletion.expire import expire_due, overdue
from sinks.lake.durable import make_directory
from sinks.lake.steps import Step
from sinks.port.results import Overdue, Swept
from telemetry.instants import MINUTE_MS
from tests.sinks.lakes import lake_at, open_lake, parts, stored
from tests.sinks.records import AFTER_MS, EXPIRES_MS, NOW_MS, A, B, record


def test_a_sweep_runs_beside_a_living_writer(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0)], NOW_MS)
        assert expire_due(tmp_path, AFTER_MS) == Swept(1, 2, {"service_improve": 2})
        lake.write([record(1, expires_ms=AFTER_MS + MINUTE_MS)], AFTER_MS)
    assert len(stored(tmp_path)) == 2


def test_a_swept_partition_leaves_no_directory(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0), record(0, B)], NOW_MS)
    expire_due(tmp_path, AFTER_MS)
    assert [list(path.iterdir()) for path in tmp_path.glob("purpose=*")] == [[], []]


def test_a_writer_may_return_to_a_directory_that_was_swept_empty(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0)], NOW_MS)
        expire_due(tmp_path, AFTER_MS)
        lake.write([record(1)], NOW_MS)
        assert len(stored(tmp_path)) == 2


def test_a_sweep_between_rename_and_sync_does_not_stop_the_writer(tmp_path: Path) -> None:
    def hook(step: Step) -> None:
        if step is Step.PART_RENAMED:
            expire_due(tmp_path, AFTER_MS)

    lake = open_lake(tmp_path, at=hook)
    lake.write([record(0)], NOW_MS)
    lake.close()
    assert parts(tmp_path) == []


def test_a_directory_swept_before_the_rename_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[Path] = []

    def make_and_lose(path: Path) -> None:
        make_directory(path)
        if path.name.startswith("bucket=") and not swept:
            swept.append(path)
            path.rmdir()
            path.parent.rmdir()

    monkeypatch.setattr("sinks.lake.durable.make_directory", make_and_lose)
    with lake_at(tmp_path) as lake:
        lake.write([record(0)], NOW_MS)
    assert swept
    assert len(stored(tmp_path)) == 2


def test_a_damaged_part_is_removed_all_the_same(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0), record(0, A, 1)], NOW_MS)
    (tmp_path / parts(tmp_path)[0]).write_bytes(b"no footer")
    swept = expire_due(tmp_path, AFTER_MS)
    assert (swept.files, swept.rows, swept.uncounted) == (2, 2, 1)
    assert parts(tmp_path) == []


def test_what_is_overdue_is_known_until_it_is_swept(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0), record(0, A, 1), record(0, B, expires_ms=AFTER_MS)], NOW_MS)
    assert overdue(tmp_path, EXPIRES_MS - 1) == []
    assert overdue(tmp_path, EXPIRES_MS) == [Overdue("service_improve", EXPIRES_MS, 2)]
    expire_due(tmp_path, EXPIRES_MS)
    assert overdue(tmp_path, EXPIRES_MS) == []


def test_a_sweep_of_a_folder_without_a_lake_removes_nothing(tmp_path: Path) -> None:
    assert expire_due(tmp_path / "nothing", AFTER_MS) == Swept()


def test_a_partition_without_a_date_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "purpose=a" / "expires=someday").mkdir(parents=True)
    with pytest.raises(ValueError, match="someday"):
        expire_due(tmp_path, AFTER_MS)
