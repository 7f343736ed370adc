"""The road of another version: its processes and commands, over the state and topics of ours.

In: a commit, a folder, settings. Out: a road whose every process and command is that commit's. Its
Python environment is ours, and so is the core, which both have to know.
"""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from policy.plan.plan import Plan
from roadfade.demo.process_group import child_environment
from roadfade.settings import Settings
from tests.support.pace import plan_of
from tests.support.road import Answer, Road

HERE: Final = Path(__file__).parents[2]


def tree_of(revision: str, into: Path) -> Path:
    """The files of a commit, written into a folder."""
    packed = subprocess.run(
        ["git", "archive", "--format=tar", revision],  # whichever git is there
        cwd=HERE, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    into.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(into, filter="data")
    return into


class RoadOf(Road):
    """Processes and commands of one tree of the project; blocks as ``Road`` does."""

    def __init__(self, settings: Settings, tree: Path) -> None:
        super().__init__(settings)
        parts = (tree / "roadfade").glob("*settings.py")
        if not any("kek_beside_keyring" in part.read_text() for part in parts):
            self.settings = settings  # a program of before refuses a setting that it does not know
        self._tree = tree
        found = subprocess.run(
            [sys.executable, "-c", "import roadfade; print(roadfade.__file__)"],
            env=dict(self.environment), stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        assert Path(found.stdout.strip()).is_relative_to(tree), "the tree's own program"

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes Python take the tree's modules, and no others of the project."""
        return {
            "PYTHONPATH": str(self._tree),
            "PYTHONSAFEPATH": "1",
            "PYTHONPYCACHEPREFIX": str(self._tree / ".pyc_local"),
            "COLUMNS": "200",
        }

    def spawn(self, name: str) -> None:
        """As ``Road.spawn``."""
        self.elsewhere[name] = dict(self.environment)
        super().spawn(name)

    def cli(self, *words: str) -> Answer:
        """Run one command of the tree in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "roadfade", *words],
            env={**os.environ, **child_environment(self.settings), **self.environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Answer(done.returncode, done.stdout, done.stderr)

    def did(self, *words: str) -> Answer:
        """Run a command that has to end well."""
        done = self.cli(*words)
        assert done.code == 0, (words, done.out[-2_000:], done.err[-2_000:])
        return done

    def last_words(self, name: str) -> str:
        """The last line of a process's log."""
        lines = (self.settings.state_dir / f"{name}.log").read_text().splitlines()
        return lines[-1] if lines else ""

    def _plan(self) -> Plan:
        # Asking the office which policy is in force would open its database with our program.
        return plan_of(self.settings)
