"""A lake of format 1 becomes one of format 2 as its sink opens it; no row is touched.

Its markers become the first checkpoint; then ``_lake.json`` says 2, in one rename; then the markers
go. Killed before the rename, it is a lake of format 1, and all is done anew from the markers;
killed after it, what is left of them is removed. Parts stay as they are, until they are merged.
"""

from pathlib import Path

from sinks.lake.checkpoints import Checkpoint, SeenAt, put
from sinks.lake.durable import sync_if_there
from sinks.lake.format import FORMAT_VERSION, Format, LakeDamagedError, write_format
from sinks.lake.format_1.half_written import above_markers
from sinks.lake.format_1.markers import damaged_markers, marked
from sinks.lake.layout import OFFSETS, WRITING, entries
from sinks.lake.steps import Hook, Step
from sinks.lake.survey import said_place

_REMEDY = (
    "A marker must have been lost. Nothing was deleted: put `_offsets` back from a backup, or, if "
    "the topics still hold these records, move the parts away; `roadfade lake check` lists them"
)
_NO_MARKER = (
    "is damaged, or is no marker of this lake. Nothing was deleted: put `_offsets` back from a "
    "backup, or move away what is not the lake's; `roadfade lake check` lists what there is"
)


def migrate(root: Path, stored: Format, temporary: Path, at: Hook) -> None:
    """Carry a lake of format 1 over, durably. For the one writer. Blocks.

    LakeDamagedError, and nothing changed, if a marker is lost, damaged or a stranger's.
    """
    _remove_half_written(root)
    found = marked(root)
    places = [one.place for one in found]
    seen = [SeenAt(one.place.topic, one.place.partition, one.seen) for one in found]
    put(root, Checkpoint(1, places, seen, whole=True), temporary, at)
    write_format(root, Format(FORMAT_VERSION, stored.buckets), at)
    remove_markers(root, at)


def remove_markers(root: Path, at: Hook) -> None:
    """Remove what is left of format 1 in a lake that has a checkpoint. Blocks."""
    for folder in (root / OFFSETS, root / WRITING):
        for level in (*(one for one in entries(folder) if one.is_dir()), folder):
            _remove_files(level, at)


def _remove_files(folder: Path, at: Hook) -> None:
    found = [path for path in entries(folder) if path.is_file()]
    for path in found:
        path.unlink(missing_ok=True)
        at(Step.OLD_FORMAT_REMOVED)
    try:
        folder.rmdir()
    except OSError:
        return  # it is not there, or it holds a stranger's
    sync_if_there(folder.parent)


def _remove_half_written(root: Path) -> None:
    problems = damaged_markers(root)
    if problems:
        msg = f"{problems[0].place} {_NO_MARKER}"
        raise LakeDamagedError(msg)
    above = above_markers(root)
    if above.unproven:
        msg = (
            f"{len(above.unproven)} parts of this lake lie above their marker, and nothing proves "
            f"that they are half-written (the first is {said_place(above.unproven[0], root)}). "
            f"{_REMEDY}"
        )
        raise LakeDamagedError(msg)
    for path in above.half_written:
        path.unlink(missing_ok=True)  # a sweep beside us may have been first
    for directory in {path.parent for path in above.half_written}:
        # Else a power cut could bring the part back beside the rows that come again.
        sync_if_there(directory)
