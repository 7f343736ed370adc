"""What may lie beside the place of a database that is brought back, and which memory tells of it.

In: settings, places. Out: names of what lies there; the memory of what was removed.
"""

from pathlib import Path
from typing import Final

from office.replay_memory.memory import ReplayMemory
from roadfade.settings import Settings

ENDINGS: Final = ("-wal", "-shm", "-journal")
"""Of what a database that was not closed leaves: SQLite would play it over another."""
NEW_MEMORY: Final = "memory.new"


def left_beside(path: Path) -> list[str]:
    """What of a database that was not closed lies beside its place."""
    return [path.name + one for one in ENDINGS if path.with_name(path.name + one).exists()]


def memory_of(settings: Settings, otherwise: Path, now_ms: int) -> ReplayMemory:
    """The office's own memory; if that is lost, an empty one, which begins now."""
    mine = settings.suppressions_path
    return ReplayMemory.made(mine if mine.is_file() else otherwise, now_ms, own=False)
