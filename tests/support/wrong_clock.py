"""A wall clock that a test sets wrong and right again, for one real process while it runs.

Only what the process asks of its C library is changed: file times stay right, and so does the time
since the machine started.
"""

import os
import shlex
import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

_SOURCE: Final = Path(__file__).with_suffix(".c")
_MS_NS: Final = 1_000_000


class WrongClock:
    """The clock of every process that has these variables; right at first."""

    def __init__(self, folder: Path) -> None:
        """Make it in a new folder; skips, saying so, if there is no C compiler."""
        folder.mkdir(parents=True)
        self._library = folder / "wrong_clock.so"
        self._off = folder / "off_ns"
        self._off.write_bytes(bytes(8))
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("a process with a wrong clock needs a C compiler: install cc")
        words = ["-O1", "-shared", "-fPIC", "-o", str(self._library), str(_SOURCE)]
        subprocess.run([compiler, *words], check=True)  # our own words

    @property
    def environment(self) -> Mapping[str, str]:
        """What gives a process this clock."""
        return {"LD_PRELOAD": str(self._library), "WRONG_CLOCK": str(self._off)}

    def put(self, off_ms: int) -> None:
        """Let it be off by so much from now on: ahead if it is above 0."""
        with self._off.open("r+b") as file:  # in place: processes have it in their memory
            os.write(file.fileno(), struct.pack("=q", off_ms * _MS_NS))

    def around(self, program: Path, script: Path) -> Path:
        """A script that runs a program with this clock."""
        words = " ".join(f"{name}={shlex.quote(text)}" for name, text in self.environment.items())
        script.write_text(f'#!/bin/sh\n{words} exec {shlex.quote(str(program))} "$@"\n')
        script.chmod(0o700)
        return script
