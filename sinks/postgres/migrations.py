"""The versions of the store's tables: a new store gets them all, an older one what it lacks.

One transaction: it holds whole or not at all. A store of a version that this program does not know
is not opened.
"""

import secrets
from typing import Final, LiteralString

from psycopg import errors

from sinks.port.sink import StoreUnusableError
from sinks.postgres.connection import Connection
from telemetry.newer_files import WRITTEN_LATER

KIND: Final = "postgres"
MIGRATIONS: Final[tuple[tuple[LiteralString, ...], ...]] = (
    (
        """
        CREATE TABLE _outputs (
          number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          output text NOT NULL UNIQUE,
          had_rows boolean NOT NULL DEFAULT false
        )
        """,
        # A partition exists if and only if it has a row here; who holds the row may change it.
        """
        CREATE TABLE _parts (
          output int NOT NULL REFERENCES _outputs,
          expires_ms bigint NOT NULL,
          buckets int NOT NULL,
          oldest_ms bigint NOT NULL,
          oldest_is_known boolean NOT NULL DEFAULT true,
          PRIMARY KEY (output, expires_ms)
        )
        """,
        """
        CREATE TABLE _counts (
          output int NOT NULL,
          expires_ms bigint NOT NULL,
          policy_version text NOT NULL,
          rows bigint NOT NULL,
          readings bigint NOT NULL,
          PRIMARY KEY (output, expires_ms, policy_version),
          FOREIGN KEY (output, expires_ms) REFERENCES _parts ON DELETE CASCADE
        )
        """,
        """
        CREATE TABLE _positions (
          spot int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          topic text NOT NULL,
          partition_number int NOT NULL,
          next_offset bigint NOT NULL,
          topic_id text,
          stored_before bigint NOT NULL,
          moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
          UNIQUE (topic, partition_number)
        )
        """,
        """
        CREATE TABLE _seen (
          spot int NOT NULL,
          number bigint GENERATED ALWAYS AS IDENTITY,
          digest bytea NOT NULL,
          expires_ms bigint NOT NULL,
          PRIMARY KEY (spot, number)
        )
        """,
        "CREATE INDEX ON _seen (expires_ms)",
    ),
)
"""By version, from 1 on: what brings a store of the one before to it."""
VERSION: Final = len(MIGRATIONS)


class StoreFormatError(StoreUnusableError):
    """The store cannot be used as it is; nothing was changed. The message says what to do."""


def migrate(connection: Connection, schema: str) -> None:
    """Bring the tables to ``VERSION``, making what is not there. The caller is the one writer."""
    with connection.transaction():
        # Beside a right to use an existing schema, that to make one is not needed.
        if connection.execute("SELECT to_regnamespace(%s)", (schema,)).fetchone() == (None,):
            connection.execute(f'CREATE SCHEMA "{schema}"'.encode())  # checked by ``Database``
        connection.execute(
            "CREATE TABLE IF NOT EXISTS _meta (key text PRIMARY KEY, value text NOT NULL)"
        )
        stored = stored_version(connection) or 0
        if stored > VERSION:
            raise StoreFormatError(_newer(stored))
        for statements in MIGRATIONS[stored:]:
            for statement in statements:
                connection.execute(statement)
        if not stored:
            name = f"{KIND}:{secrets.token_hex(8)}"
            connection.execute("INSERT INTO _meta VALUES ('name', %s)", (name,))
        connection.execute(
            "INSERT INTO _meta VALUES ('version', %s)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (str(VERSION),),
        )


def require_known(connection: Connection) -> None:
    """StoreFormatError if the store is of a version that is not this program's, or is none."""
    stored = stored_version(connection)
    if stored is None:
        msg = "there is no store of Roadfade's in this schema: a sink makes it as it starts"
        raise StoreFormatError(msg)
    if stored > VERSION:
        raise StoreFormatError(_newer(stored))
    if stored < VERSION:
        msg = f"the store is of version {stored}: a sink brings it to {VERSION} as it starts"
        raise StoreFormatError(msg)


def stored_version(connection: Connection) -> int | None:
    """The version of the tables; None if there are none."""
    try:
        found = connection.execute("SELECT value::int FROM _meta WHERE key = 'version'").fetchone()
    except errors.UndefinedTable:
        return None
    return None if found is None else found[0]


def stored_name(connection: Connection) -> str | None:
    """What the store is called in answers; None if there is no store."""
    try:
        found = connection.execute("SELECT value FROM _meta WHERE key = 'name'").fetchone()
    except errors.UndefinedTable:
        return None
    return None if found is None else found[0]


def say_copied(connection: Connection, name: str, token: str) -> None:
    """Let a store that was put back have the name it had, and say that it is a copy, and which."""
    connection.execute("UPDATE _meta SET value = %s WHERE key = 'name'", (name,))
    connection.execute("INSERT INTO _meta VALUES ('copy', %s)", (token,))


def copied_as(connection: Connection) -> str | None:
    """Which copy a store is that was put back; None if it is none, or there is no store."""
    try:
        found = connection.execute("SELECT value FROM _meta WHERE key = 'copy'").fetchone()
    except errors.UndefinedTable:
        return None
    return None if found is None else found[0]


def _newer(stored: int) -> str:
    return (
        f"the store is of version {stored}, and this program knows those up to {VERSION}: "
        f"it {WRITTEN_LATER}"
    )
