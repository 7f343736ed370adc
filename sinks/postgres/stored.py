"""A store in PostgreSQL as it is, for deleting, measuring and searching. Needs no writer."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from sinks.port.results import (
    Checked,
    Hits,
    Holdings,
    Located,
    Overdue,
    Place,
    Receipt,
    Restated,
    Strange,
    Swept,
)
from sinks.port.selection import FoundRow, Selection
from sinks.port.sink import Ends
from sinks.postgres.connection import Connection, Database, first, told
from sinks.postgres.counts import oldest_by_output, parts, readings_by_output, size_of
from sinks.postgres.deletion.erase import erase, locate
from sinks.postgres.deletion.expire import expire_due, overdue
from sinks.postgres.deletion.restate import Restatement
from sinks.postgres.found import rows_of
from sinks.postgres.migrations import StoreFormatError, require_known, stored_name, stored_version
from sinks.postgres.progress import stored_places
from sinks.postgres.steps import Hook, go_on
from sinks.postgres.survey import survey
from sinks.postgres.verify import search


class StoredPostgres:
    """The ``Store`` of a schema; one thread at a time. It connects when it is first asked.

    Every call raises OSError if PostgreSQL cannot be reached, ``StoreFormatError`` if the tables
    are of another version than this program's.
    """

    def __init__(self, database: Database, at: Hook = go_on) -> None:
        self._reader: Connection | None = None
        self._database = database
        self._at = at
        self._restatement = Restatement(database.schema, at)

    def exists(self) -> bool:
        """See ``Store``; true also if PostgreSQL does not answer, for then it is not known."""
        try:
            with self._connected(known=False) as connection:
                return stored_version(connection) is not None
        except OSError:
            return True

    def name(self) -> str:
        """See ``Store``."""
        with self._connected(known=False) as connection:
            found = stored_name(connection)
        if found is None:
            msg = "no sink was ever opened on this store"
            raise OSError(msg)
        return found

    def outputs(self) -> list[str]:
        """See ``Store``."""
        with self._connected() as connection:
            found = connection.execute(
                'SELECT output FROM _outputs WHERE had_rows ORDER BY output COLLATE "C"'
            ).fetchall()
            return [output for (output,) in found]

    def expire(self, now_ms: int) -> Swept:
        """See ``Store``; whole partitions are dropped, whatever they hold."""
        with self._connected() as connection:
            return expire_due(connection, self._database.schema, now_ms, self._at)

    def written_ms(self) -> int | None:
        """See ``Store``; by the server's clock."""
        try:
            with self._connected() as connection:
                found = first(
                    connection.execute(
                        "SELECT (extract(epoch FROM max(moved_at)) * 1000)::bigint FROM _positions"
                    )
                )
        except OSError:
            return None
        moved_ms: int | None = found[0]
        return moved_ms

    def overdue(self, now_ms: int) -> list[Overdue]:
        """See ``Store``; a partition with its buckets counts as one file."""
        with self._connected() as connection:
            return overdue(connection, now_ms)

    def restate(self, ends: Ends, now_ms: int) -> Restated:
        """See ``Store``; one turn of ``Restatement``."""
        with self._connected() as connection:
            return self._restatement.run(connection, ends, now_ms)

    def erase(self, output: str, selection: Selection, now_ms: int) -> Receipt:
        """See ``Store``; rewrites only the buckets that hold such rows."""
        with self._connected() as connection:
            schema = self._database.schema
            return erase(connection, schema, output, selection, now_ms, self._at)

    def locate(self, output: str, selection: Selection) -> Located:
        """See ``Store``."""
        with self._connected() as connection:
            return locate(connection, output, selection)

    def rows_of(self, output: str, selection: Selection, now_ms: int) -> Iterator[FoundRow]:
        """See ``Store``."""
        return rows_of(self._database, output, selection, now_ms)

    def verify(self, marker: bytes) -> Hits:
        """See ``Store``; the server's files only from its own machine, by who may read them."""
        with self._connected() as connection:
            return search(connection, marker)

    def places(self) -> Mapping[tuple[str, int], Place]:
        """How far each topic's partition is in the store, and of which topic of that name."""
        with self._connected() as connection:
            return stored_places(connection)

    def holdings(self) -> Holdings:
        """How far each topic is in the store, and what is there now of each output."""
        with self._connected() as connection:
            return Holdings(stored_places(connection), readings_by_output(connection), {})

    def size(self) -> int:
        """About how long its rows are, in bytes."""
        with self._connected() as connection:
            return size_of(connection)

    def oldest_ms(self) -> Mapping[str, int]:
        """See ``Store``."""
        with self._connected() as connection:
            return oldest_by_output(connection)

    def strange(self) -> list[Strange]:
        """See ``Store``."""
        with self._connected() as connection:
            return survey(connection)

    def checked(self, now_ms: int) -> Checked:
        """What the store holds and what is wrong with it; changes nothing."""
        try:
            with self._connected() as connection:
                held = parts(connection)
                outputs = sorted({part.output for part in held})
                due = len(overdue(connection, now_ms))
                return Checked(
                    tuple(outputs), len(held), due, 0, (), tuple(survey(connection)), None
                )
        except StoreFormatError as refused:
            return Checked((), 0, 0, 0, (), (), str(refused))

    def close(self) -> None:
        """End the connection; the next call makes another."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def __del__(self) -> None:
        # Who asks but once, as commands do, has a store and no end of it.
        StoredPostgres.close(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _connected(self, *, known: bool = True) -> Iterator[Connection]:
        with told():
            if self._reader is None or self._reader.closed:
                self._reader = self._database.connect("store")
            if known:
                require_known(self._reader)
            yield self._reader
