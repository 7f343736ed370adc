"""One work at a time in a state folder: a drill, or a rebuild. Light: every process calls it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def sole_work(state_dir: Path) -> Iterator[bool]:
    """Whether nobody else is at work there; nobody is until this ends.

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
