"""Slots between real processes: locks are the kernel's, and only it can show that they hold."""

import subprocess
import sys
from pathlib import Path

import pytest

from bus import slots
from bus.slots import NoSlotError, Slot

HOLD = """
import sys, pathlib
from bus.slots import Slot
slot = Slot.take(pathlib.Path(sys.argv[1]), "worker")
print(slot.number, flush=True)
sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def number_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_processes_never_share_a_number_and_a_killed_one_frees_its_own(
    tmp_path: Path,
) -> None:
    processes = [holder(tmp_path) for _ in range(4)]
    try:
        numbers = [number_of(process) for process in processes]
        assert sorted(numbers) == [0, 1, 2, 3]
        processes[2].kill()
        processes[2].wait()
        with Slot.take(tmp_path, "worker") as freed:
            assert freed.number == numbers[2]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def test_one_process_holds_two_slots_of_a_role_apart(tmp_path: Path) -> None:
    first, second = Slot.take(tmp_path, "sink"), Slot.take(tmp_path, "sink")
    assert (first.member, second.member) == ("sink-0", "sink-1")
    first.release()
    first.release()
    with Slot.take(tmp_path, "sink") as again:
        assert again.number == 0
    second.release()


def test_roles_count_on_their_own(tmp_path: Path) -> None:
    with Slot.take(tmp_path, "sink") as one, Slot.take(tmp_path, "worker") as other:
        assert (one.number, other.number) == (0, 0)


def test_a_role_without_a_free_slot_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "SLOTS_MAX", 1)
    with Slot.take(tmp_path, "sink"), pytest.raises(NoSlotError, match="all 1 slots"):
        Slot.take(tmp_path, "sink")


def test_a_role_that_could_leave_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="role"):
        Slot.take(tmp_path, "../sink")
