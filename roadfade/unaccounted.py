"""Removed readings that the ledger has not taken yet, also those of a process that has ended.

In: what was removed. Out: the ledger's account of it, now or later; until then a small file beside
the ledger, if there is room for one. Nothing depends on it. Each process has a file of its own,
locked for as long as the process lives; whoever finds one without its process may take it in.
Blocking.
"""

import fcntl
import json
import os
import secrets
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

from roadfade.ledger_file import NOT_COUNTED, LedgerFile

_BYTES_MAX: Final = 64 * 1024
"""A file that grew longer begins anew with its next line."""
_LONGEST_COUNT: Final = 2**63 - 1


class Unaccounted(NamedTuple):
    """One file, and its readings by output."""

    path: Path
    by_output: Mapping[str, int]


class Journal:
    """The own file of this process; made when there is something to write."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._path: Path | None = None
        self._descriptor = -1

    @property
    def name(self) -> str:
        """The file's name, which no other has or will have; empty if there is none."""
        return "" if self._path is None else self._path.name

    def write(self, waiting: Mapping[str, int]) -> None:
        """Keep what waits now, in place of what was kept before, if that can be written."""
        with suppress(OSError):
            if self._path is None:
                self._make()
            if os.lseek(self._descriptor, 0, os.SEEK_CUR) > _BYTES_MAX:
                os.ftruncate(self._descriptor, 0)
                os.lseek(self._descriptor, 0, os.SEEK_SET)
            # Only a whole line counts: what is cut off by a full disk is not read.
            os.write(self._descriptor, b"\n" + json.dumps(waiting).encode() + b"\n")
            os.fsync(self._descriptor)

    def _make(self) -> None:
        path = self._ledger.with_name(f"{self._ledger.name}.unaccounted-{secrets.token_hex(16)}")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._path, self._descriptor = path, descriptor

    def drop(self) -> None:
        """Forget what was kept: the ledger has it. The next file has another name."""
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._path = None


@contextmanager
def left_behind(ledger: Path) -> Iterator[list[Unaccounted]]:
    """The files of processes that have ended, locked meanwhile."""
    with ExitStack() as files:
        found = []
        for path in _beside(ledger):
            with suppress(OSError):
                file = files.enter_context(path.open("rb"))
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found.append(Unaccounted(path, _last_line(file.read(2 * _BYTES_MAX))))
        yield found


def _beside(ledger: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(ledger.parent.glob(f"{ledger.name}.unaccounted-*"))
    return []


def _last_line(text: bytes) -> Mapping[str, int]:
    """The last line that is whole; nothing if none is."""
    for line in reversed(text.split(b"\n")[:-1]):
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and all(map(_is_count, found.values())):
            return found
    return {}


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LONGEST_COUNT


def _readings(by_output: Mapping[str, int]) -> int:
    return sum(count for output, count in by_output.items() if output != NOT_COUNTED)


class ExpiredAccount:
    """Removed readings on their way into a ledger that may be damaged, or on a full disk.

    Nothing is opened before there is something to account; what the ledger cannot take waits here
    and goes in with the next call that succeeds, or, if this process ends before and had room for
    a note of it, with one of a later process. Blocking; threads wait for each other.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting = Counter[str]()
        self._left = 0
        self._journal = Journal(path)
        self._turn = Lock()

    @property
    def waiting(self) -> int:
        """How many removed readings the ledger has not taken yet."""
        return _readings(self._waiting) + self._left

    def add(self, by_output: Mapping[str, int]) -> str | None:
        """Account removed readings; why the ledger could not take them, None if it did."""
        with self._turn:
            return self._add(by_output)

    def _add(self, by_output: Mapping[str, int]) -> str | None:
        self._waiting.update(by_output)
        why = self._take_in_what_was_left()
        if self._waiting.total():
            why = self._given(self._waiting, self._journal.name)
            if why is None:
                self._waiting.clear()
                self._journal.drop()
            elif any(by_output.values()):
                self._journal.write(self._waiting)
        return why

    def _take_in_what_was_left(self) -> str | None:
        """Account what processes that have ended could not; why the ledger could not take it."""
        self._left, why = 0, None
        with left_behind(self._path) as journals:
            for path, by_output in journals:
                failure = self._given(by_output, path.name) if by_output else None
                if failure is None:
                    with suppress(OSError):
                        path.unlink(missing_ok=True)
                else:
                    self._left += _readings(by_output)
                    why = failure
        return why

    def _given(self, by_output: Mapping[str, int], journal: str) -> str | None:
        try:
            LedgerFile(self._path).add_expired(by_output, journal)
        except (OSError, sqlite3.Error) as error:
            return error.strerror or str(error) if isinstance(error, OSError) else str(error)
        return None
