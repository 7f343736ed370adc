"""Getting hold of tables that readers hold: a short wait, then the readers are ended.

Only sessions of roles that may read outputs are ended, and only such as hold one of the tables in
question. Everybody else is left alone, and what they hold is tried again later.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

from psycopg import errors

from sinks.postgres.connection import Connection
from sinks.postgres.names import role_of
from sinks.postgres.tables import known_outputs

T = TypeVar("T")
LOCK_MS_MAX: Final = 1_000
"""So long a change waits for who holds a table; whoever comes behind it waits as long."""
TRIES_MAX: Final = 4
_BLOCKED: Final = (errors.LockNotAvailable, errors.DeadlockDetected)
# Members of roles that are members: granting is by groups of groups.
_END_READERS: Final = """
WITH RECURSIVE reader(oid) AS (
    SELECT oid FROM pg_roles WHERE rolname = ANY(%(roles)s)
  UNION
    SELECT m.member FROM pg_auth_members m JOIN reader r ON m.roleid = r.oid
)
SELECT count(pg_terminate_backend(pid)) FROM (
  SELECT DISTINCT l.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE l.granted AND l.locktype = 'relation' AND a.pid <> pg_backend_pid()
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND l.relation = ANY(%(tables)s::regclass[])
    AND a.usesysid IN (SELECT oid FROM reader)
    AND a.usename <> current_user
) AS holding
"""


def patiently(
    connection: Connection, schema: str, tables: Sequence[str], change: Callable[[], T]
) -> T:
    """What ``change`` returns, in a transaction of its own; readers of ``tables`` make way.

    Raises what PostgreSQL says if somebody else keeps holding them: try again later.
    """
    for _ in range(TRIES_MAX - 1):
        try:
            with short_waits(connection):
                return change()
        except _BLOCKED:
            end_readers(connection, schema, tables)
    with short_waits(connection):
        return change()


@contextmanager
def short_waits(connection: Connection) -> Iterator[None]:
    """A transaction in which no wait for a lock is long."""
    with connection.transaction():
        connection.execute("SELECT set_config('lock_timeout', %s, true)", (f"{LOCK_MS_MAX}ms",))
        yield


def end_readers(connection: Connection, schema: str, tables: Sequence[str]) -> None:
    """End the sessions of readers that hold one of these; not being allowed to is no failure."""
    roles = [role_of(schema, output) for output in known_outputs(connection)]
    there = connection.execute(
        "SELECT array_agg(name) FROM unnest(%s::text[]) AS name"
        " WHERE to_regclass(quote_ident(name)) IS NOT NULL",
        (list(tables),),
    ).fetchone()
    try:
        connection.execute(_END_READERS, {"roles": roles, "tables": there[0] if there else []})
    except (errors.InsufficientPrivilege, errors.UndefinedTable):
        return
