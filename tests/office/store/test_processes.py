"""Several processes at once, as workers and the office are."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from office.outbox import Outbox
from office.store.database import Database
from tests.office.conftest import Topics

REPOSITORY = Path(__file__).parents[3]

ENSURE = """
import hashlib, sys
from pathlib import Path
from office.keyring.kek import FileKek
from office.keyring.keyring import Keyring
folder = Path(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
ring = Keyring.open(folder / "keyring.sqlite", FileKek(folder / "kek"))
digest = hashlib.sha256()
for number in range(30):
    name = ("improve", "team", f"epoch-{number}")
    digest.update(ring.ensure([name])[name])
ring.close()
print(digest.hexdigest(), flush=True)
"""

REGISTER = """
import asyncio, sys
from pathlib import Path
from office.store.database import Database
from office.registry.registry import Registry
from telemetry.identity import DeviceId, SubjectId
folder, who = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
async def main():
    database = await Database.create(Path(folder) / "office.sqlite")
    registry = Registry(database)
    for number in range(20):
        await registry.register(DeviceId(f"{who}-{number}"), SubjectId(who), number)
    print("done", flush=True)
    await database.close()
asyncio.run(main())
"""


@contextmanager
def at_once(program: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "error", "-c", program, *arguments]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process


def race(program: str, *each: tuple[str, ...]) -> list[str]:
    """Start one process per argument list, let them all go at once, and take their answers."""
    with ExitStack() as stack:
        processes = [stack.enter_context(at_once(program, *arguments)) for arguments in each]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = [process.communicate()[0].strip() for process in processes]
        assert [process.returncode for process in processes] == [0] * len(processes)
        return answers


def test_processes_that_ensure_the_same_keys_at_once_get_the_same_keys(tmp_path: Path) -> None:
    folder = str(tmp_path)
    answers = race(ENSURE, (folder,), (folder,), (folder,))
    assert len(set(answers)) == 1
    assert len(answers[0]) == 64


def test_processes_that_open_and_write_the_office_at_once_all_succeed(tmp_path: Path) -> None:
    folder = str(tmp_path)
    assert race(REGISTER, (folder, "ana"), (folder, "ben")) == ["done", "done"]
    topics = Topics()
    assert asyncio.run(_drained(folder, topics)) == 80
    assert len(topics.seen()) == 80


async def _drained(folder: str, topics: Topics) -> int | None:
    database = await Database.create(Path(folder) / "office.sqlite")
    try:
        return await Outbox(database).drain(topics.publish)
    finally:
        await database.close()
