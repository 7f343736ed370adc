"""The same installation with its rows in PostgreSQL."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from office.erasure.saga import State
from office.registry.erasure_requests import NewErasure
from roadfade.settings import Settings
from sinks.port.results import Written
from sinks.port.selection import FoundRow, Selection
from sinks.postgres.connection import Database
from sinks.postgres.copied import OfVersion, content_of
from sinks.postgres.counts import parts
from sinks.postgres.sink import PostgresSettings, PostgresSink
from sinks.postgres.stored import StoredPostgres
from sinks.postgres.tables import COLUMNS
from telemetry.arrived import Arrived
from telemetry.identity import SubjectId
from tests.roadfade.backup.house import OUTPUT, House
from tests.sinks.postgres.stores import asked, done
from tests.sinks.records import A


class PostgresHouse(House):
    """One installation, and the two places of its backups."""

    def __init__(self, folder: Path, database: Database) -> None:
        super().__init__(folder)
        self.database = database
        self.settings = Settings(
            state_dir=folder / "state",
            store="postgres",
            postgres_dsn=SecretStr(database.dsn),
            postgres_schema=database.schema,
        )

    def write(self, records: Sequence[Arrived]) -> Written:
        """What a sink keeps of these."""
        sink = PostgresSink(self.database, {A: OUTPUT}, PostgresSettings(buckets=2))
        try:
            sink.refuse([one for one in self.office.commands() if one.output == OUTPUT])
            return sink.write(records, self.now_ms)
        finally:
            sink.close()

    def rows_of(self, who: SubjectId) -> list[FoundRow]:
        """Rows of a person in the store that have not ended."""
        with StoredPostgres(self.database) as store:
            return list(store.rows_of(OUTPUT, self.selection(who), self.now_ms))

    def located(self, who: SubjectId) -> int:
        """How many rows of a person lie in the store, whatever has ended."""
        with StoredPostgres(self.database) as store:
            return store.locate(OUTPUT, self.selection(who)).rows

    def content(self) -> dict[int, list[OfVersion]]:
        """What each partition holds, by digests."""
        with self.database.connect("test") as connection:
            columns = [name for name, _ in COLUMNS]
            return {
                part.place.expires_ms: content_of(connection, part.place.table, columns)
                for part in parts(connection)
            }

    def erased(self, new: NewErasure, until: State = State.GONE) -> str:
        """Carry an erasure out, in the store, too."""
        erasure = super().erased(new, until)
        with StoredPostgres(self.database) as store:
            for one in self.office.commands():
                if one.output == OUTPUT:
                    store.erase(OUTPUT, Selection.of(one), self.now_ms)
        return erasure

    def lose(self, *more: Path) -> None:
        """Lose office, ledger and store, and what else is named."""
        super().lose(*more)
        done(self.database, f"DROP SCHEMA {self.database.schema} CASCADE")

    def is_there(self) -> bool:
        """Whether there is a store."""
        with StoredPostgres(self.database) as store:
            return store.exists()

    def beside(self) -> list[str]:
        """Schemas of restores and drills."""
        found = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^(restoring|drill)_'"
        return [name for (name,) in asked(self.database, found)]
