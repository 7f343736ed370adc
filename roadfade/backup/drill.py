"""A restore that is tried and thrown away: whether the newest backup would be of use today.

In: the settings, a backup. Out: what a restore would bring, how long it took, whether anything that
was removed would come back. Nothing of the installation changes but the note of the drill.
"""

import asyncio
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from office.replay_memory.memory import ReplayMemory
from office.restored.amend import amend
from office.restored.amended import Amended, Since
from office.restored.commands import living_commands
from office.store.database import Database
from roadfade.backup.drill_folder import FOLDER, sole_drill
from roadfade.backup.kept import Backup
from roadfade.backup.manifest import Tell
from roadfade.backup.note import Note, note
from roadfade.backup.restoring import require_memory, today_of
from roadfade.backup.schemas import LAKE, MEMORY, OFFICE
from roadfade.backup.source import Source
from roadfade.backup.steps import go_on
from roadfade.backup.truing import Trued, make_true
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.stores import lake_in
from sinks.port.selection import Selection
from telemetry.wire.erasure import EraseCommand


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill found."""

    backup: str
    trued: Trued
    found_again: int
    """Rows in the lake, and rows of the office, that a second look would still remove: 0."""
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether a restore would bring nothing back that was removed."""
        return self.found_again == 0 and self.trued.left == 0


def drill(settings: Settings, backup: Backup, clock: Callable[[], int], tell: Tell) -> Drilled:
    """Try it; Refusal if the backup cannot be restored, or another drill is at work.

    Its copy is gone when this returns.
    """
    with sole_drill(settings.state_dir) as sole:
        if not sole:
            msg = f"another drill is at work in {settings.state_dir}: try again when it is done"
            raise Refusal(msg)
        return _drill(settings, backup, clock, tell)


def _drill(settings: Settings, backup: Backup, clock: Callable[[], int], tell: Tell) -> Drilled:
    now_ms, begun = clock(), time.monotonic()
    held = False
    folder = settings.state_dir / FOLDER
    if folder.exists():
        shutil.rmtree(folder)
    try:
        source = Source.of(backup.data, backup.keys, now_ms)
        require_memory(settings)
        folder.mkdir(mode=0o700)
        memory = _memory(settings, folder)
        copy = folder / "copy"
        copy.mkdir(mode=0o700)
        trued = make_true(source, copy, today_of(settings, memory, now_ms), tell, go_on)
        again = asyncio.run(_again(copy, source, memory, now_ms))
        found = Drilled(backup.name, trued, again, time.monotonic() - begun)
        held = found.holds
    finally:
        if folder.exists():
            shutil.rmtree(folder)
        note(settings.state_dir, Note(now_ms, backup.name, held))
    return found


def _memory(settings: Settings, folder: Path) -> ReplayMemory:
    """A copy of the office's memory: a backup's is merged into it."""
    copied = folder / MEMORY
    ReplayMemory(settings.suppressions_path).copy_whole(copied)
    return ReplayMemory(copied)


async def _again(copy: Path, source: Source, memory: ReplayMemory, now_ms: int) -> int:
    """What a second look finds to remove; not by what the first one said of itself."""
    async with Database.opened(copy / OFFICE) as database:
        with memory.known() as known:
            done = await amend(database, known, Since(source.data.made_ms, now_ms))
        commands = await living_commands(database, now_ms)
    found = _of_office(done)
    if (copy / LAKE).is_dir():
        found += await asyncio.to_thread(_in_lake, copy / LAKE, commands, now_ms)
    return found


def _of_office(done: Amended) -> int:
    return done.persons + done.gone + done.ended


def _in_lake(root: Path, commands: list[EraseCommand], now_ms: int) -> int:
    lake = lake_in(root, "zstd")
    meant = [lake.locate(one.output, Selection.of(one)) for one in commands]
    overdue = sum(one.files for one in lake.overdue(now_ms))
    return overdue + sum(one.rows + one.unreadable for one in meant)
