"""Which of some records have rows in the lake: asked after a topic was made anew.

In: ids. Out: those that are there. Checkpoints remember the latest ids only, and a topic that was
filled again from a copy may hold records of any age.
"""

from collections.abc import Sequence
from pathlib import Path

from sinks.lake.layout import files, partitions
from sinks.lake.part_file import records_in


def stored_ids(root: Path, output: str, ids: Sequence[str]) -> frozenset[str]:
    """The ids that an output's rows have. Reads one column of all its files.

    A file that a sweep removes meanwhile had rows that are to end; one that is damaged has none
    that anybody could read.
    """
    wanted = frozenset(ids)
    found = set[str]()
    for place in partitions(root, output):
        for path in files(place):
            found |= wanted & records_in(path)
    return frozenset(found)
