"""Going back to a backup: all is made true beside its place, and takes it only then.

In: the settings of an installation without office, ledger and lake; a backup. Out: those, as far as
they may come back; rows in PostgreSQL are made true in a schema beside theirs. While ``_restoring``
lies in the state folder no process starts. Killed before it is ready, a restore begins anew; after,
it goes on with what is left to be moved.
"""

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from office.keyring.keyring import Keyring
from office.replay_memory.items import EPOCH_KEY, key_id
from office.replay_memory.memory import ReplayMemory
from roadfade.backup.beside import NEW_MEMORY, left_beside, memory_of
from roadfade.backup.manifest import Tell, sync_folder
from roadfade.backup.schemas import EVIDENCE, KEYRING, LAKE, LEDGER, MEMORY, OFFICE, POSTGRES
from roadfade.backup.source import Source
from roadfade.backup.steps import Hook, Step, go_on
from roadfade.backup.truing import Today, Trued, make_true
from roadfade.copied_stores import StoreBeside, postgres_beside, refused_if_unusable
from roadfade.kek_holder import kek_holder
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from sinks.lake.durable import write_file
from telemetry.instants import DAY_MS

DONE: Final = "_restored"
"""What that folder becomes once it is empty, and before it goes."""
READY: Final = "ready"
"""In the folder of a restore: which backup it is of, once only places are left to be taken."""
MOVED: Final = (MEMORY, KEYRING, LEDGER, LAKE, POSTGRES, EVIDENCE, OFFICE)
"""In this order: without an office nothing works with the others. In the place of PostgreSQL's rows
stands a note of which copy of them it is."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did."""

    backup: str
    trued: Trued
    destroyed: int
    """Epoch keys that had been destroyed since, and are again."""
    went_on: bool
    """It only took the places that a killed one had left."""


def restore(
    settings: Settings,
    data_dir: Path,
    keys_dir: Path,
    clock: Callable[[], int],
    tell: Tell,
    *,
    lost: bool = False,
    at: Hook = go_on,
) -> Restored:
    """Restore; Refusal if something is there already, or the backup may not be restored. Blocks."""
    with refused_if_unusable():
        return _restore(settings, (data_dir, keys_dir), clock(), tell, lost=lost, at=at)


def _restore(
    settings: Settings,
    folders: tuple[Path, Path],
    now_ms: int,
    tell: Tell,
    *,
    lost: bool,
    at: Hook,
) -> Restored:
    data_dir, keys_dir = folders
    folder = settings.restoring_dir
    if (folder / READY).is_file():
        name, trued = _ready(folder)
        if name != data_dir.name:
            msg = f"a restore of {name} was cut: finish that one first (--from that backup)"
            raise Refusal(msg)
        return Restored(name, trued, _take_places(settings, at), went_on=True)
    source = Source.of(data_dir, keys_dir, now_ms)
    beside = beside_of(settings, source)
    _require_room(settings)
    require_memory(settings, lost=lost)
    _begin(settings)
    try:
        memory = memory_of(settings, folder / NEW_MEMORY, now_ms)
        today = today_of(settings, memory, now_ms, beside, lost=lost)
        trued = make_true(source, folder, today, tell, at)
        if lost:
            memory.begin_anew(now_ms)
            memory.file.rename(folder / MEMORY)
        _write_ready(folder, data_dir.name, trued)
    except Exception:
        # What was refused is no restore under way, and its copies are nobody's to keep. If they
        # cannot be removed, the folder stays: no process starts, and a restore begins anew.
        if beside is None or _gone(beside):
            shutil.rmtree(folder)
        raise
    at(Step.READY)
    return Restored(data_dir.name, trued, _take_places(settings, at), went_on=False)


def beside_of(settings: Settings, source: Source, *, drill: bool = False) -> StoreBeside | None:
    """Where its rows in PostgreSQL are put back to, None if it has none.

    Refusal if the settings name another kind of store: nobody would sweep what is put back.
    """
    if source.has_lake and settings.store == "postgres":
        msg = (
            "the rows of this backup are of a lake, and the settings say that rows lie in "
            "PostgreSQL, so that nobody would end them: set ROADFADE_STORE=lake"
        )
        raise Refusal(msg)
    return postgres_beside(settings, drill=drill) if source.has_postgres else None


def _gone(beside: StoreBeside) -> bool:
    try:
        beside.drop()
    except OSError:
        return False
    return True


def today_of(
    settings: Settings,
    memory: ReplayMemory,
    now_ms: int,
    beside: StoreBeside | None,
    *,
    lost: bool = False,
) -> Today:
    """What there is beside the backup."""
    return Today(
        memory,
        settings.keyring_path,
        kek_holder(settings),
        settings.lake_compression,
        now_ms,
        settings.replay_days * DAY_MS,
        beside,
        lost,
    )


