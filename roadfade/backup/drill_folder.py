"""Where a drill keeps its copy, and that a killed one's goes. Light: every process calls it.

That copy is of office and rows as they were, before anybody was taken out of it again. Rows of a
store in PostgreSQL lie in a schema beside its own, which is noted in the folder.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from roadfade.backup.sole_work import sole_work

Drop = Callable[[], None]
"""Removes a drill's rows from PostgreSQL."""

FOLDER: Final = "_drill"
IN_POSTGRES: Final = "in_postgres"
"""A note in it that rows may lie in a schema beside the store's."""


def remove_left(state_dir: Path, drop: Drop | None = None) -> bool:
    """Remove the copy of a drill that was killed; whether there was one. OSError if it stays.

    Who reaches no store has no ``drop``: what is noted to lie in PostgreSQL waits for the sweep.
    """
    folder = state_dir / FOLDER
    if not folder.exists():
        return False
    with sole_work(state_dir) as sole:
        if sole and folder.exists():
            return clear(folder, drop)
    return False


def clear(folder: Path, drop: Drop | None) -> bool:
    """Remove a drill's copy; whether all of it is gone. For the sole drill."""
    for path in folder.iterdir() if folder.exists() else ():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != IN_POSTGRES:
            path.unlink()
    if (folder / IN_POSTGRES).exists():
        if drop is None:
            return False
        drop()
    if folder.exists():
        shutil.rmtree(folder)
    return True
