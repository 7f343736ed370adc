"""A start deletes only what it can prove half-written; else it refuses, and nothing is lost."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sinks.lake.check import check
from sinks.lake.checkpoints import numbers_in
from sinks.lake.format import LakeFormatError
from sinks.lake.steps import Step
from tests.sinks.lakes import Killed, kill, lake_at, open_lake, parts, stored
from tests.sinks.records import NOW_MS, A, B, record


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake of three batches of one topic and one of another, closed."""
    with lake_at(tmp_path) as made:
        for offset in range(3):
            made.write([record(offset)], NOW_MS)
        made.write([record(0, B)], NOW_MS)
    return tmp_path


def _newest(root: Path) -> Path:
    return root / "_checkpoints" / str(numbers_in(root)[-1])


def _lose_all(root: Path) -> None:
    shutil.rmtree(root / "_checkpoints")


def _lose_newest(root: Path) -> None:
    _newest(root).unlink()


def _lose_one_between(root: Path) -> None:
    (root / "_checkpoints" / str(numbers_in(root)[-2])).unlink()


def _empty(root: Path) -> None:
    _newest(root).write_bytes(b"")


def _flipped(root: Path) -> None:
    content = bytearray(_newest(root).read_bytes())
    content[-1] ^= 1
    _newest(root).write_bytes(content)


def _anothers(root: Path) -> None:
    older = root / "_checkpoints" / str(numbers_in(root)[-2])
    _newest(root).write_bytes(older.read_bytes())


def _foreign(root: Path) -> None:
    (root / "_checkpoints" / "2.bak").write_bytes(b"")


def _foreign_content(root: Path) -> None:
    _newest(root).write_bytes(b"{}")


def _folder_as_checkpoint(root: Path) -> None:
    (root / "_checkpoints" / "700").mkdir()


def _no_format(root: Path) -> None:
    (root / "_lake.json").unlink()


def _empty_format(root: Path) -> None:
    (root / "_lake.json").write_bytes(b"")


def _foreign_format(root: Path) -> None:
    (root / "_lake.json").write_bytes(b'{"v": 1, "buckets": 0}')


def _folder_as_format(root: Path) -> None:
    (root / "_lake.json").unlink()
    (root / "_lake.json").mkdir()


DAMAGE = {
    "every checkpoint is lost": _lose_all,
    "the newest checkpoint is lost": _lose_newest,
    "a checkpoint in between is lost": _lose_one_between,
    "a checkpoint is empty": _empty,
    "a checkpoint has another bit": _flipped,
    "a checkpoint is another's": _anothers,
    "a checkpoint is a stranger's": _foreign,
    "a checkpoint holds something else": _foreign_content,
    "a checkpoint is a directory": _folder_as_checkpoint,
    "the format is lost": _no_format,
    "the format is empty": _empty_format,
    "the format is a stranger's": _foreign_format,
    "the format is a directory": _folder_as_format,
}


@pytest.mark.parametrize(
    "damage", [pytest.param(damage, id=name) for name, damage in DAMAGE.items()]
)
def test_a_start_refuses_what_it_cannot_prove_and_loses_nothing(
    lake: Path, damage: Callable[[Path], None]
) -> None:
    before = stored(lake)
    damage(lake)
    with pytest.raises(LakeFormatError, match=r"roadfade lake check|which no lake has"):
        open_lake(lake)
    found = check(lake, NOW_MS)
    assert found.refused or found.unproven or found.strange
    assert (stored(lake), found.parts) == (before, 4)


def test_the_checkpoints_put_back_make_the_lake_whole(lake: Path, tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    shutil.move(lake / "_checkpoints", aside)
    with pytest.raises(LakeFormatError):
        open_lake(lake)
    shutil.move(aside, lake / "_checkpoints")
    with lake_at(lake) as whole:
        assert whole.position(A, 0) == 3


def test_a_killed_writers_first_batch_is_half_written(tmp_path: Path) -> None:
    def die(step: Step) -> None:
        if step is Step.STAGED_DURABLE:
            raise Killed

    dying = open_lake(tmp_path, at=die)
    with pytest.raises(Killed):
        dying.write([record(0)], NOW_MS)
    kill(dying)
    assert check(tmp_path, NOW_MS).half_written == len(parts(tmp_path)) == 1
    with lake_at(tmp_path):
        assert parts(tmp_path) == []


def test_what_waits_for_a_checkpoint_that_is_lost_is_not_deleted(lake: Path) -> None:
    def die(step: Step) -> None:
        if step is Step.RECORD_DURABLE:
            raise Killed

    dying = open_lake(lake, at=die)
    with pytest.raises(Killed):
        dying.write([record(3)], NOW_MS)
    kill(dying)
    _lose_newest(lake)
    _lose_newest(lake)
    with pytest.raises(LakeFormatError, match="2 parts"):
        open_lake(lake)
    assert len(parts(lake)) == 5


def test_a_newer_format_is_refused_by_name(lake: Path) -> None:
    (lake / "_lake.json").write_text('{"v": 3, "buckets": 2, "more": true}')
    with pytest.raises(LakeFormatError, match="format 3, this program reads 1 to 2"):
        open_lake(lake)


def test_a_whole_lake_is_checked_as_whole(lake: Path) -> None:
    found = check(lake, NOW_MS)
    assert (found.parts, found.overdue, found.half_written) == (4, 0, 0)
    assert (found.unproven, found.strange, found.refused) == ((), (), None)
    (lake / parts(lake)[0]).write_bytes(b"no footer")
    assert len(check(lake, NOW_MS).strange) == 1
