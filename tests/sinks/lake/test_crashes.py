"""A kill between any two durable steps loses nothing, doubles nothing, leaves nothing."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from sinks.lake.digest import compare, lake_digest
from sinks.lake.markers import MARKER_FILES_MAX
from sinks.lake.steps import Step
from telemetry.arrived import Arrived
from telemetry.identity import Pseudonym
from telemetry.instants import HOUR_MS, MINUTE_MS
from tests.sinks.lakes import KillAt, Killed, kill, lake_at, open_lake, parts, stored
from tests.sinks.records import EXPIRES_MS, NOW_MS, A, B, record

WRITE_STEPS = {
    Step.TEMPORARY_WRITTEN,
    Step.TEMPORARY_DURABLE,
    Step.PART_RENAMED,
    Step.PART_DURABLE,
    Step.MARKER_WRITTEN,
    Step.MARKER_RENAMED,
    Step.MARKER_DURABLE,
}
BATCHES: Sequence[Sequence[Arrived]] = (
    [record(0, pseudonym="P1"), record(1, pseudonym="P2"), record(0, B, pseudonym="Q1")],
    [
        record(2, pseudonym="P3", expires_ms=EXPIRES_MS + HOUR_MS),
        record(3, pseudonym="P1", ce_id=f"{A}/0/0"),  # a worker's duplicate
        record(4, pseudonym="P4"),
        record(0, A, 1, pseudonym="P5", expires_ms=NOW_MS // MINUTE_MS * MINUTE_MS),
        record(1, B, pseudonym="Q2"),
    ],
)


def write_all(root: Path, hook: KillAt) -> None:
    """Kafka's part in a crash: what was not committed comes again, from the position on."""
    lake = open_lake(root, at=hook)
    try:
        for batch in BATCHES:
            lake.write(batch, NOW_MS)
    except Killed:
        kill(lake)
        raise
    lake.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("undisturbed")
    write_all(root, KillAt(-1))
    return root


def every_step_of_a_write(root: Path) -> list[Step]:
    hook = KillAt(-1)
    write_all(root, hook)
    return hook.passed


def test_the_steps_of_a_write_are_those_that_are_killed(tmp_path: Path) -> None:
    steps = every_step_of_a_write(tmp_path)
    assert set(steps) == WRITE_STEPS
    assert len(steps) == 38


@pytest.mark.parametrize("at", range(38))
def test_a_kill_at_any_step_of_a_write_gives_equal_rows(
    tmp_path: Path, undisturbed: Path, at: int
) -> None:
    with pytest.raises(Killed):
        write_all(tmp_path, KillAt(at))
    write_all(tmp_path, KillAt(-1))
    assert compare(undisturbed, tmp_path).equal
    assert lake_digest(tmp_path) == lake_digest(undisturbed)
    assert list((tmp_path / "_tmp").iterdir()) == []


def test_killed_again_and_again_the_rows_are_still_equal(tmp_path: Path, undisturbed: Path) -> None:
    kills = 0
    for at in (3, 0, 9, 5, 7, 1, 20, 2, 4, 6):
        with suppress(Killed):
            write_all(tmp_path, KillAt(at))
            continue
        kills += 1
    write_all(tmp_path, KillAt(-1))
    assert kills == 7
    assert compare(undisturbed, tmp_path).equal


def test_an_unmarked_part_is_gone_before_the_first_write(tmp_path: Path) -> None:
    steps = killed_after(tmp_path, Step.PART_DURABLE)
    assert Step.MARKER_RENAMED not in steps
    assert stored(tmp_path)
    with lake_at(tmp_path) as lake:
        assert stored(tmp_path) == []
        assert lake.position(A, 0) is None


def test_a_dead_writers_temporary_files_do_not_outlive_the_next_sweep(tmp_path: Path) -> None:
    killed_after(tmp_path, Step.TEMPORARY_DURABLE)
    assert parts(tmp_path) == ["_tmp/sink/0.parquet"]
    with lake_at(tmp_path / "elsewhere") as other:
        other.expire(NOW_MS)
    assert parts(tmp_path)
    swept_by_another_process(tmp_path)
    assert parts(tmp_path) == []


@pytest.fixture(scope="module")
def full_of_markers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("markers")
    with lake_at(root) as lake:
        for offset in range(MARKER_FILES_MAX):
            lake.write([record(offset, series={})], NOW_MS)
    return root


@pytest.mark.parametrize("at", [0, 1, 2, 3, 4, 5, 40, 66, 67])
def test_merging_markers_can_be_killed_at_any_step(
    tmp_path: Path, full_of_markers: Path, at: int
) -> None:
    root = shutil.copytree(full_of_markers, tmp_path / "lake")
    lake = open_lake(root, at=KillAt(at))
    with pytest.raises(Killed):
        lake.write([record(MARKER_FILES_MAX, series={})], NOW_MS)
    kill(lake)
    with lake_at(root) as again:
        position = again.position(A, 0)
        assert position == (MARKER_FILES_MAX if at < 2 else MARKER_FILES_MAX + 1)
        known = [record(position + n, ce_id=f"{A}/0/{n}") for n in range(position)]
        assert again.write(known, NOW_MS).duplicates == position


def test_an_erasure_killed_at_any_step_ends_erased_when_run_again(tmp_path: Path) -> None:
    gone = [Pseudonym("P1"), Pseudonym("Q1"), Pseudonym("P4")]
    for at in range(20):
        root = tmp_path / str(at)
        write_all(root, KillAt(-1))
        before = [row for row in stored(root) if row[2] not in gone]
        lake = open_lake(root, at=KillAt(at))
        try:
            lake.erase(gone, NOW_MS)
        except Killed:
            kill(lake)
            killed = True
        else:
            lake.close()
            killed = False
        with lake_at(root) as again:
            again.erase(gone, NOW_MS)
            assert stored(root) == before
            assert not again.verify(b"Q1").found
        if not killed:
            assert at == 6
            return
    pytest.fail("the erasure never ended")


@pytest.mark.parametrize("step", sorted(WRITE_STEPS))
def test_a_process_killed_by_the_kernel_leaves_a_lake_that_goes_on(
    tmp_path: Path, undisturbed: Path, step: Step
) -> None:
    command = [sys.executable, "-m", "tests.sinks.killed_writer", str(tmp_path), step]
    ended = subprocess.run(command, check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    write_all(tmp_path, KillAt(-1))
    assert compare(undisturbed, tmp_path).equal


def killed_after(root: Path, step: Step) -> list[Step]:
    """Write the first batch and kill at the first such step; the steps before it."""

    def hook(now: Step) -> None:
        if now is step:
            raise Killed
        passed.append(now)

    passed: list[Step] = []
    lake = open_lake(root, at=hook)
    with pytest.raises(Killed):
        lake.write(BATCHES[0], NOW_MS)
    kill(lake)
    return passed


def swept_by_another_process(root: Path) -> None:
    code = "import sys, pathlib; from sinks.lake.deletion.expire import expire_due; expire_due(pathlib.Path(sys.argv[1]), 0)"
    subprocess.run([sys.executable, "-c", code, str(root)], check=True, timeout=60)
