"""What lies in the store's schema and is not the store's, and partitions that no note names."""

from typing import Final

from sinks.port.results import Oddity, Strange
from sinks.postgres.connection import Connection
from sinks.postgres.names import leaf_table, part_table, rows_table, view_of
from sinks.postgres.tables import known_outputs

_OURS: Final = frozenset({"_meta", "_outputs", "_parts", "_counts", "_positions", "_seen"})
_RELATIONS: Final = """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY 1
"""
_NOT_NOTED: Final = """
SELECT c.relname FROM _outputs o
JOIN pg_inherits i ON i.inhparent = to_regclass('_rows_' || o.number)
JOIN pg_class c ON c.oid = i.inhrelid
WHERE NOT EXISTS (
  SELECT FROM _parts p WHERE c.relname = '_rows_' || p.output || '_' || p.expires_ms)
ORDER BY 1
"""


def survey(connection: Connection) -> list[Strange]:
    """Everything that an operator has to look at."""
    bare = [name for (name,) in connection.execute(_NOT_NOTED).fetchall()]
    known = {*_OURS, *bare}
    for output, which in known_outputs(connection).items():
        known |= {view_of(output), rows_table(which)}
    noted = "SELECT output, expires_ms, buckets FROM _parts"
    for output, expires_ms, buckets in connection.execute(noted).fetchall():
        known.add(part_table(output, expires_ms))
        known |= {leaf_table(output, expires_ms, bucket) for bucket in range(buckets)}
    there = [name for (name,) in connection.execute(_RELATIONS).fetchall()]
    foreign = [name for name in there if name not in known and not name.startswith(tuple(bare))]
    uncounted = "its rows are in no count; they go when they end"
    return [
        *(
            Strange(Oddity.FOREIGN, ascii(name)[1:-1], "not a table of the store's")
            for name in foreign
        ),
        *(Strange(Oddity.UNREADABLE, name, uncounted) for name in bare),
    ]
