"""The sweep: partitions whose expiry has come are unlinked. Needs no writer, asks no lock.

Cost depends on files, not on rows. Row counts come from footers, read before unlinking;
no data page is opened. After it the rows are no longer reachable through the file system;
the blocks may still lie on the disk.
"""

from pathlib import Path

import duckdb

from sinks.lake.durable import sync_directory
from sinks.lake.layout import Partition, bucket_directories, files, partitions
from sinks.lake.parquet import connect, count_rows
from sinks.lake.workplace import clear_dead
from sinks.port.results import Overdue, Swept


def expire_due(root: Path, now_ms: int) -> Swept:
    """Unlink every part whose expiry is at or before ``now_ms``, durably. Blocks.

    Idempotent, and safe beside a writer, a query and another sweep. Temporary files of
    dead processes go too, whatever their expiry.
    """
    clear_dead(root)
    total_files = uncounted = 0
    by_output: dict[str, int] = {}
    with connect(spill=None) as engine:
        for place in partitions(root):
            if place.expires_ms > now_ms:
                continue
            removed, rows, unknown = _remove(engine, place)
            total_files += removed
            uncounted += unknown
            by_output[place.output] = by_output.get(place.output, 0) + rows
    rows_by_output = {output: rows for output, rows in by_output.items() if rows}
    return Swept(total_files, sum(by_output.values()), rows_by_output, uncounted)


def overdue(root: Path, now_ms: int) -> list[Overdue]:
    """The partitions a sweep at ``now_ms`` would still find: rows kept past their expiry."""
    return [
        Overdue(place.output, place.expires_ms, count)
        for place in partitions(root)
        if place.expires_ms <= now_ms and (count := len(files(place)))
    ]


def _remove(engine: duckdb.DuckDBPyConnection, place: Partition) -> tuple[int, int, int]:
    paths = files(place)
    rows = unknown = 0
    for path in paths:
        try:
            rows += count_rows(engine, [path])
        except duckdb.Error:
            # A damaged footer, or another sweep was faster: deleting comes before counting.
            unknown += path.exists()
        path.unlink(missing_ok=True)
    for directory in bucket_directories(place):
        _remove_directory(directory)
    _remove_directory(place.path)
    return len(paths), rows, unknown


def _remove_directory(directory: Path) -> None:
    try:
        sync_directory(directory)
        directory.rmdir()
    except OSError:
        # Another sweep was faster, a writer put a part there meanwhile, or it holds a
        # stranger's file: the next sweep looks again.
        return
    sync_directory(directory.parent)
