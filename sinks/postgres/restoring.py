"""Putting a copied store back: beside its place, under another name, and in its place only then.

In: a copy, as ``copied`` says, and the place of a store that is lost. Out: a store in a schema that
no reader's role may look into; what has to go is taken out of it there; one transaction gives it
its name, and readers their rights. Whatever dies before leaves a schema that the next restore
removes. It says that it is ours in its comment: nothing else of that name is touched.
"""

from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Final, LiteralString

from psycopg import sql

from sinks.port.sink import StoreUnusableError
from sinks.postgres import locks
from sinks.postgres.connection import Connection, Database, first, named, told
from sinks.postgres.copied import (
    SEEN,
    CopiedPart,
    CopiedPlace,
    CopiedStore,
    CopyDamagedError,
    content_of,
    described,
    listed,
)
from sinks.postgres.counts import Place, add_count
from sinks.postgres.deletion.log import pass_log
from sinks.postgres.migrations import VERSION, copied_as, migrate, say_copied
from sinks.postgres.names import rows_table
from sinks.postgres.steps import Hook, Step, go_on
from sinks.postgres.stored import StoredPostgres
from sinks.postgres.survey import survey
from sinks.postgres.tables import add_part, hold_part, known_outputs, let_read, make_output
from telemetry.newer_files import MADE_LATER

RESTORING: Final = "restoring"
DRILL: Final = "drill"
"""What such a schema is for, as its name begins."""
OURS: Final = "Roadfade: a restore is at work here, and removes it"
_HASH_LENGTH: Final = 12
_CHUNK_BYTES: Final = 1 << 20
_IN_IT: Final = "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace(%s)"
_PARTITIONS: Final = (
    "SELECT relname FROM pg_class"
    " WHERE relnamespace = to_regnamespace(%s) AND relkind = 'p' AND relispartition"
)
_HELD: Final = (
    "SELECT EXISTS (SELECT FROM _parts) OR EXISTS (SELECT FROM _positions)"
    " OR EXISTS (SELECT FROM _seen)"
)

Tell = Callable[[int, int], None]
"""Told of bytes that are put back, and how many there are."""


class PlaceTakenError(StoreUnusableError):
    """Something is where a store is to be put back; nothing was changed."""


