"""The sweep: partitions whose expiry has come are unlinked. Needs no writer, asks no lock.

Deletion depends on nothing else: it needs no free byte, no file but the one it removes, and one
failure stops nothing after it. Each part is opened, unlinked, and only then counted, from its
footer; no data page is opened. After it the rows are no longer reachable through the file
system; the blocks may still lie on the disk.
"""

import os
from contextlib import ExitStack
from pathlib import Path

import duckdb

from sinks.lake.durable import sync_directory
from sinks.lake.layout import Partition, bucket_directories, partitions, removable
from sinks.lake.parquet import connect, count_rows
from sinks.lake.survey import reason, said_place
from sinks.lake.workplace import clear_dead
from sinks.port.results import Oddity, Overdue, Strange, Swept


def expire_due(root: Path, now_ms: int) -> Swept:
    """Unlink every part whose expiry is at or before ``now_ms``, durably. Blocks.

    Idempotent, and safe beside a writer, a query and another sweep. Temporary files of
    dead processes go too, whatever their expiry.
    """
    with ExitStack() as closing:
        counter = _RowCounter(closing)
        sweeping = _Sweeping(root, counter)
        for place in partitions(root):
            if place.expires_ms <= now_ms:
                sweeping.remove(place)
    clear_dead(root)
    rows_by_output = {output: rows for output, rows in sweeping.by_output.items() if rows}
    total = sum(rows_by_output.values())
    return Swept(sweeping.files, total, rows_by_output, counter.unknown, tuple(sweeping.left))


def overdue(root: Path, now_ms: int) -> list[Overdue]:
    """The partitions a sweep at ``now_ms`` would still find: rows kept past their expiry."""
    return [
        Overdue(place.output, place.expires_ms, count)
        for place in partitions(root)
        if place.expires_ms <= now_ms and (count := len(removable(place)))
    ]


class _RowCounter:
    """Counts the rows of files that are open, and have no name any more."""

    def __init__(self, closing: ExitStack) -> None:
        self._closing = closing
        self._engine: duckdb.DuckDBPyConnection | None = None
        self.unknown = 0

    def rows(self, handle: int | None) -> int:
        """The rows of an open file; 0, and one more unknown, if they cannot be counted."""
        if handle is not None:
            try:
                if self._engine is None:
                    self._engine = self._closing.enter_context(connect(spill=None))
                return count_rows(self._engine, [Path(f"/proc/self/fd/{handle}")])
            except Exception:  # noqa: BLE001, S110  # no failure of an engine may stop deletion
                pass
        self.unknown += 1
        return 0


class _Sweeping:
    """One sweep: what it has removed so far, and what it could not."""

    def __init__(self, root: Path, counter: _RowCounter) -> None:
        self._root = root
        self._counter = counter
        self.files = 0
        self.by_output: dict[str, int] = {}
        self.left: list[Strange] = []

    def remove(self, place: Partition) -> None:
        """Remove a partition's parts and what directories are empty then."""
        for path in removable(place):
            self._remove_part(place, path)
        for directory in bucket_directories(place):
            _remove_directory(directory)
        _remove_directory(place.path)

    def _remove_part(self, place: Partition, path: Path) -> None:
        handle = _opened(path)
        try:
            path.unlink()
            self.files += 1
            rows = self._counter.rows(handle)
            self.by_output[place.output] = self.by_output.get(place.output, 0) + rows
        except FileNotFoundError:
            return  # another sweep was faster
        except OSError as error:
            said = said_place(path, self._root)
            self.left.append(Strange(Oddity.NOT_REMOVED, said, reason(error)))
        finally:
            if handle is not None:
                os.close(handle)


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None  # it goes uncounted


def _remove_directory(directory: Path) -> None:
    try:
        sync_directory(directory)
        directory.rmdir()
        sync_directory(directory.parent)
    except OSError:
        # Another sweep was faster, a writer put a part there meanwhile, or it holds a
        # stranger's file: the next sweep looks again.
        return
