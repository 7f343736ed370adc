"""A start deletes only what it can prove half-written; else it refuses, and nothing is lost."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sinks.lake.cleanup import check
from sinks.lake.format import LakeFormatError
from sinks.lake.steps import Step
from tests.sinks.lakes import KillAt, Killed, kill, lake_at, open_lake, parts, stored
from tests.sinks.records import NOW_MS, A, B, record


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake of three batches of one topic and one of another, closed."""
    with lake_at(tmp_path) as made:
        for offset in range(3):
            made.write([record(offset)], NOW_MS)
        made.write([record(0, B)], NOW_MS)
    return tmp_path


def _lose_all(root: Path) -> None:
    shutil.rmtree(root / "_offsets")


def _lose_one_topic(root: Path) -> None:
    shutil.rmtree(root / "_offsets" / f"{A}-0")


def _lose_newest(root: Path) -> None:
    (root / "_offsets" / f"{A}-0" / "2").unlink()


def _empty(root: Path) -> None:
    (root / "_offsets" / f"{A}-0" / "2").write_bytes(b"")


def _foreign(root: Path) -> None:
    (root / "_offsets" / f"{A}-0" / "2.bak").write_bytes(b"")


def _foreign_content(root: Path) -> None:
    (root / "_offsets" / f"{A}-0" / "2").write_bytes(b"{}")


def _folder_as_marker(root: Path) -> None:
    (root / "_offsets" / f"{A}-0" / "7").mkdir()


def _foreign_folder(root: Path) -> None:
    (root / "_offsets" / "backup").mkdir()


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
    "every marker is lost": _lose_all,
    "the markers of one topic are lost": _lose_one_topic,
    "the newest marker is lost": _lose_newest,
    "a marker is empty": _empty,
    "a marker is a stranger's": _foreign,
    "a marker holds something else": _foreign_content,
    "a marker is a directory": _folder_as_marker,
    "a folder of no topic": _foreign_folder,
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


def test_the_markers_put_back_make_the_lake_whole(lake: Path, tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    shutil.move(lake / "_offsets", aside)
    with pytest.raises(LakeFormatError):
        open_lake(lake)
    shutil.move(aside, lake / "_offsets")
    with lake_at(lake) as whole:
        assert whole.position(A, 0) == 3


def test_a_killed_writers_first_batch_is_proved_half_written(tmp_path: Path) -> None:
    at = KillAt(3)  # its parts have their names, its marker is not written
    dying = open_lake(tmp_path, at=at)
    with pytest.raises(Killed):
        dying.write([record(0)], NOW_MS)
    kill(dying)
    assert at.passed[-1] is Step.PART_RENAMED
    assert check(tmp_path, NOW_MS).half_written == len(parts(tmp_path)) == 1
    with lake_at(tmp_path):
        assert parts(tmp_path) == []


def test_a_note_of_a_batch_that_was_finished_proves_nothing(tmp_path: Path) -> None:
    with lake_at(tmp_path) as made:
        made.write([record(0)], NOW_MS)
        made.write([record(1)], NOW_MS)
    note = tmp_path / "_writing" / f"{A}-0"
    places = ", ".join(f'"{place}"' for place in parts(tmp_path))
    note.write_text(f'{{"after": 0, "parts": [{places}]}}')
    _lose_all(tmp_path)
    with pytest.raises(LakeFormatError, match="2 parts"):
        open_lake(tmp_path)
    assert len(parts(tmp_path)) == 2


def test_a_whole_lake_is_checked_as_whole(lake: Path) -> None:
    found = check(lake, NOW_MS)
    assert (found.parts, found.overdue, found.half_written) == (4, 0, 0)
    assert (found.unproven, found.strange, found.refused) == ((), (), None)
    (lake / parts(lake)[0]).write_bytes(b"no footer")
    assert len(check(lake, NOW_MS).strange) == 1
