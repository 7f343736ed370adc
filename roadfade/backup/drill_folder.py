"""Where a drill keeps its copy, and that a killed one's goes. Light: every process calls it.

That copy is of office and rows as they were, before anybody was taken out of it again. Rows of a
store in PostgreSQL lie in a schema beside its own while the folder is there.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from roadfade.settings import Settings

FOLDER: Final = "_drill"


@contextmanager
def sole_drill(state_dir: Path) -> Iterator[bool]:
    """Whether no other process drills there; none does until this ends.

    The lock is on the state folder itself, which nobody removes; a killed process holds none.
    """
    handle = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def remove_left(settings: Settings) -> bool:
    """Remove the copy of a drill that was killed; whether there was one. OSError if it stays."""
    folder = settings.state_dir / FOLDER
    if not folder.exists():
        return False
    with sole_drill(settings.state_dir) as sole:
        if sole and folder.exists():
            clear(settings)
            return True
    return False


def clear(settings: Settings) -> None:
    """Remove a drill's copy, out of PostgreSQL first; for the sole drill. OSError if it stays."""
    folder = settings.state_dir / FOLDER
    if not folder.exists():
        return
    if settings.store == "postgres":
        from roadfade.stores import postgres_beside  # noqa: PLC0415  # DuckDB; few come here

        postgres_beside(settings, drill=True).drop()
    shutil.rmtree(folder)
