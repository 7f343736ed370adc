"""A full disk at any step of a write: it is said, and once there is room every row is there once."""

import errno
from contextlib import suppress
from pathlib import Path

import pytest

from sinks.lake.digest import compare
from sinks.lake.steps import Step
from sinks.lake.workplace import Workplace
from sinks.port.sink import StoreFullError
from tests.sinks.lakes import KillAt, lake_at, open_lake
from tests.sinks.records import NOW_MS, A, B, record
from tests.support.small_disk import fill, free, small_disk

BATCH = [record(0, pseudonym="P1"), record(1, pseudonym="P2"), record(0, B, pseudonym="Q1")]


class FullAt(KillAt):
    """A hook that finds no room at the n-th step."""

    def __call__(self, step: Step) -> None:
        if len(self.passed) == self.at:
            raise OSError(errno.ENOSPC, "no room")
        self.passed.append(step)


@pytest.fixture
def undisturbed(tmp_path: Path) -> Path:
    with lake_at(tmp_path / "undisturbed") as lake:
        lake.write(BATCH, NOW_MS)
    return tmp_path / "undisturbed"


def steps(root: Path) -> int:
    hook = KillAt(-1)
    lake = open_lake(root, at=hook)
    lake.write(BATCH, NOW_MS)
    lake.close()
    return len(hook.passed)


def fill_at(root: Path, at: int) -> None:
    full = open_lake(root, at=FullAt(at))  # or it finds no room here
    try:
        full.write(BATCH, NOW_MS)
    finally:
        full.close()


def test_it_is_full_at_any_step_and_then_it_is_not(tmp_path: Path, undisturbed: Path) -> None:
    for at in range(steps(tmp_path / "steps")):
        root = tmp_path / f"full at {at}"
        with pytest.raises(StoreFullError, match="free space"):
            fill_at(root, at)
        with lake_at(root) as lake:
            positions = {A: lake.position(A, 0) or 0, B: lake.position(B, 0) or 0}
            lake.write([one for one in BATCH if one.offset >= positions[one.topic]], NOW_MS)
        assert compare(undisturbed, root).equal, at


def test_a_checkpoint_behind_one_that_was_not_carried_out_loses_no_row(
    tmp_path: Path, undisturbed: Path
) -> None:
    for at in range(steps(tmp_path / "steps")):
        root = tmp_path / f"full at {at}"
        hook = FullAt(at)
        lake = open_lake(root)
        lake._checkpoints._at = hook
        with suppress(StoreFullError):
            lake.write(BATCH, NOW_MS)
        hook.at = -1
        lake.bind(A, "of the name")
        lake.close()
        with lake_at(root) as again:
            positions = {A: again.position(A, 0) or 0, B: again.position(B, 0) or 0}
            again.write([one for one in BATCH if one.offset >= positions[one.topic]], NOW_MS)
        assert compare(undisturbed, root).equal, at


def test_noting_of_which_topic_it_is_finds_no_room_either(tmp_path: Path) -> None:
    with lake_at(tmp_path / "lake") as lake:
        lake.write(BATCH, NOW_MS)
    for at in range(2):
        hook = FullAt(-1)
        full = open_lake(tmp_path / "lake", at=hook)
        hook.at = at + len(hook.passed)
        with pytest.raises(StoreFullError, match="free space"):
            full.bind(A, f"id-{at}")
        with pytest.raises(StoreFullError, match="free space"):
            full.adopt(B, f"id-{at}", {0: 1})
        full.close()


def test_what_fails_for_another_reason_is_not_said_to_be_full(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    (tmp_path / "lake" / "purpose=service_improve").write_text("a file in the way")
    with pytest.raises(NotADirectoryError):
        lake.write(BATCH, NOW_MS)
    lake.close()


def test_a_disk_that_is_full_in_truth_is_said_by_system_and_engine(
    tmp_path: Path, undisturbed: Path
) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        full = open_lake(disk / "lake")
        fill(disk)
        with pytest.raises(StoreFullError):
            full.write(BATCH, NOW_MS)
        full.close()
        free(disk)
        with lake_at(disk / "lake") as lake:
            lake.write(BATCH, NOW_MS)
        assert compare(undisturbed, disk / "lake").equal


def test_a_workplace_that_finds_no_room_is_free_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no room")

    (tmp_path / "_tmp").mkdir()
    with monkeypatch.context() as disk:
        disk.setattr(Path, "mkdir", full)
        with pytest.raises(OSError, match="no room") as failure:
            Workplace(tmp_path, "sink", 0)
    # Whoever keeps the error keeps what it came from.
    assert failure.value.__traceback__ is not None
    Workplace(tmp_path, "sink", 0).close()
