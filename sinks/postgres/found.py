"""The rows that a selection means, handed out as of one moment; a slow taker holds up no sweep."""

from collections.abc import Iterator
from typing import Final

from psycopg import sql

from sinks.port.selection import FoundRow, Selection
from sinks.postgres.connection import Database, named, told
from sinks.postgres.meant import MEANT, asked
from sinks.postgres.names import rows_table
from sinks.postgres.tables import known_outputs

_AT_ONCE: Final = 2_000
"""Rows fetched at once."""
_ROWS: Final = sql.SQL(
    "SELECT record, signal, t_ms, number, text, unit, expires_ms, policy_version, lane, consent,"
    " pseudonym FROM {} WHERE {} AND expires_ms > %(now)s ORDER BY t_ms, record, signal"
)


def rows_of(
    database: Database, output: str, selection: Selection, now_ms: int
) -> Iterator[FoundRow]:
    """See ``Store``. Over a connection of its own, open until all are taken."""
    with told(), database.connect("search") as connection:
        which = known_outputs(connection).get(output)
        if which is None:
            return
        # Held beyond its transaction, the result keeps no table: a slow taker stops no sweep.
        with connection.cursor(name="found", withhold=True) as cursor:
            cursor.itersize = _AT_ONCE
            cursor.execute(
                _ROWS.format(named(rows_table(which)), MEANT), {**asked(selection), "now": now_ms}
            )
            for row in cursor:
                yield FoundRow(*row)
