"""The durable steps of a write, by name: where a crash may occur, and where tests cause it.

A hook is called after each step. The shipped one does nothing; a test's raises or kills.
"""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """A point between two changes of what is on the disk."""

    WRITTEN = "written"
    """A new part is durable under a temporary name."""
    STAGED = "staged"
    """It waits in ``_staged``."""
    STAGED_DURABLE = "staged_durable"
    """All staged names of a checkpoint are durable."""
    RECORD_WRITTEN = "record_written"
    RECORD_RENAMED = "record_renamed"
    RECORD_DURABLE = "record_durable"
    """The checkpoint holds from here on, whatever dies."""
    PART_RENAMED = "part_renamed"
    OLD_PART_REMOVED = "old_part_removed"
    """Merge: a part whose rows are in a new one is gone."""
    PARTS_DURABLE = "parts_durable"
    OLD_RECORD_REMOVED = "old_record_removed"
    MERGED = "merged"
    """Merge: a new part is durable under a temporary name."""
    REWRITTEN = "rewritten"
    """Erasure, restatement: a part with what stays is durable beside the old one."""
    REPLACED = "replaced"
    """Erasure: the new part has taken the old one's name. Restatement: the old part is gone."""
    NOTE_DURABLE = "note_durable"
    """Restatement: what to undo is known, should the process die from here on."""
    FORMAT_RENAMED = "format_renamed"
    """Migration: the lake is of this format from here on."""
    FORMAT_DURABLE = "format_durable"
    OLD_FORMAT_REMOVED = "old_format_removed"
    """Migration: a file of markers of the format before is gone."""


Hook = Callable[[Step], None]


def go_on(step: Step) -> None:
    """Do nothing at a step: how every process but a test's runs."""
