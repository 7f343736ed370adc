"""The sweep needs no writer, waits for no process, and removes all that is due."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sinks.lake.deletion.expire import expire_due, overdue
from sinks.lake.durable import make_directory
from sinks.lake.steps import Step
from sinks.lake.survey import survey
from sinks.lake.workplace import Workplace
from sinks.port.results import Oddity, Overdue, Swept
from telemetry.instants import MINUTE_MS
from tests.sinks.lakes import lake_at, open_lake, parts, stored
from tests.sinks.records import AFTER_MS, EXPIRES_MS, NOW_MS, A, B, record
from tests.sinks.strange import STRANGE


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
        lake.write([record(0)], NOW_MS)
        lake.write([record(0, A, 1)], NOW_MS)
    (tmp_path / parts(tmp_path)[0]).write_bytes(b"no footer")
    swept = expire_due(tmp_path, AFTER_MS)
    assert (swept.files, swept.rows, swept.uncounted) == (2, 2, 1)
    assert parts(tmp_path) == []


def test_what_is_overdue_is_known_until_it_is_swept(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0), record(0, B, expires_ms=AFTER_MS)], NOW_MS)
        lake.write([record(0, A, 1)], NOW_MS)
    assert overdue(tmp_path, EXPIRES_MS - 1) == []
    assert overdue(tmp_path, EXPIRES_MS) == [Overdue("service_improve", EXPIRES_MS, 2)]
    expire_due(tmp_path, EXPIRES_MS)
    assert overdue(tmp_path, EXPIRES_MS) == []


def test_a_sweep_of_a_folder_without_a_lake_removes_nothing(tmp_path: Path) -> None:
    assert expire_due(tmp_path / "nothing", AFTER_MS) == Swept()


@pytest.fixture
def two_due(tmp_path: Path) -> Path:
    """A lake with due rows of two outputs, and rows that live on."""
    with lake_at(tmp_path) as lake:
        lake.write([record(0), record(0, B), record(1, expires_ms=AFTER_MS + MINUTE_MS)], NOW_MS)
    return tmp_path


@pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in STRANGE.items()])
def test_a_strange_name_stops_no_deletion_and_is_told(
    two_due: Path, make: Callable[[Path], Path]
) -> None:
    strange = make(two_due)
    swept = expire_due(two_due, AFTER_MS)
    assert (swept.files, swept.rows, swept.left) == (2, 4, ())
    assert len(stored(two_due)) == 2
    assert os.path.lexists(strange)
    assert [one.oddity for one in survey(two_due)] == [Oddity.FOREIGN]


def test_a_lake_of_its_own_files_has_nothing_strange(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0)], NOW_MS)
        assert survey(tmp_path) == []


def test_a_part_that_cannot_be_unlinked_is_told_and_the_rest_goes(
    two_due: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, real = two_due / parts(two_due)[0], Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002  # as Path's
        if path == stuck:
            raise PermissionError(errno.EPERM, "immutable", str(path))
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    swept = expire_due(two_due, AFTER_MS)
    assert (swept.files, [one.oddity for one in swept.left]) == (1, [Oddity.NOT_REMOVED])
    assert [one.files for one in overdue(two_due, AFTER_MS)] == [1]
    monkeypatch.undo()
    assert expire_due(two_due, AFTER_MS).files == 1


def test_deleting_does_not_wait_for_what_reads_footers(
    two_due: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("sinks.lake.deletion.expire.count_rows", fails)
    swept = expire_due(two_due, AFTER_MS)
    assert (swept.files, swept.rows, swept.uncounted) == (2, 0, 2)
    assert len(parts(two_due)) == 1


def test_a_copy_of_a_part_goes_with_its_partition_and_is_not_read(two_due: Path) -> None:
    part = two_due / parts(two_due)[0]
    part.with_name("part-copy.parquet").write_bytes(part.read_bytes())
    assert len(survey(two_due)) == 1
    assert expire_due(two_due, AFTER_MS).files == 3


def test_a_strange_lock_does_not_keep_a_dead_owners_files(two_due: Path) -> None:
    (two_due / "_tmp" / "a.lock").mkdir(parents=True)
    dead = Workplace(two_due, "sink", 0)
    dead.abandon()
    assert expire_due(two_due, AFTER_MS).files == 2
    assert not dead.path.exists()


def test_it_waits_for_the_disk_once_a_partition_however_many_parts_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lake_at(tmp_path) as lake:
        for offset in range(9):
            lake.write([record(offset, pseudonym=f"PERSON-{offset}")], NOW_MS)
            if offset == 4:
                lake.join(NOW_MS)  # so that there are two buckets, and what is in none
    waited: list[Path] = []
    monkeypatch.setattr("sinks.lake.deletion.expire.sync_directory", waited.append)
    assert len({place.rsplit("/", 1)[0] for place in parts(tmp_path)}) == 3
    expire_due(tmp_path, AFTER_MS)
    assert [path.name for path in waited] == ["purpose=service_improve"]


def test_a_partition_that_keeps_a_strangers_file_is_durable_where_that_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lake_at(tmp_path) as lake:
        lake.write([record(0)], NOW_MS)
    bucket = (tmp_path / parts(tmp_path)[0]).parent
    (bucket / "notes.txt").touch()
    waited: list[Path] = []
    monkeypatch.setattr("sinks.lake.deletion.expire.sync_directory", waited.append)
    expire_due(tmp_path, AFTER_MS)
    assert waited == [bucket, bucket.parent]
