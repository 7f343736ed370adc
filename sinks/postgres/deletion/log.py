"""The write-ahead log keeps what was written until a checkpoint has passed it: asking for one.

Whether what passed is removed, and not kept under another name, is the server's setting
(``wal_recycle``); without the right to ask, it is as late as its own next checkpoint.
"""

from contextlib import suppress
from typing import Final

import psycopg

from sinks.postgres.connection import Connection

_SWITCHES: Final = 2
"""A checkpoint leaves the file in use, and the one before that."""


def pass_log(connection: Connection) -> None:
    """Have the log begin anew, and what lies behind it removed, if we may. Blocks for the disk.

    Nothing fails here: what was deleted before is told in any case.
    """
    with suppress(psycopg.Error):
        for _ in range(_SWITCHES):
            connection.execute("SELECT pg_switch_wal()")
            connection.execute("CHECKPOINT")
