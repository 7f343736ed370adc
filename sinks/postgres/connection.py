"""One connection to PostgreSQL, and what its failures are called here.

No message of the driver leaves: it names hosts, users and, of a row that is refused, values. What
leaves is the kind of the failure and PostgreSQL's own five letters for it.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString

import psycopg
from psycopg import errors, sql

from sinks.port.sink import StoreFullError, StoreUnusableError

Connection = psycopg.Connection[tuple[Any, ...]]
CONNECT_S_MAX: Final = 10
STATEMENT_S_MAX: Final = 120
"""No statement of a writer takes longer: a frozen process must not hold up a sweep."""
IDLE_S_MAX: Final = 60
"""So long may a writer that has begun a transaction say nothing."""
# Its warnings name the host, the user and the database.
logging.getLogger("psycopg").setLevel(logging.CRITICAL + 1)
_SCHEMA: Final = re.compile(r"[a-z][a-z0-9_]{0,29}")
_LATER: Final = (errors.LockNotAvailable, errors.DeadlockDetected)


class DatabaseFailedError(StoreUnusableError):
    """PostgreSQL cannot be reached, or refuses; says how it calls that, never in its words."""


class HeldError(DatabaseFailedError):
    """Somebody else holds what is to be changed: it is worth trying again later."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where a store is: a connection string, never to be shown, and a schema of its own."""

    dsn: str = field(repr=False)
    schema: str = "roadfade"

    def __post_init__(self) -> None:
        if _SCHEMA.fullmatch(self.schema) is None:
            msg = (
                "a schema is named by up to 30 small letters, digits and _, beginning with a letter"
            )
            raise ValueError(msg)

    def connect(self, who: str, *, writes: bool = False) -> Connection:
        """A connection that sees this schema, each statement a transaction. Blocks.

        ``writes``: PostgreSQL ends it if it keeps a transaction waiting.
        """
        with told():
            connection = psycopg.connect(
                self.dsn,
                autocommit=True,
                connect_timeout=CONNECT_S_MAX,
                application_name=f"roadfade {who}",
                client_encoding="utf8",
                prepare_threshold=None,
            )
            settings: dict[LiteralString, str] = {
                "search_path": f'"{self.schema}"',
                "TimeZone": "UTC",
                "synchronous_commit": "on",
                "enable_partition_pruning": "on",
                "extra_float_digits": "1",  # digests of rows are of text that has every digit
            }
            if writes:
                settings["statement_timeout"] = f"{STATEMENT_S_MAX}s"
                settings["idle_in_transaction_session_timeout"] = f"{IDLE_S_MAX}s"
            for name, value in settings.items():
                connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        return connection


@contextmanager
def told() -> Iterator[None]:
    """What the driver raises, as what the port promises: OSError, or StoreFullError."""
    try:
        yield
    except psycopg.Error as error:
        raise _named(error) from None


def _named(error: psycopg.Error) -> OSError:
    if isinstance(error, errors.DiskFull):
        msg = "there is no room on the database's disk: free space; nothing is lost meanwhile"
        return StoreFullError(msg)
    code = error.sqlstate
    if code is None:
        return DatabaseFailedError("PostgreSQL cannot be reached, or ended the connection")
    kind = HeldError if isinstance(error, _LATER) else DatabaseFailedError
    return kind(f"PostgreSQL refuses: {code}, {type(error).__name__}")


def first(cursor: psycopg.Cursor[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The first row of a statement that always has one."""
    row = cursor.fetchone()
    if row is None:
        msg = "PostgreSQL gave no row"
        raise DatabaseFailedError(msg)
    return row


def named(*parts: str) -> sql.Composable:
    """A name for a statement, quoted."""
    return sql.Identifier(*parts)
