"""A kill between any two durable steps loses nothing, doubles nothing, leaves nothing."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sinks.lake.checkpoints import CHECKPOINTS_MAX, numbers_in
from sinks.lake.digest import compare, lake_digest
from sinks.lake.lake import Lake
from sinks.lake.steps import Step
from sinks.lake.stored import StoredLake
from sinks.port.selection import Selection
from sinks.query.session import run_query
from telemetry.arrived import Arrived
from telemetry.instants import HOUR_MS, MINUTE_MS
from tests.sinks.lakes import KillAt, Killed, kill, lake_at, open_lake, parts, stored, utc
from tests.sinks.records import EXPIRES_MS, NOW_MS, OUTPUT_A, OUTPUTS, T0_MS, A, B, record, whose

WRITE_STEPS = {
    Step.WRITTEN,
    Step.STAGED,
    Step.STAGED_DURABLE,
    Step.RECORD_WRITTEN,
    Step.RECORD_RENAMED,
    Step.RECORD_DURABLE,
    Step.PART_RENAMED,
    Step.PARTS_DURABLE,
}
BEGIN_STEPS = {Step.FORMAT_RENAMED, Step.FORMAT_DURABLE}
STEPS = 31
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
    lake = open_lake(root, at=hook)  # killed in there, too
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
    assert set(steps) == WRITE_STEPS | BEGIN_STEPS
    assert len(steps) == STEPS


@pytest.mark.parametrize("at", range(STEPS))
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
    assert kills == 6
    assert compare(undisturbed, tmp_path).equal


def test_what_waits_without_a_checkpoint_is_gone_before_the_first_write(tmp_path: Path) -> None:
    steps = killed_after(tmp_path, Step.STAGED_DURABLE)
    assert Step.RECORD_DURABLE not in steps
    assert [place.split("/")[0] for place in parts(tmp_path)] == ["_staged", "_staged"]
    assert lake_digest(tmp_path).rows == 0
    with lake_at(tmp_path) as lake:
        assert parts(tmp_path) == []
        assert lake.position(A, 0) is None


@pytest.mark.parametrize("step", [Step.RECORD_DURABLE, Step.PART_RENAMED])
def test_what_a_checkpoint_names_counts_wherever_it_lies(tmp_path: Path, step: Step) -> None:
    killed_after(tmp_path, step)
    assert any(place.startswith("_staged/") for place in parts(tmp_path))
    assert lake_digest(tmp_path).rows == 6
    asked = "SELECT count(*) FROM readings"
    found = [run_query(tmp_path, output, asked, NOW_MS).rows for output in OUTPUTS.values()]
    assert found == [[(4,)], [(2,)]]
    swept = StoredLake(tmp_path).expire(EXPIRES_MS)
    assert (swept.rows, parts(tmp_path)) == (6, [])


def test_an_erasure_finds_what_a_dead_writer_left_waiting(tmp_path: Path) -> None:
    killed_after(tmp_path, Step.RECORD_DURABLE)
    receipt = StoredLake(tmp_path, "uncompressed").erase(OUTPUT_A, whose("P1"), NOW_MS)
    assert (receipt.located_before, receipt.located_after) == (2, 0)
    with lake_at(tmp_path) as lake:
        assert not lake.verify(b"P1").found
        assert lake.position(A, 0) == 2


def test_a_dead_writers_temporary_files_do_not_outlive_the_next_sweep(tmp_path: Path) -> None:
    killed_after(tmp_path, Step.WRITTEN)
    assert parts(tmp_path) == ["_tmp/sink/0.parquet"]
    with lake_at(tmp_path / "elsewhere") as other:
        other.expire(NOW_MS)
    assert parts(tmp_path)
    swept_by_another_process(tmp_path)
    assert parts(tmp_path) == []


@pytest.fixture(scope="module")
def full_of_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkpoints")
    with lake_at(root) as lake:
        for offset in range(CHECKPOINTS_MAX - 1):
            lake.write([record(offset, series={})], NOW_MS)
    assert len(numbers_in(root)) == CHECKPOINTS_MAX
    return root


@pytest.mark.parametrize("at", [0, 1, 2, 3, 4, 40, 66, 67])
def test_a_checkpoint_that_replaces_the_others_can_be_killed_at_any_step(
    tmp_path: Path, full_of_checkpoints: Path, at: int
) -> None:
    root = shutil.copytree(full_of_checkpoints, tmp_path / "lake")
    hook = KillAt(-1)
    lake = open_lake(root, at=hook)
    hook.passed.clear()
    hook.at = at
    with pytest.raises(Killed):
        lake.write([record(CHECKPOINTS_MAX - 1, series={})], NOW_MS)
    kill(lake)
    with lake_at(root) as again:
        position = again.position(A, 0)
        assert position == (CHECKPOINTS_MAX - 1 if at < 1 else CHECKPOINTS_MAX)
        known = [record(position + n, ce_id=f"{A}/0/{n}") for n in range(position)]
        assert again.write(known, NOW_MS).duplicates == position
        assert len(numbers_in(root)) <= CHECKPOINTS_MAX + 1


ALL_OF_THEM = whose("P1", "Q1", "P4")
IN_PART = whose("P1", "P2", "Q1")._replace(from_ms=T0_MS + 1_000, to_ms=T0_MS + 1_001)
"""The later one of each record's two readings."""


@pytest.mark.parametrize(("meant", "steps"), [(ALL_OF_THEM, 6), (IN_PART, 4)])
def test_an_erasure_killed_at_any_step_ends_erased_when_run_again(
    tmp_path: Path, meant: Selection, steps: int
) -> None:
    def erase_of_both(lake: Lake) -> None:
        for output in OUTPUTS.values():
            lake.erase(output, meant, NOW_MS)

    for at in range(20):
        root = tmp_path / str(at)
        write_all(root, KillAt(-1))
        before = [row for row in stored(root) if not is_meant(row, meant)]
        assert len(before) < len(stored(root))
        hook = KillAt(-1)
        lake = open_lake(root, at=hook)
        hook.passed.clear()
        hook.at = at
        try:
            erase_of_both(lake)
        except Killed:
            kill(lake)
            killed = True
        else:
            lake.close()
            killed = False
        assert set(before) <= set(stored(root)), "what stays is there at every moment"
        with lake_at(root) as again:
            erase_of_both(again)
            assert stored(root) == before
            assert not any(again.locate(output, meant).rows for output in OUTPUTS.values())
            assert again.verify(b"Q1").found == any(row[2] == "Q1" for row in before)
        if not killed:
            assert at == steps
            return
    pytest.fail("the erasure never ended")


def is_meant(row: tuple[Any, ...], meant: Selection) -> bool:
    """Of a row as ``stored`` has it; none of them rests on a consent."""
    late = meant.from_ms is None or row[4] == utc(meant.from_ms)
    return row[2] in meant.pseudonyms and late


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
    """Write the first batch and kill after the first such step of it; the steps that were."""

    def hook(now: Step) -> None:
        passed.append(now)
        if now is step and Step.WRITTEN in passed:
            raise Killed

    passed: list[Step] = []
    open_lake(root).close()
    lake = open_lake(root, at=hook)
    with pytest.raises(Killed):
        lake.write(BATCHES[0], NOW_MS)
    kill(lake)
    return passed


def swept_by_another_process(root: Path) -> None:
    code = "import sys, pathlib; from sinks.lake.deletion.expire import expire_due; expire_due(pathlib.Path(sys.argv[1]), 0)"
    subprocess.run([sys.executable, "-c", code, str(root)], check=True, timeout=60)
