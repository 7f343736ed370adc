"""The backups that are kept, and their end. Reaches no register: the sweep calls it.

A backup is two folders of one name: data in one place, what opens it in another. It is one if both
have a manifest; it ends by its own date. Ending takes the keys first, so that a process that dies
in between leaves nothing that can be read by pseudonym.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from roadfade.backup import manifest as manifests
from roadfade.backup.manifest import Manifest
from roadfade.backup.steps import Hook, Step, go_on
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from telemetry.instants import DAY_MS, to_datetime, to_ms

MAKING: Final = "_making-"
ENDED: Final = "_ended-"
"""Beginnings of names of what is no backup: not yet, or no more."""
_NAME: Final = re.compile(r"\d{8}T\d{6}\.\d{3}Z")
_FORM: Final = "%Y%m%dT%H%M%S.%fZ"
_LOCK: Final = ".lock"


@dataclass(frozen=True, slots=True)
class Places:
    """Where backups are kept: data here, what opens them there."""

    data: Path
    keys: Path


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup, by its name."""

    name: str
    data: Path
    keys: Path
    manifest: Manifest | None
    """None: it cannot be read, so that nothing is restored from it."""
    has_keys: bool

    @property
    def made_ms(self) -> int:
        """When it was made, by its name: milliseconds UTC."""
        return made_of(self.name)

    def ends_ms(self, keep_ms: int) -> int:
        """When it ends; if it does not say so itself, ``keep_ms`` after it was made."""
        return self.made_ms + keep_ms if self.manifest is None else self.manifest.ends_ms


def places_of(settings: Settings) -> Places | None:
    """Those that the settings name; None: they name none."""
    if settings.backup_dir is None or settings.backup_keys_dir is None:
        return None
    return Places(settings.backup_dir, settings.backup_keys_dir)


def keep_ms_of(settings: Settings) -> int:
    """How long a backup is kept: never longer than it is remembered what was removed since."""
    return min(settings.backup_keep_days, settings.replay_days) * DAY_MS


def name_of(made_ms: int) -> str:
    """The name of a backup made then."""
    moment = to_datetime(made_ms).astimezone(UTC)
    return f"{moment:%Y%m%dT%H%M%S}.{made_ms % 1000:03d}Z"


def made_of(name: str) -> int:
    """When a backup of this name was made."""
    return to_ms(datetime.strptime(name, _FORM).replace(tzinfo=UTC))


def backups(places: Places) -> list[Backup]:
    """All that are kept, the oldest first. OSError if the folder cannot be read.

    A folder that is not there holds none.
    """
    found = []
    for name in _names(places.data):
        data, keys = places.data / name, places.keys / name
        found.append(Backup(name, data, keys, _read(data), _read(keys) is not None))
    return found


def last_end_ms(places: Places, keep_ms: int) -> int | None:
    """When the last of all that are there ends, and of those being made; None: there is none.

    OSError if a place is not there or cannot be read: then nobody knows.
    """
    found = [one.ends_ms(keep_ms) for one in backups(places)]
    for folder in (places.data, places.keys):
        for path in folder.iterdir():
            name = path.name.removeprefix(MAKING)
            if _is_name(name):
                found.append(made_of(name) + keep_ms)
    return max(found, default=None)


def newest_whole(places: Places) -> Backup:
    """The newest one that can be read, with its keys; Refusal if there is none."""
    for one in reversed(backups(places)):
        if one.manifest is not None and one.has_keys:
            return one
    msg = f"there is no whole backup in {places.data}: make one (roadfade backup create)"
    raise Refusal(msg)


def ended(places: Places, keep_ms: int, now_ms: int) -> list[str]:
    """The names of those that have ended and are still there, keys alone among them."""
    names = {one.name for one in backups(places) if one.ends_ms(keep_ms) <= now_ms}
    for name in _names(places.keys):
        said = _read(places.keys / name)
        ends_ms = made_of(name) + keep_ms if said is None else said.ends_ms
        if ends_ms <= now_ms:
            names.add(name)
    return sorted(names)


def expire(places: Places, keep_ms: int, now_ms: int, at: Hook = go_on) -> list[str]:
    """Remove what has ended, and what a killed process left half done; the names that are gone.

    Blocks. Refusal while a backup is being made. What cannot be removed keeps nothing else: the
    first OSError is raised once all is tried.
    """
    failures: list[OSError] = []
    with held(places):
        _each(failures, _away, _unfinished(places))
        gone = ended(places, keep_ms, now_ms)
        for name in gone:  # no data opens any more, whatever happens to the first of it
            _each(failures, _remove, [places.keys / name])
            at(Step.KEYS_ENDED)
        _each(failures, _remove, [places.data / name for name in gone])
    if failures:
        raise failures[0]
    return gone


def clear(places: Places) -> None:
    """Remove what is no backup, not yet or no more; for who holds the places."""
    for path in _unfinished(places):
        _away(path)


def unfinished(places: Places) -> bool:
    """Whether there is something that is no backup: being made, or left by who was killed."""
    return bool(_unfinished(places))


def _unfinished(places: Places) -> list[Path]:
    return [
        path
        for folder in (places.keys, places.data)
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.name.startswith((MAKING, ENDED))
    ]


def _each(failures: list[OSError], work: Callable[[Path], None], paths: list[Path]) -> None:
    for path in paths:
        try:
            work(path)
        except OSError as error:
            failures.append(error)


@contextmanager
def held(places: Places) -> Iterator[None]:
    """Keep every other process from making or ending backups there; Refusal while one does."""
    handles = []
    try:
        for folder in (places.data, places.keys):
            if folder.is_dir():
                handles.append(os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600))
                fcntl.flock(handles[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        msg = f"a backup is being made or ended in {places.data}: try again when that is done"
        raise Refusal(msg) from None
    finally:
        for handle in handles:
            os.close(handle)


def _remove(path: Path) -> None:
    folder, gone = path.parent, path.with_name(f"{ENDED}{path.name}")
    if os.path.lexists(path):
        path.replace(gone)  # from here on it is no backup, whatever dies
        manifests.sync_folder(folder)
        _away(gone)
        manifests.sync_folder(folder)


def _away(path: Path) -> None:
    """Remove a folder; of a link, the link alone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _names(folder: Path) -> list[str]:
    """The names of backups in a folder, in order; none if it is not there."""
    try:
        return sorted(one.name for one in folder.iterdir() if _is_name(one.name))
    except FileNotFoundError:
        return []


def _is_name(name: str) -> bool:
    try:
        return _NAME.fullmatch(name) is not None and made_of(name) is not None
    except ValueError:  # no instant
        return False


def _read(folder: Path) -> Manifest | None:
    try:
        return manifests.read(folder)
    except Refusal:
        return None
