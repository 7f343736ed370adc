"""Which offsets the files of a broker hold, if its folder is on this machine. Reads no record.

In: where brokers say that they log. Out: the first offset that any file of a partition has, closed
and deleted ones included, or that nobody can say from here: another machine may have a folder of
the same name, so the folder must carry the cluster's own id.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from bus.ports import LogFolders

OFFSET_BYTES: Final = 8
"""A batch begins with its first offset, in network order; a file begins with a batch."""
_PLACE: Final = re.compile(r"(.+)-(\d+)(?:\.[0-9a-f]{32}-(?:delete|future|stray))?")
"""The folder of a partition, or what became of one: of a topic that was there before, say."""


def folders_here(told: LogFolders) -> list[Path] | None:
    """The brokers' folders; None if one of them cannot be looked into from here. Blocks.

    Two brokers whose folders have one name are on two machines: the folder here is one of them.
    """
    found = [Path(folder) for folder in told.folders]
    if not found or len(set(found)) < len(found):
        return None
    return found if all(_is_of(folder, told.cluster) for folder in found) else None


def first_offsets(folders: Sequence[Path], topic: str) -> dict[int, int]:
    """The first offset in any file of each partition; one that has no folder is absent. Blocks.

    ``topic`` is its whole name on the cluster. A partition whose files are empty has the offset
    that its newest one begins with. OSError if a folder cannot be looked into.
    """
    found: dict[int, int] = {}
    for number, files in _places(folders, topic):
        begun = [offset for file in files if (offset := _first_offset(file)) is not None]
        empty = max((int(file.name.partition(".")[0]) for file in files), default=0)
        first = min(begun, default=empty)
        found[number] = min(first, found.get(number, first))
    return found


def _is_of(folder: Path, cluster: str) -> bool:
    try:
        lines = (folder / "meta.properties").read_text("utf-8").splitlines()
        next(folder.iterdir(), None)
    except OSError:
        return False
    return f"cluster.id={cluster}" in lines


def _places(folders: Sequence[Path], topic: str) -> Iterator[tuple[int, list[Path]]]:
    """Each folder that holds a partition of the topic, with its segments, due ones included."""
    for folder in folders:
        for place in folder.iterdir():
            named = _PLACE.fullmatch(place.name)
            if named is not None and named[1] == topic:
                yield int(named[2]), [file for file in place.iterdir() if ".log" in file.suffixes]


def _first_offset(file: Path) -> int | None:
    """The offset of its first record; None if it has none, or is gone."""
    try:
        with file.open("rb") as segment:
            head = segment.read(OFFSET_BYTES)
    except FileNotFoundError:
        return None
    return int.from_bytes(head, "big") if len(head) == OFFSET_BYTES else None
