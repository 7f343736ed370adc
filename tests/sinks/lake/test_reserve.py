"""Room is kept for erasures if there is enough, is given up once, and is nothing of the lake's."""

import os
from pathlib import Path

import pytest

from sinks.lake.check import check
from sinks.lake.copying import copy_lake
from sinks.lake.digest import compare
from sinks.lake.layout import RESERVE_FILE
from sinks.lake.reserve import FREE_TIMES, Reserve
from sinks.lake.survey import survey
from tests.sinks.lakes import lake_at
from tests.sinks.records import NOW_MS, record
from tests.support.small_disk import fill, free, small_disk

SIZE = 1 << 20


def taken(folder: Path) -> int:
    return (folder / RESERVE_FILE).stat().st_blocks * 512


def test_it_takes_the_room_is_given_up_once_and_made_anew(tmp_path: Path) -> None:
    found = Reserve(tmp_path, SIZE)
    assert not found.is_there()
    assert not found.release()
    for _ in range(2):
        assert found.keep()
        assert found.is_there()
        assert taken(tmp_path) >= SIZE
    assert found.release()
    assert not found.release()
    assert list(tmp_path.iterdir()) == []
    assert found.keep()


def test_another_size_is_made_anew_and_none_is_none(tmp_path: Path) -> None:
    assert Reserve(tmp_path, SIZE).keep()
    assert Reserve(tmp_path, 2 * SIZE).keep()
    assert (tmp_path / RESERVE_FILE).stat().st_size == 2 * SIZE
    assert not Reserve(tmp_path, 0).keep()
    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_process_left_half_made_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / f"{RESERVE_FILE}.new").write_bytes(b"half")
    assert Reserve(tmp_path, SIZE).keep()
    assert [one.name for one in tmp_path.iterdir()] == [RESERVE_FILE]


def test_where_no_lake_is_none_is_made(tmp_path: Path) -> None:
    assert not Reserve(tmp_path / "lake", SIZE).keep()
    assert not (tmp_path / "lake").exists()


def test_a_link_in_its_place_leads_nowhere(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"x" * SIZE)
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / RESERVE_FILE).symlink_to(precious)
    found = Reserve(lake, SIZE)
    assert (found.is_there(), found.release()) == (False, False)
    assert found.keep()
    assert precious.stat().st_size == SIZE


def test_it_is_made_only_if_there_is_room_for_it_and_more(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", FREE_TIMES) as disk:
        found = Reserve(disk, SIZE)
        assert found.keep()
        assert found.release()
        fill(disk)
        assert not found.keep()
        assert [one.name for one in disk.iterdir()] == ["fill"]
        free(disk)
        (disk / "something").write_bytes(b"x")
        assert not found.keep()


def test_a_disk_that_fills_as_it_is_made_has_nothing_of_it_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        assert not Reserve(tmp_path, SIZE).keep()
        assert list(tmp_path.iterdir()) == []
    assert Reserve(tmp_path, SIZE).keep()


def test_it_is_no_strange_file_and_no_copy_has_it(tmp_path: Path) -> None:
    root, copy = tmp_path / "lake", tmp_path / "copy"
    with lake_at(root) as lake:
        lake.write([record(0)], NOW_MS)
        assert Reserve(root, SIZE).keep()
        (root / f"{RESERVE_FILE}.new").write_bytes(b"half")
        assert survey(root) == []
        assert check(root, NOW_MS).strange == ()
    copy.mkdir()
    copy_lake(root, copy, 50_000, NOW_MS, lambda *_: None)
    assert compare(root, copy).equal
    assert not (copy / RESERVE_FILE).exists()
    (root / RESERVE_FILE).unlink()
    (root / RESERVE_FILE).mkdir()
    assert [one.place for one in survey(root)] == [RESERVE_FILE]
