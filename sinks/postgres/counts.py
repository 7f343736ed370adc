"""How many rows each partition holds, by version of the policy, and how old the oldest is.

Kept with the rows, in the same transactions, so that dropping a partition counts no row.
"""

from typing import NamedTuple

from psycopg import sql

from sinks.postgres.connection import Connection, first, named
from sinks.postgres.names import part_table


class Place(NamedTuple):
    """A partition: an output by its number, and when its rows end."""

    output: int
    expires_ms: int

    @property
    def table(self) -> str:
        """What its table is called."""
        return part_table(self.output, self.expires_ms)


class Part(NamedTuple):
    """A partition as it is noted."""

    output: str
    place: Place
    buckets: int
    rows: dict[str, int]
    """By version of the policy."""


def add_count(connection: Connection, place: Place, version: str, rows: int, readings: int) -> None:
    """Count rows that come, or, below zero, that go; the partition is held."""
    connection.execute(
        "INSERT INTO _counts AS there VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (output, expires_ms, policy_version) DO UPDATE"
        " SET rows = there.rows + excluded.rows, readings = there.readings + excluded.readings",
        (*place, version, rows, readings),
    )


def rows_in(connection: Connection, place: Place) -> int | None:
    """How many rows a partition holds; None if nothing says it."""
    found = connection.execute(
        "SELECT sum(rows)::bigint FROM _counts WHERE output = %s AND expires_ms = %s", place
    )
    rows: int | None = first(found)[0]
    return rows


def parts(connection: Connection) -> list[Part]:
    """Every partition that is noted, by output and expiry."""
    found = connection.execute(
        "SELECT o.output, p.output, p.expires_ms, p.buckets, c.policy_version, c.rows"
        " FROM _parts p JOIN _outputs o ON o.number = p.output"
        " LEFT JOIN _counts c ON (c.output, c.expires_ms) = (p.output, p.expires_ms)"
        " ORDER BY o.output, p.expires_ms, c.policy_version"
    ).fetchall()
    known: dict[Place, Part] = {}
    for output, which, expires_ms, buckets, version, rows in found:
        place = Place(which, expires_ms)
        part = known.setdefault(place, Part(output, place, buckets, {}))
        if version is not None:
            part.rows[version] = rows
    return list(known.values())


def held(connection: Connection, place: Place) -> int | None:
    """Hold a partition that is there, to the end of the transaction; its buckets, None if not."""
    found = connection.execute(
        "SELECT buckets FROM _parts WHERE output = %s AND expires_ms = %s FOR UPDATE", place
    ).fetchone()
    return None if found is None else found[0]


def readings_by_output(connection: Connection) -> dict[str, int]:
    """By output that has rows now: readings that they stand for."""
    found = connection.execute(
        "SELECT o.output, sum(c.readings)::bigint FROM _counts c"
        " JOIN _outputs o ON o.number = c.output GROUP BY 1 HAVING sum(c.rows) > 0 ORDER BY 1"
    ).fetchall()
    return dict(found)


def size_of(connection: Connection) -> int:
    """Bytes of the tables; a copy of them is about as long."""
    found = connection.execute(
        "SELECT coalesce(sum(pg_table_size(oid)), 0)::bigint FROM pg_class"
        " WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"
    )
    size: int = first(found)[0]
    return size


def oldest_by_output(connection: Connection) -> dict[str, int]:
    """Time of the oldest reading of each output that has one; what an erasure left is looked up."""
    unknown = connection.execute(
        "SELECT output, expires_ms FROM _parts WHERE NOT oldest_is_known ORDER BY 1, 2"
    ).fetchall()
    for output, expires_ms in unknown:
        _look_up_oldest(connection, Place(output, expires_ms))
    found = connection.execute(
        "SELECT o.output, min(p.oldest_ms) FROM _parts p JOIN _outputs o ON o.number = p.output"
        " GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return dict(found)


def _look_up_oldest(connection: Connection, place: Place) -> None:
    with connection.transaction():
        if held(connection, place) is None:
            return  # dropped meanwhile
        connection.execute(
            sql.SQL(
                "UPDATE _parts SET oldest_is_known = true, oldest_ms = coalesce("
                "(SELECT min(t_ms) FROM {}), oldest_ms) WHERE output = %s AND expires_ms = %s"
            ).format(named(place.table)),
            place,
        )
