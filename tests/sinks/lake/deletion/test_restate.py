"""Giving a lake's rows another end: killed anywhere, beside others, and what files show."""

from pathlib import Path

import pytest

from sinks.lake.deletion.restate import Restatement
from sinks.lake.lake import Lake
from sinks.lake.layout import RESTATING, expires_text, partitions
from sinks.lake.steps import Step
from sinks.lake.workplace import ERASING, Workplace, WorkplaceTakenError
from sinks.port.results import Restated
from sinks.query.session import run_query
from telemetry.instants import DAY_MS
from tests.sinks.lakes import KillAt, Killed, kill, lake_at, open_lake, parts, stored, utc
from tests.sinks.records import EXPIRES_MS, NEW_VERSION, NOW_MS, SPEED, A, B, record
from tests.sinks.restating import SOONER_MS, FixedEnds

STEPS = {Step.REWRITTEN, Step.NOTE_DURABLE, Step.PART_RENAMED, Step.REPLACED}
ENDS = FixedEnds({SPEED: SOONER_MS})
COUNT = 20


def written(root: Path) -> Path:
    """A lake of two outputs with columns of which one is shortened."""
    with lake_at(root) as lake:
        fill(lake)
    return root


def fill(lake: Lake) -> None:
    lake.write([record(0, dtc=["P0301"]), record(0, B), record(1, pseudonym="OTHER")], NOW_MS)
    later = record(2, dtc=["P0420"], expires_ms=EXPIRES_MS + DAY_MS)
    lake.write([later, record(3, policy_version=NEW_VERSION)], NOW_MS)


def restate(root: Path, hook: KillAt) -> None:
    Restatement(root, "uncompressed", hook).run(ENDS, NOW_MS)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = written(tmp_path_factory.mktemp("restated"))
    restate(root, KillAt(-1))
    return root


def test_the_steps_of_a_restatement_are_those_that_are_killed(tmp_path: Path) -> None:
    hook = KillAt(-1)
    restate(written(tmp_path), hook)
    assert set(hook.passed) == STEPS
    assert len(hook.passed) == COUNT


@pytest.mark.parametrize("at", range(COUNT))
def test_a_kill_at_any_step_loses_and_doubles_no_row(
    tmp_path: Path, undisturbed: Path, at: int
) -> None:
    with pytest.raises(Killed):
        restate(written(tmp_path), KillAt(at))
    restate(tmp_path, KillAt(-1))
    assert stored(tmp_path) == stored(undisturbed)
    assert list((tmp_path / RESTATING).iterdir()) == []
    assert list((tmp_path / "_tmp").iterdir()) == []


@pytest.mark.parametrize("at", range(COUNT))
def test_a_half_done_part_is_undone_first_if_the_policy_changed_again(
    tmp_path: Path, at: int
) -> None:
    rows = len(stored(written(tmp_path)))
    with pytest.raises(Killed):
        restate(tmp_path, KillAt(at))
    third = FixedEnds({SPEED: SOONER_MS - DAY_MS}, policy_version="3-0123456789ab", number=3)
    Restatement(tmp_path, "uncompressed").run(third, NOW_MS)
    found = stored(tmp_path)
    assert len(found) == rows
    assert {row[8] for row in found if row[3] == SPEED} == {utc(SOONER_MS - DAY_MS)}


def test_a_part_that_stays_is_read_once(tmp_path: Path) -> None:
    restatement = Restatement(written(tmp_path), "uncompressed")
    ends = FixedEnds()
    restatement.run(ends, NOW_MS)
    asked = len(ends.asked)
    restatement.run(ends, NOW_MS)
    assert asked and len(ends.asked) == asked
    other = FixedEnds(policy_version="3-0123456789ab")
    restatement.run(other, NOW_MS)
    assert other.asked, "another version asks about every row anew"


def test_a_turn_rewrites_so_many_parts_and_says_what_waits(tmp_path: Path) -> None:
    restatement = Restatement(written(tmp_path), "uncompressed")
    first = restatement.run(ENDS, NOW_MS, rewritten_max=1)
    assert (first.files, first.left) == (1, 3)
    while restatement.run(ENDS, NOW_MS, rewritten_max=1).files:
        pass
    assert {place.expires_ms for place in partitions(tmp_path)} == {
        SOONER_MS, EXPIRES_MS, EXPIRES_MS + DAY_MS,
    }  # fmt: skip


def test_it_waits_for_an_erasure(tmp_path: Path) -> None:
    written(tmp_path)
    with Workplace(tmp_path, ERASING), pytest.raises(WorkplaceTakenError):
        Restatement(tmp_path, "uncompressed").run(ENDS, NOW_MS)
    assert Restatement(tmp_path, "uncompressed").run(ENDS, NOW_MS).files


def test_what_waits_without_a_checkpoint_is_left_alone(tmp_path: Path) -> None:
    def die(step: Step) -> None:
        if step is Step.STAGED_DURABLE:
            raise Killed

    lake = open_lake(tmp_path, at=die)
    with pytest.raises(Killed):
        lake.write([record(0)], NOW_MS)
    kill(lake)
    assert Restatement(tmp_path, "uncompressed").run(ENDS, NOW_MS) == Restated()


def test_what_a_dead_sink_left_waiting_is_restated(tmp_path: Path) -> None:
    def die(step: Step) -> None:
        if step is Step.RECORD_DURABLE and list((tmp_path / "_staged").iterdir()):
            raise Killed

    lake = open_lake(tmp_path, at=die)
    with pytest.raises(Killed):
        lake.write([record(0)], NOW_MS)
    kill(lake)
    assert Restatement(tmp_path, "uncompressed").run(ENDS, NOW_MS).files == 1


def test_a_turn_looks_at_so_many_parts_and_the_next_goes_on(tmp_path: Path) -> None:
    restatement = Restatement(written(tmp_path), "uncompressed")
    ends = FixedEnds()
    left = [restatement.run(ends, NOW_MS, looked_at_max=1).left for _ in range(5)]
    assert left == [3, 2, 1, 0, 0]


def test_a_part_that_is_swept_while_it_is_copied_is_done_with(tmp_path: Path) -> None:
    root = written(tmp_path)

    def sweep_first(step: Step) -> None:
        if step is Step.REWRITTEN:
            for path in root.rglob("bucket=*/part-*"):
                path.unlink()

    done = Restatement(root, "uncompressed", sweep_first).run(ENDS, NOW_MS)
    assert done.files <= 1


@pytest.mark.parametrize("at", range(COUNT))
def test_whoever_reads_meanwhile_sees_every_row_once(tmp_path: Path, at: int) -> None:
    rows = len(stored(written(tmp_path)))
    with pytest.raises(Killed):
        restate(tmp_path, KillAt(at))
    read = [
        run_query(tmp_path, output, "SELECT count(*) FROM readings", NOW_MS).rows[0][0]
        for output in ("service_improve", "third_party.insurer")
    ]
    assert sum(read) == rows


def test_a_writer_goes_on_beside_it(tmp_path: Path) -> None:
    with lake_at(tmp_path) as lake:
        fill(lake)
        Restatement(tmp_path, "uncompressed").run(ENDS, NOW_MS)
        lake.write([record(9)], NOW_MS)
        assert lake.position(A, 0) == 10
    assert all("-r" in part for part in parts(tmp_path) if expires_text(SOONER_MS) in part)
