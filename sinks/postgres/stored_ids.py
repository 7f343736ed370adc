"""Which of some records have rows: asked after a topic was made anew.

In: ids. Out: those that are there. The latest ids alone are remembered, and a topic that was
filled again from a copy may hold records of any age.
"""

from collections.abc import Sequence

from psycopg import sql

from sinks.postgres.connection import Connection, named
from sinks.postgres.names import rows_table


def stored_ids(connection: Connection, output: int, ids: Sequence[str]) -> frozenset[str]:
    """The ids that an output's rows have. Reads all of them."""
    wanted = [one for one in ids if "\0" not in one]
    found = connection.execute(
        sql.SQL("SELECT DISTINCT record FROM {} WHERE record = ANY(%s)").format(
            named(rows_table(output))
        ),
        (wanted,),
    ).fetchall()
    return frozenset(one for (one,) in found)
