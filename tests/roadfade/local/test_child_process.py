"""Child processes that must not outlive us."""

import subprocess
import sys
from pathlib import Path

import psutil

from roadfade.local.child_process import LOG_MAX_BYTES, ManagedProcess

_PARENT = """
import os, signal, sys
from pathlib import Path
from roadfade.local.child_process import ManagedProcess
child = ManagedProcess(["sleep", "600"], Path(sys.argv[1]))
print(child.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_child_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _PARENT, str(tmp_path / "log")],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    pid = int(told.stdout)
    if psutil.pid_exists(pid):
        _, alive = psutil.wait_procs([psutil.Process(pid)], timeout=10)
        assert alive == []


def test_a_child_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    script = "trap '' TERM; echo ready; while :; do sleep 600; done"
    child = ManagedProcess(["/bin/sh", "-c", script], tmp_path / "log")
    while "ready" not in (tmp_path / "log").read_text():
        assert child.exit_code is None
    assert child.stop(deadline_s=0.1) == -9
    assert not psutil.pid_exists(child.pid)


def test_stopping_twice_is_stopping_once(tmp_path: Path) -> None:
    child = ManagedProcess(["sleep", "600"], tmp_path / "log")
    assert child.stop(deadline_s=10) == child.stop(deadline_s=10) == -15


def test_what_the_child_says_is_in_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for word in ("first", "second"):
        assert ManagedProcess(["/bin/echo", word], log).wait() == 0
    assert log.read_text() == "first\nsecond\n"


def test_a_log_does_not_grow_for_ever(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * (LOG_MAX_BYTES + 1))
    assert ManagedProcess(["/bin/echo", "new"], log).wait() == 0
    assert log.read_text() == "new\n"
