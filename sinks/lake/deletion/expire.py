"""The sweep: partitions whose expiry has come are unlinked. Needs no writer, asks no lock.

Deletion depends on nothing else: it needs no free byte, no file but the one it removes, and one
failure stops nothing after it. Each part is opened, unlinked, and only then counted, from its
footer; no data page is opened. After it the rows are no longer reachable through the file
system; the blocks may still lie on the disk.
"""

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path

from sinks.lake.durable import sync_directory
from sinks.lake.layout import STAGED, Partition, bucket_directories, partitions, removable
from sinks.lake.part_file import count_rows
from sinks.lake.staged import staged
from sinks.lake.standing import Standing, standing
from sinks.lake.survey import reason, said_place
from sinks.lake.workplace import clear_dead
from sinks.port.results import Oddity, Overdue, Strange, Swept


def expire_due(root: Path, now_ms: int) -> Swept:
    """Unlink every part whose expiry is at or before ``now_ms``, durably. Blocks.

    Idempotent, and safe beside a writer, a query and another sweep. Temporary files of
    dead processes go too, whatever their expiry.
    """
    sweeping = _Sweeping(root)
    for place in partitions(root):
        if place.expires_ms <= now_ms:
            sweeping.remove(place)
    sweeping.remove_staged(now_ms)
    clear_dead(root)
    rows_by_output = {output: rows for output, rows in sweeping.by_output.items() if rows}
    total = sum(rows_by_output.values())
    return Swept(sweeping.files, total, rows_by_output, sweeping.unknown, tuple(sweeping.left))


def overdue(root: Path, now_ms: int) -> list[Overdue]:
    """The partitions a sweep at ``now_ms`` would still find: rows kept past their expiry."""
    found = Counter[tuple[str, int]]()
    for place in partitions(root):
        if place.expires_ms <= now_ms:
            found[place.output, place.expires_ms] += len(removable(place))
    for waiting in staged(root):
        if waiting.place.expires_ms <= now_ms:
            found[waiting.place.output, waiting.place.expires_ms] += 1
    return [Overdue(*where, count) for where, count in sorted(found.items()) if count]


class _Sweeping:
    """One sweep: what it has removed so far, and what it could not."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._standing = _standing(root)
        self.files = 0
        self.unknown = 0
        """Removed parts whose rows could not be counted."""
        self.by_output: dict[str, int] = {}
        self.left: list[Strange] = []

    def remove(self, place: Partition) -> None:
        """Remove a partition's parts and what directories are empty then."""
        for path in removable(place):
            # While a sink is dead that merged it, a part's rows are in others, too.
            self._remove_part(place, path, counts=path not in self._standing.replaced)
        left = [one for one in bucket_directories(place) if not _is_removed(one)]
        if left or not _is_removed(place.path):
            for directory in (*left, place.path):
                _sync(directory)
        else:
            # What is unlinked from a directory without a name is out of reach with it: one
            # wait for the disk makes all of it durable, however many parts there were.
            _sync(place.path.parent)

    def remove_staged(self, now_ms: int) -> None:
        """Remove parts that wait for a place whose time has come: their sink may be dead."""
        removed = False
        for waiting in staged(self._root):
            if waiting.place.expires_ms <= now_ms:
                # Of what no checkpoint names, the records come again, or others hold the rows.
                self._remove_part(
                    waiting.place, waiting.path, counts=waiting.final in self._standing.brought
                )
                removed = True
        if removed:
            _sync(self._root / STAGED)

    def _remove_part(self, place: Partition, path: Path, *, counts: bool) -> None:
        handle = _opened(path)
        try:
            path.unlink()
            self.files += 1
            rows = self._rows(handle) if counts else 0
            self.by_output[place.output] = self.by_output.get(place.output, 0) + rows
        except FileNotFoundError:
            return  # another sweep was faster
        except OSError as error:
            said = said_place(path, self._root)
            self.left.append(Strange(Oddity.NOT_REMOVED, said, reason(error)))
        finally:
            if handle is not None:
                os.close(handle)

    def _rows(self, handle: int | None) -> int:
        """The rows of a file that is open and has no name any more; 0 if it cannot be counted."""
        found = None
        # No failure of a reader may stop deletion.
        with suppress(Exception):
            found = None if handle is None else count_rows(f"/proc/self/fd/{handle}")
        self.unknown += found is None
        return found or 0


def _standing(root: Path) -> Standing:
    """What the newest checkpoint says of parts; nothing, if it cannot be read."""
    try:
        return standing(root)
    except Exception:  # noqa: BLE001  # counting is worth no deletion
        return Standing()


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None  # it goes uncounted


def _sync(directory: Path) -> None:
    try:
        sync_directory(directory)
    except OSError:
        return


def _is_removed(directory: Path) -> bool:
    """Whether the directory is gone; it was empty, or another sweep was faster."""
    try:
        directory.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        # A writer put a part there meanwhile, or it holds a stranger's file: the next sweep
        # looks again.
        return False
    return True
