"""The environments that peers of other engines run in: made when first needed, kept in the cache.

Out: the command that runs a peer, or AbsentError with the reason why it cannot be run here. Nothing
is installed for the machine: Python packages go into a virtual environment of each engine's own,
jars and classes into a folder of the cache.
"""

import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from roadfade.local.failure import LocalError
from roadfade.local.java import CACHE, find_java

HERE: Final = Path(__file__).parent
ROOM: Final = CACHE / "bench"
MAKING_S_MAX: Final = 900
REASON_CHARACTERS_MAX: Final = 200


class AbsentError(Exception):
    """A peer cannot be run on this machine; the text says why."""


def python_command(engine: str, module: str) -> list[str]:
    """The command of a peer in an environment of its own."""
    wanted = HERE / f"requirements-{engine}.txt"
    folder = ROOM / engine

    def make() -> None:
        venv.create(folder, clear=True, with_pip=True)
        _do([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "-r", wanted])

    _made_once(folder, [wanted], make)
    return [str(folder / "bin" / "python"), "-m", module]


def java_command(main_class: str) -> list[str]:
    """The command of a peer in Java; Maven fetches its jars and compiles it."""
    project = HERE / "kafka_streams"
    folder = ROOM / "kafka-streams"
    sources = [project / "pom.xml", *sorted(project.rglob("*.java"))]

    def make() -> None:
        maven = shutil.which("mvn")
        if maven is None:
            msg = "Maven is not installed"
            raise AbsentError(msg)
        shutil.rmtree(folder, ignore_errors=True)
        _do([maven, "-q", "-B", "-Dstyle.color=never", "-f", project / "pom.xml",
             f"-Dbench.folder={folder}", "package"])  # fmt: skip

    _made_once(folder, sources, make)
    try:
        java = find_java()
    except LocalError as missing:
        raise AbsentError(str(missing)) from None
    return [str(java), "-cp", f"{folder / 'classes'}:{folder / 'libs'}/*", main_class]


def _made_once(folder: Path, sources: Iterable[Path], make: Callable[[], None]) -> None:
    """Make what a folder holds, unless it was made of just these files by this Python."""
    digest = hashlib.sha256(sys.version.encode())
    for source in sources:
        digest.update(source.read_bytes())
    stamp = folder / ".made-of"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    make()
    stamp.write_text(digest.hexdigest())


def _do(command: list[str | Path]) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=MAKING_S_MAX, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as failure:
        msg = f"{Path(command[0]).name} did not run: {type(failure).__name__}"
        raise AbsentError(msg) from None
    if done.returncode:
        raise AbsentError(reason_in(done.stdout, f"{Path(command[0]).name} failed"))


def reason_in(output: str, before: str) -> str:
    """A reason of one line: the first that tells of an error, without the paths in it."""
    lines = [line for line in output.splitlines() if "error" in line.lower()]
    told = " ".join(word for word in (lines or [""])[0].split() if "/" not in word)
    return f"{before}: {told}"[:REASON_CHARACTERS_MAX].rstrip(": ")
