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
    """OSError for what the engine raises if its files fail; StoreFullError for want of room."""
    try:
        yield
    except (OSError, duckdb.Error) as error:
        if is_for_want_of_room(error):
            msg = "there is no room on the store's disk: free space; nothing is lost meanwhile"
            raise StoreFullError(msg) from None
        if isinstance(error, duckdb.IOException):
            # The engine's own words name a file, and no value.
            msg = f"the lake cannot be written: {error}"
            raise OSError(msg) from None
        raise


def is_for_want_of_room(error: OSError | duckdb.Error) -> bool:
    """Whether a file could not be written because the disk, or a quota, has no room."""
    if isinstance(error, OSError):
        return error.errno in _NO_ROOM
    # The engine passes on the system's words, and no number as an attribute.
    return any(os.strerror(number) in str(error) for number in _NO_ROOM)
