"""The one place that knows which store an installation has: a lake, or PostgreSQL."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from roadfade.clock import WallClock
from roadfade.refusal import NotReady, Refusal
from roadfade.settings import Settings
from sinks.lake.check import check
from sinks.lake.copying import CopiedLake, copy_lake
from sinks.lake.format import LakeFormatError
from sinks.lake.lake import Lake, LakeSettings
from sinks.lake.layout import RESERVE_FILE
from sinks.lake.rebucketing import Outlook, Rebucketed, Tell, outlook, rebucket
from sinks.lake.reserve import Reserve
from sinks.lake.stored import StoredLake
from sinks.port import core
from sinks.port.allowed import Judge, PlanOf
from sinks.port.kept_room import KeptRoom
from sinks.port.results import Checked, Holdings, Place
from sinks.port.sink import Sink, Store, StoreTakenError, StoreUnusableError
from sinks.query.session import Result, run_query

if TYPE_CHECKING:
    from sinks.postgres.connection import Database
    from sinks.postgres.copying import CopiedPostgres
    from sinks.postgres.stored import StoredPostgres

MEGABYTE: Final = 1_000_000
NO_DRIVER: Final = (
    "the store in PostgreSQL needs its driver: install the extra `roadfade[postgres]`"
)
logger = logging.getLogger(__name__)


class HeldStore(Store, Protocol):
    """A store that also says what it holds."""

    def holdings(self) -> Holdings:
        """How far each topic is kept, and how much of each output."""
        ...


class StoreBeside(Protocol):
    """A store that is put back beside its place, and takes it last."""

    def require_room(self) -> None:
        """StoreUnusableError if its place holds something."""
        ...

    def put_back(self, folder: Path, token: str, tell: Tell) -> int:
        """Make it of a copy; how many partitions hold what was copied, which is all of them."""
        ...

    def store(self) -> HeldStore:
        """It, beside its place."""
        ...

    def take_place(self, token: str) -> None:
        """Put it in its place, unless that was done."""
        ...

    def drop(self) -> None:
        """Remove it from beside its place."""
        ...


def tell_how_records_are_read() -> None:
    """Say it if that is done without the core; as a sink starts."""
    if not core.HAS_CORE:
        why = "the core is not built here, or is another version's"
        remedy = "`make core` builds it, or says what lacks"
        logger.warning("records are read in Python, slower: %s; %s", why, remedy)


def open_sink(settings: Settings, outputs: Mapping[str, str], plan_of: PlanOf) -> Sink:
    """The store's one writer; ``outputs`` maps each topic to its output's id. Blocks.

    Each record is held against the plan of its version.

    StoreTakenError while another writer lives, StoreFullError without room; NotReady if it cannot
    be opened as it is.
    """
    if settings.store == "postgres":
        return _open_postgres(settings, outputs, plan_of)
    how = LakeSettings(
        buckets=settings.lake_buckets,
        window=settings.lake_duplicates_window,
        compression=settings.lake_compression,
    )
    try:
        return Lake(settings.lake_dir, outputs, how, judge=Judge(plan_of))
    except LakeFormatError as error:
        raise NotReady(str(error)) from None


def store_of(settings: Settings) -> Store:
    """What is kept, beside its writer; opens nothing yet."""
    return _stored(settings)


def reserve_of(settings: Settings) -> KeptRoom | None:
    """Room that is kept for erasures; None: PostgreSQL has a disk of its own."""
    if settings.store != "lake":
        return None
    return Reserve(settings.lake_dir, settings.erase_reserve_mb * MEGABYTE)


def check_store(settings: Settings, now_ms: int) -> Checked:
    """What is kept and what is wrong with it; changes nothing. Blocks."""
    if settings.store == "postgres":
        return _stored_postgres(settings).checked(now_ms)
    return check(settings.lake_dir, now_ms)


def what_to_rebucket(settings: Settings) -> Outlook:
    """What ``rebucket_store`` would rewrite; changes nothing. Blocks. NotReady without a lake."""
    _require_lake(settings, "its partitions keep the buckets that they were made with")
    try:
        return outlook(settings.lake_dir, settings.lake_buckets)
    except LakeFormatError as error:
        raise NotReady(str(error)) from None


def rebucket_store(settings: Settings, clock: WallClock, tell: Tell) -> Rebucketed:
    """Rewrite what is not split into as many buckets as the settings say. Blocks.

    StoreTakenError while a sink or an erasure is at work, StoreFullError without room; NotReady if
    no sink would open it.
    """
    _require_lake(settings, "its partitions keep the buckets that they were made with")
    try:
        return rebucket(
            settings.lake_dir,
            settings.lake_buckets,
            settings.lake_duplicates_window,
            settings.lake_compression,
            clock,
            tell=tell,
        )
    except LakeFormatError as error:
        raise NotReady(str(error)) from None


def copy_of_lake(settings: Settings, target: Path, now_ms: int, tell: Tell) -> CopiedLake | None:
    """Copy the lake as it is at one moment; None if there is none to copy. Blocks.

    Refusal if others rewrite it all the time, NotReady if no sink would open it, StoreFullError
    without room.
    """
    if settings.store != "lake" or not settings.lake_dir.exists():
        return None
    try:
        return copy_lake(settings.lake_dir, target, settings.lake_duplicates_window, now_ms, tell)
    except LakeFormatError as error:
        raise NotReady(str(error)) from None
    except StoreTakenError as error:
        raise Refusal(str(error)) from None


def copy_of_postgres(
    settings: Settings, target: Path, now_ms: int, tell: Tell
) -> "CopiedPostgres | None":
    """Copy the store in PostgreSQL as it is at one moment; None if there is none. Blocks.

    Refusal if others rewrite it all the time, or it cannot be reached or is of another version;
    StoreFullError without room.
    """
    if settings.store != "postgres":
        return None
    database = _database(settings)
    from sinks.postgres.copying import copy_postgres  # noqa: PLC0415  # an extra

    with refused_if_unusable():
        if not _stored_postgres(settings).exists():
            return None
        return copy_postgres(database, target, now_ms, tell)


def bytes_to_copy(settings: Settings) -> int:
    """About how long the files of a copy of what is kept are. Blocks. Refusal as above."""
    if settings.store == "lake":
        lake = settings.lake_dir
        found = (Path(folder) / name for folder, _, names in os.walk(lake) for name in names)
        return sum(_length(path) for path in found if path != lake / RESERVE_FILE)  # not copied
    with refused_if_unusable():
        store = _stored_postgres(settings)
        return store.size() if store.exists() else 0


def postgres_beside(settings: Settings, *, drill: bool = False) -> StoreBeside:
    """A store in PostgreSQL on its way back; reaches nothing yet.

    Refusal if the settings name none, NotReady without its driver.
    """
    if settings.store != "postgres":
        msg = (
            "these rows are of a store in PostgreSQL, and the settings say that rows lie in a lake:"
            " set ROADFADE_STORE and ROADFADE_POSTGRES_DSN"
        )
        raise Refusal(msg)
    database = _database(settings)
    from sinks.postgres.restoring import DRILL, RESTORING, RestoredPostgres  # noqa: PLC0415  # an extra

    return RestoredPostgres(database, DRILL if drill else RESTORING)


def drop_drilled(settings: Settings) -> None:
    """Remove what a drill put into PostgreSQL, if anything. OSError if that cannot be reached."""
    postgres_beside(settings, drill=True).drop()


def postgres_version() -> int:
    """The version of a store's tables in PostgreSQL. NotReady without its driver."""
    try:
        from sinks.postgres.migrations import VERSION  # noqa: PLC0415  # an extra
    except ImportError:
        raise NotReady(NO_DRIVER) from None
    return VERSION


