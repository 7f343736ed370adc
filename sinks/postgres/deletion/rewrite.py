"""Taking rows out of a partition so that their bytes go with them: copy what stays, swap, drop.

PostgreSQL's DELETE marks rows, and VACUUM leaves their bytes in the pages; a dropped table's files
are unlinked. Only buckets that hold such rows are rewritten, in the transaction of the caller, who
holds the partition.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from psycopg import sql

from sinks.port.results import Located
from sinks.postgres.connection import Connection, first, named
from sinks.postgres.counts import Place, add_count
from sinks.postgres.names import leaf_table
from sinks.postgres.tables import add_leaf, of_bucket
from telemetry.wire.record import MESH

_NEW: Final = "_new"


class Rewritten(NamedTuple):
    """A bucket without the rows that had to go."""

    table: str
    before: int
    left: int


def take_out(
    connection: Connection,
    place: Place,
    buckets: int,
    going: sql.Composable,
    asked: Mapping[str, object],
) -> list[Rewritten]:
    """Take the rows out for which ``going`` holds; a partition that is empty then goes, too."""
    found = _holding(connection, place, going, asked)
    if not found:
        return []
    done = []
    for bucket in range(buckets):
        table = leaf_table(*place, bucket)
        gone = sum(rows for (leaf, _), (rows, _) in found.items() if leaf == table)
        if gone:
            left = _swap(connection, place, (bucket, buckets), going, asked)
            done.append(Rewritten(table, gone + left, left))
    gone_by_version = Counter[str]()
    readings = Counter[str]()
    for (_, version), (rows, count) in found.items():
        gone_by_version[version] += rows
        readings[version] += count
    for version, rows in sorted(gone_by_version.items()):
        add_count(connection, place, version, -rows, -readings[version])
    _settle_notes(connection, place)
    return done


def count_meant(
    connection: Connection, place: Place, meant: sql.Composable, asked: Mapping[str, object]
) -> Located:
    """Rows for which a condition holds, and in how many buckets they lie, of which length."""
    found = _holding(connection, place, meant, asked)
    leaves = sorted({leaf for leaf, _ in found})
    sized = connection.execute(
        "SELECT coalesce(sum(pg_table_size(to_regclass(quote_ident(leaf)))), 0)::bigint"
        " FROM unnest(%s::text[]) AS leaf",
        [leaves],
    )
    rows = sum(rows for rows, _ in found.values())
    return Located(rows, len(leaves), file_bytes=first(sized)[0])


def _holding(
    connection: Connection, place: Place, meant: sql.Composable, asked: Mapping[str, object]
) -> dict[tuple[str, str], tuple[int, int]]:
    """Rows and readings that are meant, by bucket and version of the policy."""
    statement = sql.SQL(
        "SELECT c.relname, r.policy_version, count(*),"
        " count(*) + count(*) FILTER (WHERE r.signal = %(mesh)s)"
        " FROM (SELECT tableoid, policy_version, signal FROM {} WHERE {}) AS r"
        " JOIN pg_class c ON c.oid = r.tableoid GROUP BY 1, 2"
    ).format(named(place.table), meant)
    rows = connection.execute(statement, {**asked, "mesh": MESH}).fetchall()
    return {(leaf, version): (count, readings) for leaf, version, count, readings in rows}


def _swap(
    connection: Connection,
    place: Place,
    bucket: tuple[int, int],
    going: sql.Composable,
    asked: Mapping[str, object],
) -> int:
    """Put a copy without these rows in the place of a bucket; how many rows stay."""
    old = leaf_table(*place, bucket[0])
    new = old + _NEW
    add_leaf(connection, new, old)
    left = connection.execute(
        # In the order in which they lay, as if the others had never been there: any other would
        # show, to whoever reads the table, that somebody was taken out of it.
        sql.SQL("INSERT INTO {} SELECT * FROM {} WHERE NOT {} ORDER BY ctid").format(
            named(new), named(old), going
        ),
        asked,
    ).rowcount
    for statement in (
        sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(named(place.table), named(old)),
        sql.SQL("DROP TABLE {}").format(named(old)),
        sql.SQL("ALTER TABLE {} RENAME TO {}").format(named(new), named(old)),
        sql.SQL("ALTER TABLE {} ATTACH PARTITION {} {}").format(
            named(place.table), named(old), of_bucket(*bucket)
        ),
    ):
        connection.execute(statement)
    return left


def _settle_notes(connection: Connection, place: Place) -> None:
    connection.execute(
        "DELETE FROM _counts WHERE output = %s AND expires_ms = %s AND rows <= 0", place
    )
    left = connection.execute(
        "SELECT 1 FROM _counts WHERE output = %s AND expires_ms = %s", place
    ).fetchone()
    if left:
        connection.execute(
            "UPDATE _parts SET oldest_is_known = false WHERE output = %s AND expires_ms = %s", place
        )
        return
    connection.execute(sql.SQL("DROP TABLE {}").format(named(place.table)))
    connection.execute("DELETE FROM _parts WHERE output = %s AND expires_ms = %s", place)
