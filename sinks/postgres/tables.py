"""Making outputs and their partitions: by when rows end, then by whose they are.

A partition is made aside and attached, which waits for no reader. No statistics are kept of what a
row says: they would be copies of values, in a table of PostgreSQL's own.
"""

from typing import Final, LiteralString

from psycopg import errors, sql

from sinks.port.sink import StoreFullError
from sinks.postgres.connection import Connection, first, named
from sinks.postgres.migrations import StoreFormatError
from sinks.postgres.names import leaf_table, part_table, role_of, rows_table, view_of

COLUMNS: Final[tuple[tuple[LiteralString, LiteralString], ...]] = (
    ("record", "text NOT NULL"),
    ("pseudonym", "text NOT NULL"),
    ("signal", "text NOT NULL"),
    ("t_ms", "bigint NOT NULL"),
    ("number", "double precision"),
    ("text", "text"),
    ("unit", "text NOT NULL"),
    ("expires_ms", "bigint NOT NULL"),
    ("policy_version", "text NOT NULL"),
    ("lane", "text"),
    ("consent", "text"),
    ("decided_by", "int NOT NULL"),
)
"""Of a stored row, in their order."""
_SHOWN: Final = sql.SQL(
    "record, pseudonym, signal, to_timestamp(t_ms / 1000.0) AS t, number, text, unit,"
    " to_timestamp(expires_ms / 1000.0) AS expires_at, policy_version"
)
"""Lane and consent are for those who end rows, not for readers."""
PARTS_MAX: Final = 1_000
"""Partitions by expiry of all outputs: PostgreSQL locks each for a query that it cannot narrow."""


def known_outputs(connection: Connection) -> dict[str, int]:
    """The number of each output that has tables."""
    found = connection.execute("SELECT output, number FROM _outputs ORDER BY output").fetchall()
    return dict(found)


def add_output(connection: Connection, schema: str, output: str) -> None:
    """The table of an output, the view that its readers see, and the role that lets them.

    StoreFormatError if the role is not there and may not be made.
    """
    with connection.transaction():
        make_output(connection, output)
        let_read(connection, schema, output)


def make_output(connection: Connection, output: str) -> None:
    """The table of an output, and the view that its readers are to see; nobody may yet."""
    view = view_of(output)
    with connection.transaction():
        added = connection.execute(
            "INSERT INTO _outputs (output) VALUES (%s) RETURNING number", (output,)
        )
        table = rows_table(first(added)[0])
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(named(name), sql.SQL(kind)) for name, kind in COLUMNS
        )
        connection.execute(
            sql.SQL("CREATE TABLE {} ({}) PARTITION BY RANGE (expires_ms)").format(
                named(table), columns
            )
        )
        _keep_no_statistics(connection, table)
        # What is due is nobody's to read, also before the sweep has come.
        connection.execute(
            sql.SQL(
                "CREATE VIEW {} AS SELECT {} FROM {}"
                " WHERE expires_ms > (extract(epoch FROM now()) * 1000)::bigint"
            ).format(named(view), _SHOWN, named(table))
        )


def let_read(connection: Connection, schema: str, output: str) -> None:
    """Let the role of an output's readers see its view, and no more.

    StoreFormatError if the role is not there and may not be made.
    """
    view, role = view_of(output), role_of(schema, output)
    _make_role(connection, role)
    for statement, what in (
        ("GRANT USAGE ON SCHEMA {} TO {}", named(schema)),
        ("GRANT SELECT ON {} TO {}", named(schema, view)),
    ):
        connection.execute(sql.SQL(statement).format(what, named(role)))


def _make_role(connection: Connection, role: str) -> None:
    there = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    if there:
        return
    try:
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(named(role)))
    except errors.InsufficientPrivilege:
        msg = (
            f"the role {role} is not there and may not be made: make it (CREATE ROLE … NOLOGIN), "
            "or give the store's own role CREATEROLE"
        )
        raise StoreFormatError(msg) from None


def add_part(connection: Connection, output: int, expires_ms: int, buckets: int) -> None:
    """The empty partition of an output's rows that end at one instant, with its buckets."""
    table, part = named(rows_table(output)), part_table(output, expires_ms)
    connection.execute(
        sql.SQL("CREATE TABLE {} (LIKE {}) PARTITION BY HASH (pseudonym)").format(
            named(part), table
        )
    )
    for bucket in range(buckets):
        leaf = leaf_table(output, expires_ms, bucket)
        connection.execute(
            sql.SQL("CREATE TABLE {} PARTITION OF {} {}").format(
                named(leaf), named(part), of_bucket(bucket, buckets)
            )
        )
        _keep_no_statistics(connection, leaf)
    connection.execute(
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
            table, named(part), sql.Literal(expires_ms), sql.Literal(expires_ms + 1)
        )
    )


def add_leaf(connection: Connection, name: str, like: str) -> None:
    """An empty table for the rows of a bucket, in no partition yet."""
    connection.execute(sql.SQL("CREATE TABLE {} (LIKE {})").format(named(name), named(like)))
    _keep_no_statistics(connection, name)


def of_bucket(bucket: int, buckets: int) -> sql.Composable:
    """What makes a table this bucket of its partition."""
    return sql.SQL("FOR VALUES WITH (MODULUS {}, REMAINDER {})").format(
        sql.Literal(buckets), sql.Literal(bucket)
    )


def hold_part(
    connection: Connection, output: int, expires_ms: int, buckets: int, oldest_ms: int
) -> bool:
    """Hold a partition to the end of the transaction; whether it has to be made in it.

    Everybody who changes partitions holds theirs first, in order of output and expiry, and touches
    tables then: so none waits for another in a circle. StoreFullError if there are too many.
    """
    held = connection.execute(
        "INSERT INTO _parts AS there (output, expires_ms, buckets, oldest_ms)"
        " VALUES (%s, %s, %s, %s) ON CONFLICT (output, expires_ms)"
        " DO UPDATE SET oldest_ms = least(there.oldest_ms, excluded.oldest_ms)"
        " RETURNING xmax = 0, (SELECT count(*) FROM _parts)",
        (output, expires_ms, buckets, oldest_ms),
    )
    made, before = first(held)
    if made and before >= PARTS_MAX:
        msg = (
            f"the store has {PARTS_MAX} partitions: expiries are dated too finely for it; "
            "sweep what is due, or date them by a coarser grain"
        )
        raise StoreFullError(msg)
    return bool(made)


def _keep_no_statistics(connection: Connection, table: str) -> None:
    changes = sql.SQL(", ").join(
        sql.SQL("ALTER COLUMN {} SET STATISTICS 0").format(named(name)) for name, _ in COLUMNS
    )
    connection.execute(sql.SQL("ALTER TABLE {} {}").format(named(table), changes))
