"""How far a lake is, read from beside its sink: by its checkpoint, or the markers of format 1."""

from contextlib import suppress
from pathlib import Path

from sinks.lake.checkpoints import CheckpointDamagedError, newest, numbers_in
from sinks.lake.format import is_of_format_1
from sinks.lake.format_1.markers import marked_at_ms, marked_places
from sinks.lake.layout import CHECKPOINTS
from sinks.port.results import Place


def stored_places(root: Path) -> dict[tuple[str, int], Place]:
    """The next offset to write of each topic-partition that has a place, and of which topic.

    None at all if the newest checkpoint is damaged: no sink opens such a lake.
    """
    if is_of_format_1(root):
        return marked_places(root)
    try:
        found = newest(root)
    except CheckpointDamagedError:
        return {}
    places = [] if found is None else found.places
    return {(one.topic, one.partition): Place(one.next_offset, one.topic_id) for one in places}


def written_ms(root: Path) -> int | None:
    """The time of the newest checkpoint, by whatever clock dated it; None if nothing was written.

    The first is the one that a lake begins with. What cannot be read has no time.
    """
    if is_of_format_1(root):
        return marked_at_ms(root)
    numbers = numbers_in(root)
    if numbers and numbers[-1] > 1:
        with suppress(OSError):
            found = (root / CHECKPOINTS / str(numbers[-1])).lstat()
            return found.st_mtime_ns // 1_000_000
    return None
