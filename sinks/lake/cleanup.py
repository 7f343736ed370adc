"""Removing what a killed writer left half done, before anything new is written.

A part is whole only when its topic-partition's marker is at or above its last offset;
any other is deleted, and its records, never committed, come again from Kafka.
"""

from pathlib import Path

from sinks.lake.durable import sync_if_there
from sinks.lake.layout import files, partitions, read_part
from sinks.lake.markers import DurableOffsets


def remove_unmarked(root: Path) -> int:
    """Delete every part above its marker; return how many. For the lake's one writer only."""
    durable = DurableOffsets(root)
    removed = 0
    for place in partitions(root):
        touched: set[Path] = set()
        for path in files(place):
            part = read_part(path.name)
            if part is None or durable.covers(part):
                continue
            path.unlink(missing_ok=True)  # a sweep beside us may have been first
            touched.add(path.parent)
            removed += 1
        for directory in touched:
            # Else a power cut could bring the part back below a marker that is past it by then.
            sync_if_there(directory)
    return removed
