"""A disk without room, in whichever words it is said: ours and the engine's."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import duckdb

from sinks.port.sink import StoreFullError

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def told_if_full() -> Iterator[None]:
    """StoreFullError in place of what the system or the engine raises if a disk is full."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        if not _is_for_want_of_room(error):
            raise
        msg = "there is no room on the store's disk: free space; nothing is lost meanwhile"
        raise StoreFullError(msg) from None


def _is_for_want_of_room(error: OSError | duckdb.Error) -> bool:
    if isinstance(error, OSError):
        return error.errno in _NO_ROOM
    # The engine passes on the system's words, and no number as an attribute.
    return any(os.strerror(number) in str(error) for number in _NO_ROOM)
