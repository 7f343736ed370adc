"""The one place that knows which store an installation has: a lake, or PostgreSQL."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol

from roadfade.clock import WallClock
from roadfade.refusal import NotReady, Refusal
from roadfade.settings import Settings
from sinks.lake.check import check
from sinks.lake.format import LakeFormatError
from sinks.lake.lake import Lake, LakeSettings
from sinks.lake.rebucketing import Outlook, Rebucketed, Tell, outlook, rebucket
from sinks.lake.reserve import Reserve
from sinks.lake.stored import StoredLake
from sinks.port import core
from sinks.port.allowed import Judge, PlanOf
from sinks.port.kept_room import KeptRoom
from sinks.port.results import Checked, Holdings, Place
from sinks.port.sink import Sink, Store, StoreUnusableError
from sinks.query.session import Result, run_query

if TYPE_CHECKING:
    from sinks.postgres.connection import Database
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
        return stored_postgres(settings).checked(now_ms)
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
        return stored_postgres(settings)
    return StoredLake(settings.lake_dir, settings.lake_compression)


def _require_lake(settings: Settings, instead: str) -> None:
    if settings.store != "lake":
        msg = f"this installation keeps its rows in PostgreSQL, not in a lake: {instead}"
        raise Refusal(msg)


def stored_postgres(settings: Settings) -> "StoredPostgres":
    """The store in PostgreSQL; NotReady without its driver."""
    database = database_of(settings)
    from sinks.postgres.stored import StoredPostgres  # noqa: PLC0415  # an extra

    return StoredPostgres(database)


def _open_postgres(settings: Settings, outputs: Mapping[str, str], plan_of: PlanOf) -> Sink:
    database = database_of(settings)
    from sinks.postgres.sink import PostgresSettings, PostgresSink  # noqa: PLC0415  # an extra

    how = PostgresSettings(settings.postgres_buckets, settings.lake_duplicates_window)
    try:
        return PostgresSink(database, outputs, how, judge=Judge(plan_of))
    except StoreUnusableError as error:
        raise NotReady(str(error)) from None


def database_of(settings: Settings) -> "Database":
    """How PostgreSQL is reached; NotReady if its driver is not installed."""
    try:
        from sinks.postgres.connection import Database  # noqa: PLC0415  # an extra
    except ImportError:
        raise NotReady(NO_DRIVER) from None
    dsn = settings.postgres_dsn
    return Database("" if dsn is None else dsn.get_secret_value(), settings.postgres_schema)
