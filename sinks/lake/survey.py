"""What lies in a lake and is not the lake's. Lists names; opens no file and changes nothing.

Everything else passes over these names in silence: here they are told. A lake's own names are
those of ``layout``; names beginning with ``_`` or ``.`` beside them are strange too.
"""

import errno
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from sinks.lake.layout import (
    CHECKPOINTS,
    COPY_FILE,
    FORMAT_FILE,
    OFFSETS,
    RESERVE_FILE,
    RESTATING,
    STAGED,
    STORE_FILE,
    TEMPORARY,
    WRITING,
    Entry,
    is_bucket,
    is_file,
    is_folder,
    is_safe,
    read_expiry,
    read_part,
)
from sinks.port.results import Oddity, Strange

STRANGE_MAX: Final = 1_000
"""No more are told at once: whoever fills a lake with files does not fill the log too."""
PLACE_LENGTH_MAX: Final = 300
_FOLDERS: Final = frozenset({CHECKPOINTS, STAGED, TEMPORARY, RESTATING, OFFSETS, WRITING})
_FILES: Final = frozenset({
    FORMAT_FILE, f"{FORMAT_FILE}.new", STORE_FILE, COPY_FILE, RESERVE_FILE, f"{RESERVE_FILE}.new",
})  # fmt: skip


def survey(root: Path) -> list[Strange]:
    """Everything in the lake that is none of its own, in the order of the directories."""
    return list(islice(_root(root), STRANGE_MAX))


def said_place(path: Path, root: Path) -> str:
    """A path in the lake as one printable line: a strange name may hold any byte."""
    place = str(path.relative_to(root))
    printable = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in place)
    return printable[:PLACE_LENGTH_MAX]


def reason(error: OSError) -> str:
    """Why something failed, without the path that the error names."""
    return os.strerror(error.errno) if error.errno else type(error).__name__


def _root(root: Path) -> Iterator[Strange]:
    for entry in _listed(root, root):
        if isinstance(entry, Strange):
            yield entry
        elif is_folder(entry) and _is_purpose(entry.name):
            yield from _purpose(root, Path(entry.path))
        elif is_folder(entry) and entry.name == TEMPORARY:
            yield from _temporary(root, Path(entry.path))
        elif not (
            (is_folder(entry) and entry.name in _FOLDERS)
            or (is_file(entry) and entry.name in _FILES)
        ):
            yield _foreign(root, entry)


def _purpose(root: Path, folder: Path) -> Iterator[Strange]:
    for entry in _listed(root, folder):
        if isinstance(entry, Strange):
            yield entry
        elif is_folder(entry) and read_expiry(entry.name) is not None:
            yield from _partition(root, Path(entry.path))
        else:
            yield _foreign(root, entry)


def _partition(root: Path, folder: Path) -> Iterator[Strange]:
    for entry in _listed(root, folder):
        if isinstance(entry, Strange):
            yield entry
        elif is_folder(entry) and is_bucket(entry.name):
            for part in _listed(root, Path(entry.path)):
                if isinstance(part, Strange):
                    yield part
                elif not is_file(part) or read_part(part.name) is None:
                    yield _foreign(root, part)
        else:
            yield _foreign(root, entry)


def _temporary(root: Path, folder: Path) -> Iterator[Strange]:
    """A folder of temporary files without a lock has no owner whose death would end it."""
    for entry in _listed(root, folder):
        if isinstance(entry, Strange):
            yield entry
        elif entry.name.endswith(".lock"):
            if not is_file(entry):
                yield _foreign(root, entry)
        elif _is_nobodys(entry):
            yield _foreign(root, entry)


def _is_nobodys(entry: Entry) -> bool:
    owned = is_folder(entry) and os.path.lexists(f"{entry.path}.lock")
    return not owned and os.path.lexists(entry.path)  # else its owner ended a moment ago


def _is_purpose(name: str) -> bool:
    return name.startswith("purpose=") and is_safe(name.removeprefix("purpose="))


def _foreign(root: Path, entry: Entry) -> Strange:
    if is_folder(entry):
        why = "a directory with a name that is none of the lake's"
    elif is_file(entry):
        why = "a file with a name that is none of the lake's"
    else:
        why = "a link, a pipe or a device: a lake holds only files and directories"
    return Strange(Oddity.FOREIGN, said_place(Path(entry.path), root), why)


def _listed(root: Path, folder: Path) -> Iterator[Entry | Strange]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda one: one.name)
    except OSError as error:
        if error.errno != errno.ENOENT:  # else a sweep removed it a moment ago
            why = f"cannot be listed ({reason(error)}): what it holds cannot be removed"
            yield Strange(Oddity.NOT_REMOVED, said_place(folder, root), why)
        return
    yield from entries
