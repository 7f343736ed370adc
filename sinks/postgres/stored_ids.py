"""Which of some records have rows: asked after a topic was made anew.

In: ids. Out: those that are there. The latest ids alone are remembered, and a topic that was
filled again from a copy may hold records of any age. Bucket after bucket is read, each by itself:
one statement over all of them would hold the whole table, and so every sweep, for as long.
"""

from collections.abc import Sequence

from psycopg import errors, sql

from sinks.postgres.connection import Connection, named
from sinks.postgres.counts import parts
from sinks.postgres.names import leaf_table


def stored_ids(connection: Connection, output: int, ids: Sequence[str]) -> frozenset[str]:
    """The ids that an output's rows have. Reads all of them."""
    wanted = [one for one in ids if "\0" not in one]
    found = set[str]()
    for part in parts(connection):
        if part.place.output == output:
            for bucket in range(part.buckets):
                found |= _ids_in(connection, leaf_table(*part.place, bucket), wanted)
    return frozenset(found)


def _ids_in(connection: Connection, table: str, wanted: Sequence[str]) -> set[str]:
    statement = sql.SQL("SELECT DISTINCT record FROM {} WHERE record = ANY(%s)")
    try:
        rows = connection.execute(statement.format(named(table)), (wanted,)).fetchall()
    except errors.UndefinedTable:
        return set()  # swept meanwhile: its rows were to end
    return {record for (record,) in rows}
