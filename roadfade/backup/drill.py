"""A restore that is tried and thrown away: whether the newest backup would be of use today.

In: the settings, a backup. Out: what a restore would bring, how long it took, whether anything that
was removed would come back. Nothing of the installation changes but the note of the drill.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from office.replay_memory.memory import ReplayMemory
from office.restored.amend import amend
from office.restored.amended import Amended, Since
from office.restored.commands import living_commands
from office.store.database import Database
from roadfade.backup.drill_folder import FOLDER, IN_POSTGRES, clear
from roadfade.backup.kept import Backup
from roadfade.backup.manifest import Tell, sync_folder
from roadfade.backup.note import Note, note
from roadfade.backup.restoring import beside_of, require_memory, today_of
from roadfade.backup.schemas import LAKE, MEMORY, OFFICE
from roadfade.backup.sole_work import sole_work
from roadfade.backup.source import Source
from roadfade.backup.steps import go_on
from roadfade.backup.truing import Trued, make_true
from roadfade.copied_stores import StoreBeside, drop_drilled, lake_in, refused_if_unusable
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.stores import HeldStore
from sinks.port.selection import Selection
from telemetry.wire.erasure import EraseCommand


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill found."""

    backup: str
    trued: Trued
    found_again: int
    """Rows of the store and of the office that a second look would still remove: 0."""
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether a restore would bring nothing back that was removed."""
        return self.found_again == 0 and self.trued.left == 0


def drill(settings: Settings, backup: Backup, clock: Callable[[], int], tell: Tell) -> Drilled:
    """Try it; Refusal if the backup cannot be restored, or another drill is at work.

    Its copy is gone when this returns, in PostgreSQL, too.
    """
    with sole_work(settings.state_dir) as sole, refused_if_unusable():
        if not sole:
            msg = f"another drill is at work in {settings.state_dir}: try again when it is done"
            raise Refusal(msg)
        return _drill(settings, backup, clock, tell)


def _drill(settings: Settings, backup: Backup, clock: Callable[[], int], tell: Tell) -> Drilled:
    now_ms, begun = clock(), time.monotonic()
    held = False
    drop = partial(drop_drilled, settings)
    folder = settings.state_dir / FOLDER
    clear(folder, drop)
    try:
        source = Source.of(backup.data, backup.keys, now_ms)
        beside = beside_of(settings, source, drill=True)
        require_memory(settings)
        folder.mkdir(mode=0o700)
        if beside is not None:
            (folder / IN_POSTGRES).touch()
            sync_folder(folder)
        memory = _memory(settings, folder)
        copy = folder / "copy"
        copy.mkdir(mode=0o700)
        today = today_of(settings, memory, now_ms, beside)
        trued = make_true(source, copy, today, tell, go_on)
        again = asyncio.run(_again(copy, source, memory, beside, now_ms))
        found = Drilled(backup.name, trued, again, time.monotonic() - begun)
        held = found.holds
    finally:
        try:
            clear(folder, drop)
        finally:
            note(settings.state_dir, Note(now_ms, backup.name, held))
    return found


def _memory(settings: Settings, folder: Path) -> ReplayMemory:
    """A copy of the office's memory: a backup's is merged into it."""
    copied = folder / MEMORY
    ReplayMemory(settings.suppressions_path).copy_whole(copied)
    return ReplayMemory(copied)


async def _again(
    copy: Path, source: Source, memory: ReplayMemory, beside: StoreBeside | None, now_ms: int
) -> int:
    """What a second look finds to remove; not by what the first one said of itself."""
    async with Database.opened(copy / OFFICE) as database:
        with memory.known() as known:
            done = await amend(database, known, Since(source.data.made_ms, now_ms))
        commands = await living_commands(database, now_ms)
    found = _of_office(done)
    store = beside.store() if beside is not None else None
    if (copy / LAKE).is_dir():
        store = lake_in(copy / LAKE, "zstd")
    if store is not None:
        found += await asyncio.to_thread(_in_store, store, commands, now_ms)
    return found


def _of_office(done: Amended) -> int:
    return done.persons + done.gone + done.ended


def _in_store(store: HeldStore, commands: list[EraseCommand], now_ms: int) -> int:
    meant = [store.locate(one.output, Selection.of(one)) for one in commands]
    overdue = sum(one.files for one in store.overdue(now_ms))
    return overdue + sum(one.rows + one.unreadable for one in meant)
