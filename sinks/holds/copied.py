"""Which rows are in the sealed files of a command, remembered for as long as the files stay.

In: a folder of sealed files. Out: the digests of their rows. A file that has the size, the time
and the inode that it had when it was read is not read again, until it is asked for anew: only
reading shows what a disk has damaged. It is read piece by piece, so that nobody waits for all of
a large hold. Everything blocks; one process writes a folder.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from telemetry.held_copy import DIGEST_BYTES, FILE_BYTES_MAX, FILE_NAME, unframed

PIECE_BYTES: Final = 64 * 1024 * 1024
"""So much is read at once, and one file at least: some tenths of a second."""
REMEMBERED_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of digests of all commands together, but for the one looked at and the one that is spared;
beyond, those looked at longest ago are read again."""


class _Facts(NamedTuple):
    """What a file has as long as nobody writes it anew."""

    size: int
    changed_ns: int
    inode: int


class _File(NamedTuple):
    facts: _Facts
    digests: bytes
    """One behind the other; none: it is damaged, or too large to be ours."""
    fresh: bool
    """Whether it was read since it was asked for anew."""


class Copied:
    """Remembers by folder what was read there."""

    def __init__(
        self, piece_bytes: int = PIECE_BYTES, remembered_bytes_max: int = REMEMBERED_BYTES_MAX
    ) -> None:
        self._piece_bytes = max(1, piece_bytes)
        self._remembered_bytes_max = remembered_bytes_max
        self._folders: dict[Path, dict[str, _File]] = {}
        """The one looked at longest ago first."""
        self._spared: Path | None = None
        """The one that an erasure waited for last: it is forgotten for no other's sake."""

    def ask_anew(self, folder: Path) -> None:
        """Have every file there read once more by ``read_on``; what is known of it stays known."""
        known = self._folders.get(folder, {})
        self._folders[folder] = {name: file._replace(fresh=False) for name, file in known.items()}

    def read_on(self, folder: Path, *, anew: bool = False, spare: bool = False) -> bool:
        """Read a piece of what is not known; whether all is now.

        ``anew``: with what was asked for anew. ``spare``: forget this one for no other's sake,
        until another is to be spared: else it might never be known to its end.
        """
        if spare:
            self._spared = folder
        known = self._folders.pop(folder, {})
        self._folders[folder] = known
        left = self._piece_bytes
        there = list(sealed_files(folder))
        for path in there:
            facts = _facts(path)
            file = known.get(path.name)
            if file is not None and file.facts == facts and (file.fresh or not anew):
                continue
            if left <= 0:
                return False
            known[path.name] = _File(facts, _digests_in(path, facts), fresh=True)
            left -= facts.size
        for name in known.keys() - {path.name for path in there}:
            del known[name]
        self._forget_some(folder)
        return True

    def digests(self, folder: Path) -> set[bytes]:
        """Of every row in a whole file; what is damaged holds nothing, so it is copied again."""
        while not self.read_on(folder):
            pass
        return {
            file.digests[at : at + DIGEST_BYTES]
            for file in self._folders[folder].values()
            for at in range(0, len(file.digests), DIGEST_BYTES)
        }

    def add(self, path: Path, digests: bytes) -> None:
        """Know what was just written to a file, durably."""
        known = self._folders.setdefault(path.parent, {})
        known[path.name] = _File(_facts(path), digests, fresh=True)

    def forget(self, folder: Path) -> None:
        """Remember nothing of a folder."""
        self._folders.pop(folder, None)
        if self._spared == folder:
            self._spared = None

    def _forget_some(self, but: Path) -> None:
        sizes = {
            folder: sum(len(file.digests) for file in files.values())
            for folder, files in self._folders.items()
        }
        over = sum(sizes.values()) - self._remembered_bytes_max
        for folder in [one for one in sizes if one not in (but, self._spared)]:
            if over <= 0:
                break
            over -= sizes[folder]
            self.forget(folder)


def is_sealed(path: Path) -> bool:
    """Whether it is a file of ours by its name and kind."""
    return FILE_NAME.fullmatch(path.name) is not None and not path.is_symlink() and path.is_file()


def sealed_files(folder: Path) -> Iterator[Path]:
    """Those of a folder, in the order of their names."""
    return filter(is_sealed, sorted(folder.iterdir()))


def _facts(path: Path) -> _Facts:
    found = path.stat()
    return _Facts(found.st_size, found.st_mtime_ns, found.st_ino)


def _digests_in(path: Path, facts: _Facts) -> bytes:
    if facts.size > FILE_BYTES_MAX:
        return b""
    copy = unframed(path.read_bytes())
    return b"" if copy is None else b"".join(copy.digests)
