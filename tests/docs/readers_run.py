"""What a reader of the pages has: a clone, ``make run`` in one terminal, and a second one.

In: a broker. Out: a handle that carries out blocks as that second terminal does. It blocks.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from roadfade.local.child_process import ManagedProcess
from roadfade.local.prometheus import find_program
from roadfade.settings import Settings
from tests.docs.pages import REPOSITORY, Block, marked
from tests.support.road import Road

START_S_MAX = 180.0
STOP_S_MAX = 120.0
KEPT_S_MAX = 60.0
BLOCK_S_MAX = 120.0
RUNS = ("--vehicles", "1")
"""A small fleet: the machine has tests to run."""
QUICK = {"ROADFADE_HEARTBEAT_EVERY_S": "1", "ROADFADE_SINK_BATCH_S": "2"}
"""What is waited for comes sooner; all else is a run's own."""
STARTED = "join in     source "
OWN_CODE = "P0303"
"""The trouble code that the README's vehicle has and the fleet has not."""
CURL = """#!/bin/sh
exec {python} -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[-1]).read().decode())' "$@"
"""


class ReadersRun:
    """The clone, and the run that its second terminal joins."""

    def __init__(self, clone: Path, broker: str) -> None:
        self.clone = clone
        self.log = clone / "run.log"
        tools = clone / "tools"
        kept = {name: text for name, text in os.environ.items() if name.startswith("PYTHON")}
        self._clean = {
            **kept, "PATH": f"{tools}:/usr/bin:/bin", "HOME": str(clone), "LANG": "C.UTF-8",
            "COLUMNS": "200",
        }  # fmt: skip
        self._join = next(one.text for one in marked("README.md") if one.name == "join")
        self._road = Road(Settings(state_dir=clone / ".state" / "run"))
        self._run = ManagedProcess(
            [str(clone / ".venv" / "bin" / "roadfade"), "run", *RUNS],
            self.log,
            self._clean
            | QUICK
            | {"KAFKA_BOOTSTRAP_SERVERS": broker, "ROADFADE_STATE_DIR": str(clone / ".state")},
        )

    def started(self) -> None:
        """Wait until the run says how others join in."""
        self._wait(lambda: STARTED in self.log.read_text(), START_S_MAX)

    def kept_own(self) -> bool:
        """Whether the README's vehicle is in the lake, for the purpose that the README reads."""
        codes = "SELECT text FROM readings WHERE signal = 'Vehicle.OBD.DTCList'"
        return any(OWN_CODE in text for (text,) in self._road.rows("product_rnd", codes))

    def wait_kept(self) -> None:
        """Wait until it is."""
        self._wait(self.kept_own, KEPT_S_MAX)

    def _wait(self, done: Any, seconds_max: float) -> None:
        deadline = time.monotonic() + seconds_max
        while not done():
            assert self._run.exit_code is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def carried_out(self, block: Block, **environment: str) -> str:
        """What a block says, run in a shell that has joined in and knows nothing else."""
        if block.language == "python":
            file = self.clone / f"{block.name}.py"
            file.write_text(block.text)
            text = f"python {file.name}"
        else:
            text = block.text
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", f"{self._join}\n{text}"],
            env=self._clean | environment, cwd=self.clone, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=BLOCK_S_MAX, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (block.name, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def ended(self) -> tuple[int, str]:
        """End the run as Ctrl-C does; its exit code and all that it said."""
        code = self._run.stop(STOP_S_MAX)
        return code, self.log.read_text()

    def kill(self) -> None:
        """End it whatever it does."""
        self._run.kill()


def _cloned(folder: Path) -> None:
    """The repository's files under their own names, the installed .venv, and the tools."""
    for entry in REPOSITORY.iterdir():
        if not entry.name.startswith("."):
            (folder / entry.name).symlink_to(entry)
    (folder / ".venv").symlink_to(sys.prefix)
    tools = folder / "tools"
    tools.mkdir()
    promtool = find_program("promtool")
    assert promtool is not None, "make test installs promtool"
    (tools / "promtool").symlink_to(promtool)
    if shutil.which("curl") is None:
        (tools / "curl").write_text(CURL.format(python=sys.executable))
        (tools / "curl").chmod(0o755)


@contextmanager
def readers_run(broker: str, folder: Path) -> Iterator[ReadersRun]:
    """A run that has started; it ends with the block, in the order that it promises."""
    _cloned(folder)
    run = ReadersRun(folder, broker)
    try:
        run.started()
        yield run
        code, said = run.ended()
        assert code == 0, said
        stopped = [
            said.index(f"stopping {role} …") for role in ("worker", "sink", "sweep", "office")
        ]
        assert stopped == sorted(stopped)
        assert "everything has stopped" in said
    finally:
        run.kill()
