"""The note of the last restore drill, in the state folder."""

from pathlib import Path
from typing import Final

import msgspec

from roadfade.backup.manifest import sync_folder

NAME: Final = "last-drill.json"


class Note(msgspec.Struct, frozen=True):
    """When a drill was, of which backup, and whether it held. Milliseconds UTC."""

    at_ms: int
    backup: str
    holds: bool


def last_drill(state_dir: Path) -> Note | None:
    """The note; None if there was no drill, or it cannot be read."""
    try:
        return msgspec.json.decode((state_dir / NAME).read_bytes(), type=Note)
    except (OSError, msgspec.MsgspecError):
        return None


def note(state_dir: Path, one: Note) -> None:
    """Put it in place of the one before, durably."""
    made = state_dir / f"{NAME}.new"
    made.write_bytes(msgspec.json.encode(one))
    made.replace(state_dir / NAME)
    sync_folder(state_dir)
