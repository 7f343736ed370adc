"""Temporary files die with their owner, and only with it."""

import fcntl
from contextlib import suppress
from pathlib import Path

import pytest

from sinks.lake.workplace import Workplace, WorkplaceTakenError, clear_dead


def test_a_living_owners_files_are_left_alone(tmp_path: Path) -> None:
    with Workplace(tmp_path, "sink", 0) as place:
        (place.path / "half").write_bytes(b"x")
        assert clear_dead(tmp_path) == 0
        assert (place.path / "half").exists()


def test_a_dead_owners_files_are_removed_by_anyone(tmp_path: Path) -> None:
    place = Workplace(tmp_path, "sink", 0)
    (place.path / "half").write_bytes(b"x")
    place.abandon()
    assert clear_dead(tmp_path) == 1
    assert list((tmp_path / "_tmp").iterdir()) == []


def test_a_new_owner_begins_with_an_empty_folder(tmp_path: Path) -> None:
    dead = Workplace(tmp_path, "sink", 0)
    (dead.path / "half").write_bytes(b"x")
    dead.abandon()
    with Workplace(tmp_path, "sink", 0) as place:
        assert list(place.path.iterdir()) == []


def test_one_name_has_one_living_owner(tmp_path: Path) -> None:
    with Workplace(tmp_path, "sink", 0), Workplace(tmp_path, "erase", 0):
        with pytest.raises(WorkplaceTakenError, match="'sink'"):
            Workplace(tmp_path, "sink", 0)
        with pytest.raises(WorkplaceTakenError, match="'erase'"):
            Workplace(tmp_path, "erase", 0)


def test_a_lock_on_a_name_that_was_just_removed_guards_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Workplace(tmp_path, "sink", 0)
    lock = fcntl.flock

    def first_leaves_between_open_and_lock(handle: int, operation: int) -> None:
        first.close()
        lock(handle, operation)

    monkeypatch.setattr("fcntl.flock", first_leaves_between_open_and_lock)
    with Workplace(tmp_path, "sink", 1), pytest.raises(WorkplaceTakenError):
        Workplace(tmp_path, "sink", 0)


def test_closing_twice_is_closing_once(tmp_path: Path) -> None:
    place = Workplace(tmp_path, "sink", 0)
    place.close()
    with Workplace(tmp_path, "sink", 0) as next_owner:
        place.close()
        place.abandon()
        assert next_owner.path.exists()


def test_a_failure_leaves_the_files_for_the_next_to_clear(tmp_path: Path) -> None:
    with suppress(ZeroDivisionError), Workplace(tmp_path, "sink", 0) as place:
        (place.path / "half").write_bytes(b"x")
        1 / 0  # noqa: B018  # the failure
    assert (tmp_path / "_tmp" / "sink" / "half").exists()
    assert clear_dead(tmp_path) == 1
