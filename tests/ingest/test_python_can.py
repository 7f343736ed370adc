"""MF4 costs only those who read one: each claim in a process of its own, since imports are for good."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.ingest.captures import own_drive, write

WITHOUT = """
import sys
import ingest.can.replay, ingest.logs.capture
assert "asammdf" not in sys.modules and "pandas" not in sys.modules
"""
READ = """
from pathlib import Path
from ingest.logs.capture import Capture
print(len(list(Capture(Path(sys.argv[1])).frames())))
"""


def said(program: str, *words: str) -> str:
    argv = [sys.executable, "-c", program, *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("form", ["trc", "asc", "blf"])
def test_other_forms_are_read_without_what_mf4_needs(form: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"drive.{form}", own_drive(10))
    assert said(f"{WITHOUT}{READ}{WITHOUT}", str(path)) == f"{len(own_drive(10))}\n"


def test_an_mf4_is_read_though_python_can_was_loaded_without_it(tmp_path: Path) -> None:
    path = write(tmp_path / "drive.mf4", own_drive(10))
    assert said(f"{WITHOUT}{READ}", str(path)) == f"{len(own_drive(10))}\n"


def test_who_loaded_python_can_before_reads_mf4_too(tmp_path: Path) -> None:
    path = write(tmp_path / "drive.mf4", own_drive(10))
    assert said(f"import can, sys\n{READ}", str(path)) == f"{len(own_drive(10))}\n"