class RestoredPostgres:
    """One store on its way back into ``place``.

    Every call raises OSError if PostgreSQL cannot be reached or refuses.
    """

    def __init__(self, place: Database, purpose: str, at: Hook = go_on) -> None:
        hashed = sha256(place.schema.encode()).hexdigest()[:_HASH_LENGTH]
        self._place = place
        self._beside = Database(place.dsn, f"{purpose}_{hashed}")
        self._at = at

    @property
    def beside(self) -> Database:
        """Where it is until it has its place."""
        return self._beside

    def require_room(self) -> None:
        """PlaceTakenError if its place holds rows, or what is not the store's."""
        with told(), closing(self._place.connect("restore")) as connection:
            _require_room(connection, self._place.schema)

    def put_back(self, folder: Path, token: str, tell: Tell) -> int:
        """Make the store beside its place; one that a killed restore left goes first. Blocks.

        It says from then on that it is a copy: ``token``. How many partitions there are, each of
        which holds what was copied, by the digests of its rows; else CopyDamagedError.
        """
        said = described(folder)
        if said.version > VERSION:
            msg = f"the copied store is newer than this program: {MADE_LATER}"
            raise CopyDamagedError(msg)
        self.drop()
        with told(), closing(self._beside.connect("restore")) as connection:
            self._begin(connection, said, token)
            numbers = known_outputs(connection)
            done, total = 0, sum((folder / part.path).stat().st_size for part in said.parts)
            for part in said.parts:
                self._put_part(connection, folder, said, part, numbers[part.output])
                done += (folder / part.path).stat().st_size
                tell(done, total)
            with connection.transaction():
                _put_places(connection, said.places)
                _copy_in(connection, "_seen", ["spot", "digest", "expires_ms"], folder / SEEN)
                self._at(Step.PUT_BACK)
        return len(said.parts)

    def store(self) -> StoredPostgres:
        """It, beside its place: for what has to go."""
        return StoredPostgres(self._beside)

    def take_place(self, token: str) -> None:
        """Give it its name, and readers their rights, at once; nothing if that was done. Blocks.

        PlaceTakenError if a store came there meanwhile, StoreTakenError beside its sink,
        StoreUnusableError if it is not there any more.
        """
        schema, beside = self._place.schema, self._beside.schema
        with (
            told(),
            closing(self._place.connect("restore")) as connection,
            locks.held(connection, schema, locks.SINK),
        ):
            if not _is_ours(connection, beside):
                self._require_done(connection, token)
                return
            with connection.transaction():
                _require_room(connection, schema)
                connection.execute(_said("DROP SCHEMA IF EXISTS {} CASCADE", schema))
                connection.execute(_said("ALTER SCHEMA {} RENAME TO {}", beside, schema))
                connection.execute(_said("COMMENT ON SCHEMA {} IS NULL", schema))
                for output in sorted(known_outputs(connection)):
                    let_read(connection, schema, output)
                self._at(Step.RENAMED)

    def drop(self) -> None:
        """Remove it from beside its place, if it is there; its bytes leave the log, too. Blocks."""
        beside = self._beside.schema
        with told(), closing(self._place.connect("restore")) as connection:
            if not _is_there(connection, beside):
                return
            if not _is_ours(connection, beside):
                msg = f"the schema {beside} is not of a restore: move it away, and repeat"
                raise PlaceTakenError(msg)
            # Each by itself: a statement over all would need a lock for every bucket at once.
            for (table,) in connection.execute(_PARTITIONS, (beside,)).fetchall():
                connection.execute(_said("DROP TABLE {}.{}", beside, table))
            connection.execute(_said("DROP SCHEMA {} CASCADE", beside))
            pass_log(connection)

    def _begin(self, connection: Connection, said: CopiedStore, token: str) -> None:
        with connection.transaction():
            connection.execute(_said("CREATE SCHEMA {}", self._beside.schema))
            ours = sql.SQL("COMMENT ON SCHEMA {} IS {}")
            connection.execute(ours.format(named(self._beside.schema), sql.Literal(OURS)))
            migrate(connection, self._beside.schema)
            say_copied(connection, said.name, token)
            for one in said.outputs:
                make_output(connection, one.output)
            had = [one.output for one in said.outputs if one.had_rows]
            connection.execute("UPDATE _outputs SET had_rows = output = ANY(%s)", (had,))

    def _put_part(
        self, connection: Connection, folder: Path, said: CopiedStore, part: CopiedPart, output: int
    ) -> None:
        place = Place(output, part.expires_ms)
        with connection.transaction():
            hold_part(connection, *place, part.buckets, part.oldest_ms)
            add_part(connection, *place, part.buckets)
            _copy_in(connection, rows_table(output), said.columns, folder / part.path)
            if content_of(connection, place.table, said.columns) != part.content:
                msg = "a partition does not hold what was copied: use another backup"
                raise CopyDamagedError(msg)
            for one in part.content:
                add_count(connection, place, one.policy_version, one.rows, one.readings)
            if not part.oldest_is_known:
                connection.execute(
                    "UPDATE _parts SET oldest_is_known = false"
                    " WHERE output = %s AND expires_ms = %s",
                    place,
                )
            self._at(Step.PUT_BACK)

    def _require_done(self, connection: Connection, token: str) -> None:
        if copied_as(connection) != token:
            msg = (
                "the store that was put back is neither beside its place nor in it: remove "
                "`_restoring` from the state folder, move away what is in office, ledger and "
                "schema, and restore anew"
            )
            raise StoreUnusableError(msg)


def _require_room(connection: Connection, schema: str) -> None:
    """What is there without a row is a store that a sink has only opened."""
    if not _is_there(connection, schema) or first(connection.execute(_IN_IT, (schema,))) == (0,):
        return
    is_store = first(connection.execute("SELECT to_regclass('_parts') IS NOT NULL"))[0]
    if not is_store or first(connection.execute(_HELD))[0] or survey(connection):
        msg = (
            f"the schema {schema} holds rows, or what is not the store's, and would be replaced: "
            "stop every process, have it renamed (ALTER SCHEMA … RENAME TO …) or dropped, and "
            "repeat. Drop it once the restore has succeeded: it holds what the policy ends"
        )
        raise PlaceTakenError(msg)


def _is_there(connection: Connection, schema: str) -> bool:
    return first(connection.execute("SELECT to_regnamespace(%s)", (schema,))) != (None,)


def _is_ours(connection: Connection, schema: str) -> bool:
    said = "SELECT obj_description(to_regnamespace(%s), 'pg_namespace')"
    return first(connection.execute(said, (schema,))) == (OURS,)


def _put_places(connection: Connection, places: list[CopiedPlace]) -> None:
    for one in places:
        connection.execute(
            "INSERT INTO _positions (spot, topic, partition_number, next_offset, topic_id,"
            " stored_before) OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s, %s)",
            (one.spot, one.topic, one.partition, one.next_offset, one.topic_id, one.stored_before),
        )
    if places:
        connection.execute(
            "SELECT setval(pg_get_serial_sequence('_positions', 'spot'), %s)",
            (max(one.spot for one in places),),
        )


def _copy_in(connection: Connection, table: str, columns: list[str], path: Path) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        named(table), listed(columns)
    )
    with (
        path.open("rb") as stream,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        while chunk := stream.read(_CHUNK_BYTES):
            copy.write(chunk)


def _said(statement: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*(named(name) for name in names))
