"""The sealed store: a folder for each command of a hold, in it whole files of rows, or none.

In: a store, and commands of holds. Out: copies of the rows meant, each row once, and how many there
are. Copying changes nothing in the store, and no deletion waits for it but an erasure's, which is
asked elsewhere. What has expired is not copied: a hold revives nothing. Everything blocks; one
process writes a folder, the store's one writer.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from sinks.holds.copied import Copied, is_sealed
from sinks.holds.sealing import sealed
from sinks.holds.steps import Hook, Step, go_on
from sinks.port.selection import FoundRow, Selection
from sinks.port.sink import Store
from telemetry.held_copy import ROWS_MAX, SUFFIX, HeldHeader, bound_to, framed, row_digest
from telemetry.identity import Pseudonym
from telemetry.wire.hold import HoldCommand

_TEMPORARY: Final = ".part"
New = tuple[FoundRow, bytes]
"""A row that is in no copy yet, and its digest."""


class Held(NamedTuple):
    """What is in the copies of one command."""

    rows: int
    unreadable: int
    """Parts of the store that may hold more, and cannot be read."""
    complete: bool
    """Whether all rows meant are there; False: the limit of rows is reached."""


def selection_of(command: HoldCommand) -> Selection:
    """The rows that a hold names, whatever they rest on."""
    return Selection(
        frozenset(map(Pseudonym, command.pseudonyms)),
        frozenset(),
        frozenset(command.lanes),
        command.from_ms,
        command.to_ms,
        MappingProxyType(dict(command.floors_ms)),
    )


class HoldFolder:
    """The copies of all commands below one folder."""

    def __init__(
        self, root: Path, rows_max: int, at: Hook = go_on, copied: Copied | None = None
    ) -> None:
        """``rows_max``: rows that are copied for one command at most."""
        self._root = root
        self._rows_max = rows_max
        self._at = at
        self._copied = Copied() if copied is None else copied

    def ask_anew(self, command: str) -> None:
        """Have a command's files read once more, whether they seem to have changed or not."""
        self._copied.ask_anew(self._root / command)

    def read_on(self, command: str, *, anew: bool = False, spare: bool = False) -> bool:
        """Read a piece of a command's files that is not known; whether all is now.

        ``anew``, ``spare``: see ``Copied``. ``copy`` reads what is left, however much that is.
        """
        folder = self._root / command
        if folder.is_symlink() or not folder.is_dir():
            return True  # ``copy`` makes it, or says what is wrong
        return self._copied.read_on(folder, anew=anew, spare=spare)

    def copy(
        self,
        store: Store,
        command: HoldCommand,
        now_ms: int,
        only: Collection[Pseudonym] | None = None,
    ) -> Held:
        """Copy the rows meant that are in no copy yet; durable on return.

        ``only``: of these pseudonyms alone; then it is not known what cannot be read. OSError if
        there is no room: what was copied stays, and the next call goes on. MemoryError if the rows
        of one pseudonym need more memory than the store may take.
        """
        folder = self._made(command.command)
        known = self._copied.digests(folder)
        asked = selection_of(command)
        if only is not None:
            asked = asked._replace(pseudonyms=asked.pseudonyms & frozenset(only))
        complete = self._copy(folder, store, command, asked, known, now_ms)
        unreadable = store.locate(command.output, asked).unreadable if only is None else 0
        return Held(len(known), unreadable, complete)

    def delete(self, command: str) -> None:
        """Delete the copies of a command that is released; durable on return, may be repeated."""
        folder = self._root / command
        self._copied.forget(folder)
        if folder.is_symlink():
            folder.unlink()  # never what it leads to: no copy was written through it
        elif not folder.is_dir():
            return
        else:
            # Ours first: what somebody else put there, and cannot be deleted, keeps none of them.
            for path in sorted(folder.iterdir(), key=lambda one: (not is_sealed(one), one.name)):
                _remove(path)
                self._at(Step.FILE_DELETED)
            folder.rmdir()
        _sync(self._root)
        self._at(Step.FOLDER_DELETED)

    def _copy(
        self,
        folder: Path,
        store: Store,
        command: HoldCommand,
        asked: Selection,
        known: set[bytes],
        now_ms: int,
    ) -> bool:
        """Whether there was no limit; ``known`` has every row that is copied when it returns."""
        if not asked.pseudonyms:
            return True
        try:
            fresh = _fresh(store.rows_of(command.output, asked, now_ms), command.command, known)
            while some := list(islice(fresh, ROWS_MAX)):
                room = self._rows_max - len(known)
                if room <= 0:
                    return False
                self._keep(folder, command, some[:room], now_ms)
                known.update(digest for _, digest in some[:room])
                if len(some) > room:
                    return False
        except MemoryError:
            # A store sorts what it hands out: half of the pseudonyms need half of the memory.
            if len(asked.pseudonyms) == 1:
                raise
            names = sorted(asked.pseudonyms)
            halves = names[: len(names) // 2], names[len(names) // 2 :]
            parts = [asked._replace(pseudonyms=frozenset(half)) for half in halves]
            both = [self._copy(folder, store, command, part, known, now_ms) for part in parts]
            return all(both)
        return True

    def _keep(self, folder: Path, command: HoldCommand, some: Sequence[New], now_ms: int) -> None:
        header = HeldHeader(
            command=command.command, output=command.output, rows=len(some), copied_ms=now_ms
        )
        digests = [digest for _, digest in some]
        bound = bound_to(header, digests)
        body = sealed([row for row, _ in some], bytes.fromhex(command.public_key), bound)
        name = secrets.token_hex(16)
        temporary, final = f"{name}{_TEMPORARY}", f"{name}{SUFFIX}"
        # All by the folder itself: a link that is put in its place meanwhile leads nowhere.
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            _write(temporary, framed(header, digests, body), at)
            self._at(Step.WRITTEN)
            os.rename(temporary, final, src_dir_fd=at, dst_dir_fd=at)
            self._at(Step.RENAMED)
            os.fsync(at)
        finally:
            os.close(at)
        self._copied.add(folder / final, b"".join(digests))
        self._at(Step.DURABLE)

    def _made(self, command: str) -> Path:
        """The command's folder, without what a dead process left half written."""
        folder = self._root / command
        if folder.is_symlink():
            raise NotADirectoryError(errno.ENOTDIR, "a link is in place of a folder of copies")
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync(self._root)
            _sync(self._root.parent)
            self._at(Step.FOLDER_MADE)
        for left in folder.glob(f"*{_TEMPORARY}"):
            _remove(left)
        return folder


def _fresh(rows: Iterable[FoundRow], key: str, known: Collection[bytes]) -> Iterator[New]:
    """The rows that are in no copy; equal ones are as many as there are.

    A row's end and version are no part of it: a new version of the policy may date the same row
    anew.
    """
    for _, group in groupby(rows, key=lambda row: (row.t_ms, row.record, row.signal)):
        seen = dict[tuple[object, ...], int]()
        for row in group:
            words = _words(row)
            number = seen.get(words, 0)
            seen[words] = number + 1
            digest = row_digest(key, words, number)
            if digest not in known:
                yield row, digest


def _words(row: FoundRow) -> tuple[object, ...]:
    return (
        row.record, row.signal, row.t_ms, row.number, row.text, row.unit, row.lane, row.consent,
        row.pseudonym,
    )  # fmt: skip


def _remove(path: Path) -> None:
    """Delete whatever it is; of a link the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _write(name: str, content: bytes, at: int) -> None:
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=at)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
