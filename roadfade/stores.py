"""The one place that knows which store an installation has: the lake of its settings."""

from collections.abc import Mapping

from roadfade.settings import Settings
from sinks.lake.lake import Lake, LakeSettings
from sinks.lake.stored import StoredLake
from sinks.port.sink import Sink, Store
from sinks.query.session import Result, run_query


def open_sink(settings: Settings, outputs: Mapping[str, str]) -> Sink:
    """The store's one writer; ``outputs`` maps each topic to its output's id. Blocks.

    StoreTakenError while another writer lives.
    """
    how = LakeSettings(
        buckets=settings.lake_buckets,
        window=settings.lake_duplicates_window,
        compression=settings.lake_compression,
    )
    return Lake(settings.lake_dir, outputs, how)


def store_of(settings: Settings) -> Store:
    """What is kept, beside its writer; opens nothing yet."""
    return StoredLake(settings.lake_dir, settings.lake_compression)


def query(settings: Settings, output: str, statement: str, now_ms: int) -> Result:
    """Run one SELECT over one output's live rows. Blocks.

    QueryRefusedError or QueryFailedError if it may not or does not run.
    """
    return run_query(settings.lake_dir, output, statement, now_ms)
