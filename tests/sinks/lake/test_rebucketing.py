"""Another number of buckets at once: no row changes, a kill at any step is made good by the next."""

import shutil
from pathlib import Path

import pytest

from sinks.lake.deletion.erase import erase
from sinks.lake.deletion.expire import expire_due
from sinks.lake.digest import lake_digest
from sinks.lake.format import Format, stored_format
from sinks.lake.lake import LakeSettings
from sinks.lake.layout import bucket_of, read_part
from sinks.lake.part_file import texts_in
from sinks.lake.rebucketing import Clock, Rebucketed, outlook, rebucket
from sinks.lake.steps import Step
from sinks.lake.stored import StoredLake
from sinks.lake.workplace import WorkplaceTakenError
from sinks.query.session import run_query
from tests.sinks.lake.test_merge import WHO, WRITES, fill, join
from tests.sinks.lakes import KillAt, Killed, lake_at, parts
from tests.sinks.records import EXPIRES_MS, NOW_MS, OUTPUT_A, OUTPUTS, SPEED, A, record, whose
from tests.sinks.restating import SOONER_MS, FixedEnds

BUCKETS = 8
OLD_LAKE = Path(__file__).with_name("lake_of_format_1.zip")
STEPS, STEPS_OF_FORMAT_1 = 43, 51


def merged(root: Path) -> Path:
    """A lake of two buckets, and with one part in none."""
    join(fill(root))
    with lake_at(root) as lake:
        lake.write([record(500, pseudonym=WHO[0])], NOW_MS)
    return root


def of_format_1(root: Path) -> Path:
    shutil.unpack_archive(OLD_LAKE, root)
    return root


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.lake.rebucketing.PAUSE_S", 0)


def rewrite(root: Path, hook: KillAt | None = None, *, clock: Clock = lambda: NOW_MS) -> Rebucketed:
    return rebucket(root, BUCKETS, 50_000, "uncompressed", clock, at=hook or KillAt(-1), wait_s=0)


def settled(root: Path) -> bool:
    """Whether every part that is in a bucket holds its people alone, and none is of format 1."""
    for place in parts(root):
        part, bucket = read_part(Path(place).name), Path(place).parts[-2]
        if part is None or part.number == 0:
            return False
        people = texts_in(root / place, "pseudonym") or set()
        wanted = {f"bucket={bucket_of(who, BUCKETS):02d}" for who in people}
        if bucket != "bucket=all" and wanted != {bucket}:
            return False
    return stored_format(root) == Format(2, BUCKETS)


def test_every_row_comes_to_lie_in_its_bucket_and_nothing_else_changes(tmp_path: Path) -> None:
    digest = lake_digest(merged(tmp_path))
    seen = outlook(tmp_path, BUCKETS)
    done = rewrite(tmp_path)
    assert (done.parts, done.rows, done.left) == (len(seen.outdated), seen.rows, 0)
    assert done.parts > 0
    assert settled(tmp_path)
    assert lake_digest(tmp_path) == digest
    with lake_at(tmp_path, LakeSettings(BUCKETS, compression="uncompressed")) as lake:
        assert lake.position(A, 0) == 501
        assert lake.write([record(501, ce_id=f"{A}/0/0")], NOW_MS).duplicates == 1


def test_a_second_time_there_is_nothing_to_do(tmp_path: Path) -> None:
    rewrite(merged(tmp_path))
    before = parts(tmp_path)
    assert rewrite(tmp_path)[1:] == (0, 0, 0)
    assert parts(tmp_path) == before


def test_a_lake_of_format_1_is_carried_over_and_rewritten(tmp_path: Path) -> None:
    root = of_format_1(tmp_path / "lake")
    other = shutil.copytree(root, tmp_path / "other")
    with lake_at(other):
        pass  # what a killed writer left is gone now
    assert rewrite(root).left == 0
    assert settled(root)
    assert lake_digest(root) == lake_digest(other)


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("make", [merged, of_format_1])
def test_to_look_changes_nothing(tmp_path: Path, make: object) -> None:
    assert callable(make)
    root = make(tmp_path / "lake")
    before = tree(root)
    seen = outlook(root, BUCKETS)
    assert seen.outdated and not seen.unreadable
    assert tree(root) == before


def test_a_sink_that_lives_is_not_disturbed(tmp_path: Path) -> None:
    merged(tmp_path)
    with lake_at(tmp_path) as lake:
        assert outlook(tmp_path, BUCKETS).outdated
        with pytest.raises(WorkplaceTakenError):
            rewrite(tmp_path)
        lake.write([record(600)], NOW_MS)


def test_a_damaged_part_stays_and_the_number_of_before_is_not_forgotten(tmp_path: Path) -> None:
    merged(tmp_path)
    in_bucket = [place for place in parts(tmp_path) if "bucket=all" not in place]
    (tmp_path / in_bucket[0]).write_bytes(b"PAR1 is not enough")
    done = rewrite(tmp_path)
    assert done.left == 1
    assert done.parts == len(done.outlook.outdated)
    assert stored_format(tmp_path).earlier == (2,)
    assert (tmp_path / in_bucket[0]).exists()


def test_an_altered_part_stays_and_its_neighbours_are_rewritten(tmp_path: Path) -> None:
    merged(tmp_path)
    path = next(tmp_path / p for p in parts(tmp_path) if "bucket=all" not in p)
    content = bytearray(path.read_bytes())
    content[content.index(b"km/h")] ^= 1
    path.write_bytes(content)
    done = rewrite(tmp_path)
    assert (done.left, done.parts) == (1, len(done.outlook.outdated) - 1)
    assert path.exists()


