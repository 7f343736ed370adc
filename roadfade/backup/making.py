"""Making a backup, beside processes that work: data into one folder, what opens it into another.

In: the settings, two folders. Out: a backup, or nothing that looks like one. Rows are copied first,
out of the lake or PostgreSQL, then what leads to them: a row without its link or key could be found
by nobody. The memory of what was removed is copied last. The KEK is in no backup, nor are topics.
"""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from office.replay_memory.memory import ReplayMemory
from office.store.file_faults import in_words
from roadfade.backup import kept, room, schemas
from roadfade.backup.kept import MAKING, Places
from roadfade.backup.manifest import Manifest, Tell, describe, sync_folder
from roadfade.backup.schemas import EVIDENCE, KEYRING, LAKE, LEDGER, MEMORY, OFFICE, POSTGRES
from roadfade.backup.steps import Hook, Step, go_on
from roadfade.copied_stores import copy_of_lake, copy_of_postgres
from roadfade.refusal import NotReady, Refusal
from roadfade.settings import Settings

_WAIT_S: Final = 30.0
_COUNTED: Final = ("links", "consents", "restrictions", "events", "erasures", "receipts")


@dataclass(slots=True)
class _Facts:
    """What a manifest says beside its files."""

    schemas: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    policy_version: int | None = None

    @property
    def said(self) -> tuple[int | None, dict[str, int], dict[str, int]]:
        """In the order of a manifest."""
        return self.policy_version, self.schemas, self.counts


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made."""

    places: Places
    data: Manifest
    keys: Manifest
    warnings: tuple[str, ...] = ()


def make(
    settings: Settings,
    places: Places,
    clock: Callable[[], int],
    tell: Tell,
    at: Hook = go_on,
) -> Made:
    """Make one. Blocks, for as long as copying takes.

    Refusal if the folders are not apart or too small, there is no office, or another backup is
    being made. One that fails leaves nothing.
    """
    if not settings.office_path.is_file():
        msg = (
            f"there is no office in {settings.state_dir}: name the state folder of the one that "
            "you mean (ROADFADE_STATE_DIR)"
        )
        raise NotReady(msg)
    for folder in (places.data, places.keys):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_apart(settings, places)
    with kept.held(places):
        kept.clear(places)
        room.require_room(settings, places)
        try:
            made = _Making(settings, places, clock(), tell, at).run()
        except Exception:
            with suppress(OSError):  # what failed is what counts, and the next sweep clears, too
                kept.clear(places)
            raise
    return replace(made, warnings=room.shared_disks(settings, places))


def require_apart(settings: Settings, places: Places) -> None:
    """Refusal if keys would lie beside data, or either beside what it is a copy of."""
    data, keys, state = (one.resolve() for one in (places.data, places.keys, settings.state_dir))
    if _touch(data, keys):
        msg = (
            "the keys of a backup would lie beside its data: name two folders of which neither "
            "lies in the other, best on two disks"
        )
        raise Refusal(msg)
    if any(one == state or state in one.parents for one in (data, keys)):
        msg = "a backup in the state folder is lost with it: name folders elsewhere"
        raise Refusal(msg)


def _touch(one: Path, other: Path) -> bool:
    return one.samefile(other) or one in other.parents or other in one.parents


class _Making:
    """One backup on its way."""

    def __init__(
        self, settings: Settings, places: Places, now_ms: int, tell: Tell, at: Hook
    ) -> None:
        self._settings = settings
        self._places = places
        self._now_ms = now_ms
        self._tell = tell
        self._at = at
        self._name = kept.name_of(now_ms)
        self._data, self._keys = _Facts(), _Facts()

    def run(self) -> Made:
        """Copy, describe, and give it its name last."""
        # Known before anything is copied: what is removed meanwhile is remembered.
        memory = ReplayMemory.made(self._settings.suppressions_path, self._now_ms)
        made_ms = memory.moment(self._now_ms)
        data = self._begun(self._places.data)
        keys = self._begun(self._places.keys)
        self._copy_rows(data)
        self._at(Step.ROWS_COPIED)
        self._copy_data(data)
        self._at(Step.OFFICE_COPIED)
        self._copy_keys(keys, memory)
        self._at(Step.KEYS_COPIED)
        for folder in (data, keys):
            _for_owner_alone(folder)
        span = made_ms, self._now_ms + kept.keep_ms_of(self._settings)
        of_data = describe(data, "data", self._name, span, self._data.said, self._tell)
        of_keys = describe(keys, "keys", self._name, span, self._keys.said, lambda _d, _t: None)
        self._at(Step.DESCRIBED)
        _name_it(keys, self._places.keys / self._name)
        self._at(Step.KEYS_NAMED)
        _name_it(data, self._places.data / self._name)
        self._at(Step.NAMED)
        return Made(self._places, of_data, of_keys)

    def _begun(self, folder: Path) -> Path:
        path = folder / f"{MAKING}{self._name}"
        path.mkdir(mode=0o700)
        return path

    def _copy_rows(self, data: Path) -> None:
        lake = copy_of_lake(self._settings, data / LAKE, self._now_ms, self._tell)
        if lake is not None:
            self._data.schemas[LAKE] = schemas.known()[LAKE]
            self._data.counts |= {"lake_parts": lake.parts, "lake_rows": lake.rows}
        rows = copy_of_postgres(self._settings, data / POSTGRES, self._now_ms, self._tell)
        if rows is not None:
            self._data.schemas[POSTGRES] = rows.version
            self._data.counts |= {"postgres_parts": rows.parts, "postgres_rows": rows.rows}

    def _copy_data(self, data: Path) -> None:
        if self._settings.ledger_path.is_file():
            self._take(self._settings.ledger_path, data / LEDGER, self._data)
        self._take(self._settings.office_path, data / OFFICE, self._data)
        # After the register: a consent that leaves in between is in both, and not in neither.
        if self._settings.consent_evidence_path.is_file():
            self._take(self._settings.consent_evidence_path, data / EVIDENCE, self._data)
        with closing(sqlite3.connect(data / OFFICE)) as copy:
            for table in _COUNTED:
                (count,) = copy.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608  # constants
                self._data.counts[table] = int(count)
            (newest,) = copy.execute("SELECT max(version) FROM policies").fetchone()
            self._data.policy_version = newest

    def _copy_keys(self, keys: Path, memory: ReplayMemory) -> None:
        self._keys.policy_version = self._data.policy_version
        if self._settings.keyring_path.is_file():
            self._take(self._settings.keyring_path, keys / KEYRING, self._keys)
        memory.copy_to(keys / MEMORY, self._now_ms)
        self._keys.schemas[MEMORY] = schemas.number_in(keys / MEMORY)

    def _take(self, file: Path, target: Path, facts: _Facts) -> None:
        copy_database(file, target)
        facts.schemas[target.name] = schemas.number_in(target)


def copy_database(file: Path, target: Path) -> None:
    """One state of a database that others may be writing, without what was deleted; durable."""
    address = f"{file.absolute().as_uri()}?mode=rw"
    with (
        in_words(file.stem, file.parent),
        closing(sqlite3.connect(address, uri=True, timeout=_WAIT_S)) as connection,
    ):
        connection.isolation_level = None
        connection.execute("VACUUM INTO ?", (str(target),))
    target.chmod(0o600)
    handle = os.open(target, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _for_owner_alone(folder: Path) -> None:
    """Whoever copies it elsewhere, as root does, takes the modes of what is in it along."""
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def _name_it(folder: Path, name: Path) -> None:
    if name.exists():
        shutil.rmtree(folder)
        msg = f"there is a backup of that very instant in {name.parent}: try again"
        raise Refusal(msg)
    folder.rename(name)
    sync_folder(name.parent)
