"""Who may write a store, and who may rewrite what it holds: locks that die with their connection.

PostgreSQL frees the lock of a process that was killed as soon as it sees the connection end.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Final

from sinks.port.sink import StoreTakenError
from sinks.postgres.connection import Connection

SINK: Final = "sink"
"""The one writer."""
CHANGING: Final = "changing"
"""Whoever rewrites stored rows: one at a time."""
_POLL_S: Final = 0.05


def take(connection: Connection, schema: str, name: str, wait_s: float) -> None:
    """Hold a lock as long as the connection lives; StoreTakenError if another keeps it."""
    deadline_s = time.monotonic() + wait_s
    while connection.execute(
        "SELECT pg_try_advisory_lock(%s)", (_key(schema, name),)
    ).fetchone() != (True,):
        if time.monotonic() >= deadline_s:
            msg = f"another living process is the {name} of this store"
            raise StoreTakenError(msg)
        time.sleep(_POLL_S)


@contextmanager
def held(connection: Connection, schema: str, name: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold a lock for a while."""
    take(connection, schema, name, wait_s)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_key(schema, name),))


def _key(schema: str, name: str) -> int:
    digest = sha256(f"roadfade {schema} {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
