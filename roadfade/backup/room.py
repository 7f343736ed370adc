"""Whether there is room for a backup, and whether one disk would take it along.

In: the settings, two folders that are there. Out: nothing, a refusal or a warning in words. Sizes
are those of now, so a backup of an installation that grows meanwhile may still run out of room.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from roadfade.backup.kept import Places
from roadfade.copied_stores import bytes_to_copy
from roadfade.refusal import Refusal
from roadfade.settings import Settings


def require_room(settings: Settings, places: Places) -> None:
    """Refusal if the files of now are larger than what is free."""
    data = [settings.office_path, settings.ledger_path, settings.consent_evidence_path]
    of_keys = _size([settings.keyring_path, settings.suppressions_path])
    of_data = _size(data) + bytes_to_copy(settings)
    if _device(places.data) == _device(places.keys):
        _require(places.data, of_data + of_keys)
    else:
        _require(places.data, of_data)
        _require(places.keys, of_keys)


def shared_disks(settings: Settings, places: Places) -> tuple[str, ...]:
    """A warning for each place that lies on the file system of what it is a copy of."""
    state = _device(settings.state_dir)
    return tuple(
        f"{folder} lies on the same file system as {settings.state_dir}: one failure takes both, "
        "so copy it elsewhere, or name a folder on another disk"
        for folder in (places.data, places.keys)
        if _device(folder) == state
    )


def _require(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        msg = (
            f"a backup needs about {needed:,} bytes, and {free:,} are free in {folder}: free space "
            "there, or name another folder"
        )
        raise Refusal(msg)


def _device(folder: Path) -> int:
    return folder.stat().st_dev


def _size(files: Iterable[Path]) -> int:
    return sum(_bytes_of(file) for file in files)


def _bytes_of(file: Path) -> int:
    try:
        return file.lstat().st_size
    except FileNotFoundError:  # swept meanwhile, or never made
        return 0
