"""The sweep: partitions whose expiry has come are dropped. Needs no writer.

The partitions themselves say what is due, by their names: lost notes hold nothing back. Each is
dropped in a transaction of its own, and counted from notes, so that what it costs does not depend
on its rows. One failure stops nothing after it.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

import psycopg
from psycopg import sql

from sinks.port.results import Oddity, Overdue, Strange, Swept
from sinks.postgres.connection import Connection, named
from sinks.postgres.counts import Place, held, rows_in
from sinks.postgres.deletion.log import pass_log
from sinks.postgres.deletion.patience import patiently
from sinks.postgres.names import read_part_table, rows_table
from sinks.postgres.steps import Hook, Step

_PARTITIONS: Final = """
SELECT o.output, c.relname, ARRAY(SELECT k.relid::regclass::text FROM pg_partition_tree(c.oid) k)
FROM _outputs o
JOIN pg_inherits i ON i.inhparent = to_regclass('_rows_' || o.number)
JOIN pg_class c ON c.oid = i.inhrelid
ORDER BY o.output, c.relname
"""


class _Due(NamedTuple):
    output: str
    place: Place
    tables: Sequence[str]
    """It, its buckets, and the table that it is a partition of: dropping it takes them all."""


class _Dropped(NamedTuple):
    files: int
    rows: int | None


def overdue(connection: Connection, now_ms: int) -> list[Overdue]:
    """The partitions a sweep at ``now_ms`` would find: rows kept past their expiry."""
    found = Counter((due.output, due.place.expires_ms) for due in _due(connection, now_ms))
    return [Overdue(*where, count) for where, count in sorted(found.items())]


def expire_due(connection: Connection, schema: str, now_ms: int, at: Hook) -> Swept:
    """Drop every partition whose expiry is at or before ``now_ms``. Idempotent."""
    files = uncounted = 0
    by_output = Counter[str]()
    left: list[Strange] = []
    for due in _due(connection, now_ms):
        try:
            dropped = patiently(connection, schema, due.tables, partial(_drop, connection, due, at))
        except psycopg.Error as error:
            # What went before is told, also if PostgreSQL does not answer any more.
            why = f"PostgreSQL refuses: {error.sqlstate or 'gone'}, {type(error).__name__}"
            left.append(Strange(Oddity.NOT_REMOVED, due.place.table, why))
            if connection.closed:
                break
            continue
        files += dropped.files
        by_output[due.output] += dropped.rows or 0
        uncounted += dropped.files if dropped.rows is None else 0
    if files:
        pass_log(connection)
    found = {output: rows for output, rows in sorted(by_output.items()) if rows}
    return Swept(files, sum(found.values()), found, uncounted, tuple(left))


def _drop(connection: Connection, due: _Due, at: Hook) -> _Dropped:
    # Held first, as everybody does: a write to it ends before, and none begins.
    held(connection, due.place)
    there = connection.execute("SELECT to_regclass(%s)", (due.place.table,)).fetchone()
    if there == (None,):
        return _Dropped(0, 0)  # another sweep was faster
    connection.execute(sql.SQL("DROP TABLE {}").format(named(due.place.table)))
    rows = rows_in(connection, due.place)
    connection.execute("DELETE FROM _parts WHERE output = %s AND expires_ms = %s", due.place)
    at(Step.DROPPED)
    return _Dropped(1, rows)


def _due(connection: Connection, now_ms: int) -> list[_Due]:
    found = []
    for output, name, tables in connection.execute(_PARTITIONS).fetchall():
        read = read_part_table(name)
        if read is not None and read[1] <= now_ms and isinstance(tables, list):
            place = Place(*read)
            found.append(_Due(output, place, [rows_table(place.output), *tables]))
    return sorted(found, key=lambda due: due.place.expires_ms)