def test_what_is_about_to_end_is_left_to_the_sweep(tmp_path: Path) -> None:
    merged(tmp_path)
    done = rewrite(tmp_path, clock=lambda: EXPIRES_MS - 1)
    assert 0 < done.left < len(done.outlook.outdated)
    assert stored_format(tmp_path).earlier == (2,)


def test_what_is_swept_meanwhile_does_not_come_back(tmp_path: Path) -> None:
    merged(tmp_path)

    class Sweeping(KillAt):
        def __call__(self, step: Step) -> None:
            super().__call__(step)
            if step is Step.MERGED:
                expire_due(tmp_path, EXPIRES_MS)

    assert rewrite(tmp_path, Sweeping(-1)).left == 0
    assert [place for place in parts(tmp_path) if OUTPUTS[A] in place] == []
    assert run_query(tmp_path, OUTPUTS[A], "SELECT count(*) FROM readings", NOW_MS).rows == [(0,)]


def test_what_comes_to_its_end_during_the_run_is_left_to_the_sweep(tmp_path: Path) -> None:
    merged(tmp_path)
    now_ms = NOW_MS

    class EndComes(KillAt):
        def __call__(self, step: Step) -> None:
            nonlocal now_ms
            super().__call__(step)
            if step is Step.MERGED:
                now_ms = EXPIRES_MS - 1

    before = [place for place in parts(tmp_path) if OUTPUTS[A] in place]
    rewrite(tmp_path, EndComes(-1), clock=lambda: now_ms)
    assert [place for place in parts(tmp_path) if OUTPUTS[A] in place] == before


def test_a_clock_that_is_ahead_has_no_duplicate_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged(tmp_path)
    monkeypatch.setattr("sinks.lake.writing.CHECKPOINTS_MAX", 1)  # each is a whole one
    assert rewrite(tmp_path, clock=lambda: EXPIRES_MS + 1).parts > 0
    with lake_at(tmp_path) as lake:
        assert lake.write([record(501, ce_id=f"{A}/0/0")], NOW_MS).duplicates == 1


def test_between_two_portions_a_subject_is_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged(tmp_path)
    monkeypatch.setattr("sinks.lake.deletion.erase.MERGE_S_MAX", 0)
    left = []

    def tell(_done: int, _total: int) -> None:
        left.append(erase(tmp_path, OUTPUT_A, whose(WHO[0]), NOW_MS, "uncompressed").located_after)

    assert rebucket(tmp_path, BUCKETS, 9, "uncompressed", lambda: NOW_MS, tell=tell).left == 0
    assert len(left) > 1 and not any(left)
    assert settled(tmp_path)
    assert StoredLake(tmp_path, "uncompressed").locate(OUTPUT_A, whose(WHO[0])).rows == 0


def test_what_a_restatement_moves_meanwhile_is_left_to_the_next_run(tmp_path: Path) -> None:
    merged(tmp_path)
    ends = [FixedEnds({SPEED: SOONER_MS})]

    def tell(_done: int, _total: int) -> None:
        if ends:
            StoredLake(tmp_path, "uncompressed").restate(ends.pop(), NOW_MS)

    assert rebucket(tmp_path, BUCKETS, 9, "uncompressed", lambda: NOW_MS, tell=tell).left > 0
    assert stored_format(tmp_path).earlier == (2,)
    assert rewrite(tmp_path).left == 0
    assert settled(tmp_path)


@pytest.mark.parametrize(("make", "steps"), [(merged, STEPS), (of_format_1, STEPS_OF_FORMAT_1)])
def test_the_steps_are_those_that_are_killed(tmp_path: Path, make: object, steps: int) -> None:
    assert callable(make)
    hook = KillAt(-1)
    rewrite(make(tmp_path / "lake"), hook)
    assert len(hook.passed) == steps


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return merged(tmp_path_factory.mktemp("merged"))


@pytest.mark.parametrize("at", range(STEPS))
def test_a_kill_at_any_step_loses_and_doubles_no_row(tmp_path: Path, before: Path, at: int) -> None:
    root = shutil.copytree(before, tmp_path / "lake")
    digest = lake_digest(root)
    with pytest.raises(Killed):
        rewrite(root, KillAt(at))
    asked = run_query(root, OUTPUTS[A], "SELECT count(*) FROM readings", NOW_MS)
    assert asked.rows == [(WRITES * 8 * 3 + 2,)]
    assert lake_digest(root) == digest
    assert StoredLake(root, "uncompressed").locate(OUTPUT_A, whose(WHO[1])).rows
    assert rewrite(root).left == 0
    assert settled(root)
    assert lake_digest(root) == digest


@pytest.mark.parametrize("at", range(STEPS_OF_FORMAT_1))
def test_a_kill_at_any_step_of_a_lake_of_format_1(tmp_path: Path, at: int) -> None:
    root = of_format_1(tmp_path / "lake")
    with pytest.raises(Killed):
        rewrite(root, KillAt(at))
    assert rewrite(root).left == 0
    assert settled(root)
    rows = run_query(root, OUTPUTS[A], "SELECT count(*) FROM readings", NOW_MS).rows
    assert rows == [(11,)]