def require_memory(settings: Settings, *, lost: bool = False) -> None:
    """Refusal if it is not there, or is although it is said to be lost."""
    file = settings.suppressions_path
    if lost and file.is_file():
        msg = (
            f"{MEMORY} is in {settings.state_dir}, so it is not lost: leave --memory-lost out, or "
            "move it away if it is of another office"
        )
        raise Refusal(msg)
    if not lost and not file.is_file():
        msg = (
            f"there is no {MEMORY} in {settings.state_dir}, which remembers what was removed since "
            "the backup: put the one of the office that was lost there. If that is lost, too: "
            "--memory-lost restores no rows, and ends every link and consent"
        )
        raise Refusal(msg)


def _require_room(settings: Settings) -> None:
    if settings.rebuilding_dir.exists():
        msg = (
            f"a rebuild of the office in {settings.state_dir} was cut, or is at work: finish it "
            f"(`roadfade office rebuild`), or remove {settings.rebuilding_dir.name} there first"
        )
        raise Refusal(msg)
    there = [
        path.name
        for path in (settings.office_path, settings.ledger_path, settings.lake_dir)
        if path.exists()
    ]
    staying = (settings.keyring_path, settings.consent_evidence_path)
    lost = [path for path in staying if not path.exists()]
    for path in (settings.office_path, settings.ledger_path, *lost):
        there += left_beside(path)
    if there:
        msg = (
            f"{', '.join(there)} in {settings.state_dir} would be replaced: stop every process, "
            "move these away, and leave the rest (kek, keyring, suppressions, consent_evidence) "
            "where it is"
        )
        raise Refusal(msg)
    if settings.store == "postgres":  # also if the backup has no rows to be put there
        postgres_beside(settings).require_room()


def _begin(settings: Settings) -> None:
    """An empty folder; what a killed restore left in it was not ready, and goes."""
    folder = settings.restoring_dir
    if (folder / POSTGRES).exists():  # also if there is nothing to put back this time
        postgres_beside(settings).drop()
    for one in (folder, settings.state_dir / DONE):
        if one.exists():
            shutil.rmtree(one)
    folder.mkdir(mode=0o700, parents=True)
    sync_folder(folder.parent)


def _write_ready(folder: Path, name: str, trued: Trued) -> None:
    made = folder / f"{READY}.new"
    write_file(made, msgspec.json.encode({"backup": name, "trued": trued}))
    sync_folder(folder)
    made.replace(folder / READY)
    sync_folder(folder)


class _Ready(msgspec.Struct, frozen=True):
    backup: str
    trued: Trued


def _ready(folder: Path) -> tuple[str, Trued]:
    found = msgspec.json.decode((folder / READY).read_bytes(), type=_Ready)
    return found.backup, found.trued


def _take_places(settings: Settings, at: Hook) -> int:
    """Move what is left, then destroy again what had been; how many keys that were."""
    folder, destroyed = settings.restoring_dir, 0
    for name in MOVED:
        if name == POSTGRES:
            _take_place_of_rows(settings, at)
        elif (folder / name).exists():
            target = settings.state_dir / name
            if name == EVIDENCE and target.exists():  # made since, or by a restore that was killed
                (folder / name).unlink()
                continue
            there = [name] if target.exists() else left_beside(target)
            if there:
                msg = (
                    f"{', '.join(there)} came into {settings.state_dir} meanwhile: move it away, "
                    "and repeat"
                )
                raise Refusal(msg)
            (folder / name).rename(target)
            sync_folder(settings.state_dir)
            at(Step.MOVED)
        if name == KEYRING:
            destroyed = _destroy_again(settings)
    folder.rename(settings.state_dir / DONE)  # from here on processes may start
    sync_folder(settings.state_dir)
    shutil.rmtree(settings.state_dir / DONE)
    return destroyed


def _take_place_of_rows(settings: Settings, at: Hook) -> None:
    note = settings.restoring_dir / POSTGRES
    if note.exists():
        postgres_beside(settings).take_place(note.read_text())
        note.unlink()
        sync_folder(note.parent)
        at(Step.MOVED)


def _destroy_again(settings: Settings) -> int:
    """Epoch keys that were destroyed since; before anything could use them."""
    if not settings.keyring_path.is_file():
        return 0
    with closing(Keyring.open(settings.keyring_path, kek_holder(settings))) as keyring:
        live = [name for name, state in keyring.states().items() if state == "live"]
        with ReplayMemory(settings.suppressions_path).known() as known:
            gone = [name for name in live if known.ended(EPOCH_KEY, key_id(*name)) is not None]
        if gone:
            keyring.destroy(gone)
    return len(gone)
