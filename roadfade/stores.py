"""The one place that knows which store an installation has: the lake of its settings."""

import logging
from collections.abc import Mapping

from roadfade.clock import WallClock
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from sinks.lake.check import check
from sinks.lake.format import LakeFormatError
from sinks.lake.lake import Lake, LakeSettings
from sinks.lake.rebucketing import Outlook, Rebucketed, Tell, outlook, rebucket
from sinks.lake.stored import StoredLake
from sinks.port import core
from sinks.port.allowed import Judge, PlanOf
from sinks.port.results import Checked, Holdings, Place
from sinks.port.sink import Sink, Store
from sinks.query.session import Result, run_query

logger = logging.getLogger(__name__)


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
    return StoredLake(settings.lake_dir, settings.lake_compression)


def check_store(settings: Settings, now_ms: int) -> Checked:
    """What is kept and what is wrong with it; changes nothing. Blocks."""
    return check(settings.lake_dir, now_ms)


def what_to_rebucket(settings: Settings) -> Outlook:
    """What ``rebucket_store`` would rewrite; changes nothing. Blocks. NotReady without a lake."""
    try:
        return outlook(settings.lake_dir, settings.lake_buckets)
    except LakeFormatError as error:
        raise NotReady(str(error)) from None


def rebucket_store(settings: Settings, clock: WallClock, tell: Tell) -> Rebucketed:
    """Rewrite what is not split into as many buckets as the settings say. Blocks.

    StoreTakenError while a sink or an erasure is at work, StoreFullError without room; NotReady if
    no sink would open it.
    """
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
    return StoredLake(settings.lake_dir, settings.lake_compression).holdings()


def places_of(settings: Settings) -> Mapping[tuple[str, int], Place]:
    """How far each topic is kept, and of which topic of that name; changes nothing. Blocks."""
    return StoredLake(settings.lake_dir, settings.lake_compression).places()


def query(settings: Settings, output: str, statement: str, now_ms: int) -> Result:
    """Run one SELECT over one output's live rows. Blocks.

    QueryRefusedError or QueryFailedError if it may not or does not run.
    """
    return run_query(settings.lake_dir, output, statement, now_ms)