@contextmanager
def refused_if_unusable() -> Iterator[None]:
    """Refusal for a store that others hold, or that cannot be used or reached."""
    try:
        yield
    except (StoreTakenError, StoreUnusableError) as error:
        raise Refusal(str(error)) from None


def lake_in(folder: Path, compression: str) -> StoredLake:
    """A lake that lies elsewhere: one that is being restored."""
    return StoredLake(folder, compression)


def holdings_of(settings: Settings) -> Holdings:
    """How far each topic is kept, and how much of each output; changes nothing. Blocks."""
    return _stored(settings).holdings()


def places_of(settings: Settings) -> Mapping[tuple[str, int], Place]:
    """How far each topic is kept, and of which topic of that name; changes nothing. Blocks."""
    return _stored(settings).places()


def query(settings: Settings, output: str, statement: str, now_ms: int) -> Result:
    """Run one SELECT over one output's live rows. Blocks.

    QueryRefusedError or QueryFailedError if it may not or does not run; Refusal without a lake.
    """
    _require_lake(
        settings,
        f"the roles {settings.postgres_schema}_read_… may select from the views of their outputs",
    )
    return run_query(settings.lake_dir, output, statement, now_ms)


def _stored(settings: Settings) -> "StoredLake | StoredPostgres":
    if settings.store == "postgres":
        return _stored_postgres(settings)
    return StoredLake(settings.lake_dir, settings.lake_compression)


def _require_lake(settings: Settings, instead: str) -> None:
    if settings.store != "lake":
        msg = f"this installation keeps its rows in PostgreSQL, not in a lake: {instead}"
        raise Refusal(msg)


def _stored_postgres(settings: Settings) -> "StoredPostgres":
    database = _database(settings)
    from sinks.postgres.stored import StoredPostgres  # noqa: PLC0415  # an extra

    return StoredPostgres(database)


def _open_postgres(settings: Settings, outputs: Mapping[str, str], plan_of: PlanOf) -> Sink:
    database = _database(settings)
    from sinks.postgres.sink import PostgresSettings, PostgresSink  # noqa: PLC0415  # an extra

    how = PostgresSettings(settings.postgres_buckets, settings.lake_duplicates_window)
    try:
        return PostgresSink(database, outputs, how, judge=Judge(plan_of))
    except StoreUnusableError as error:
        raise NotReady(str(error)) from None


def _database(settings: Settings) -> "Database":
    """How PostgreSQL is reached; NotReady if its driver is not installed."""
    try:
        from sinks.postgres.connection import Database  # noqa: PLC0415  # an extra
    except ImportError:
        raise NotReady(NO_DRIVER) from None
    dsn = settings.postgres_dsn
    return Database("" if dsn is None else dsn.get_secret_value(), settings.postgres_schema)


def _length(file: Path) -> int:
    try:
        return file.lstat().st_size
    except FileNotFoundError:  # swept meanwhile
        return 0
