"""Where a drill keeps its copy, and that a killed one's goes. Light: every process calls it.

That copy is of office and lake as they were, before anybody was taken out of it again.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

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


def remove_left(state_dir: Path) -> bool:
    """Remove the copy of a drill that was killed; whether there was one. OSError if it stays."""
    folder = state_dir / FOLDER
    if not folder.exists():
        return False
    with sole_drill(state_dir) as sole:
        if sole and folder.exists():
            shutil.rmtree(folder)
            return True
    return False
