"""What a killed writer left half done is removed before anything new is written.

A part is whole only when its topic-partition's marker stands at or above its last offset;
any other is deleted, and its records, never committed, come again from Kafka.
"""

from pathlib import Path

from sinks.durable import sync_if_there
from sinks.layout import Partition, files, marker_directory, partitions, read_part
from sinks.markers import stored_lasts


def remove_unmarked(root: Path) -> int:
    """Delete every part above its marker; how many. Only the lake's one writer may call it."""
    marked: dict[tuple[str, int], int] = {}
    removed = 0
    for place in partitions(root):
        touched: set[Path] = set()
        for path in _unmarked(root, place, marked):
            path.unlink(missing_ok=True)  # a sweep beside us may have been first
            touched.add(path.parent)
            removed += 1
        for directory in touched:
            # Else a power cut could bring the part back under a marker that passed it by then.
            sync_if_there(directory)
    return removed


def _unmarked(root: Path, place: Partition, marked: dict[tuple[str, int], int]) -> list[Path]:
    found = []
    for path in files(place):
        part = read_part(path.name)
        if part is None:
            continue
        owner = (part.topic, part.partition)
        if owner not in marked:
            lasts = stored_lasts(marker_directory(root, *owner))
            marked[owner] = lasts[-1] if lasts else -1
        if part.last > marked[owner]:
            found.append(path)
    return found
