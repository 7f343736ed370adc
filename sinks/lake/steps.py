"""The durable steps of a write, by name: where a crash may occur, and where tests cause it.

A hook is called after each step. The shipped one does nothing; a test's raises or kills.
"""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """A point between two changes of what is on the disk."""

    TEMPORARY_WRITTEN = "temporary_written"
    TEMPORARY_DURABLE = "temporary_durable"
    PART_RENAMED = "part_renamed"
    PART_DURABLE = "part_durable"
    MARKER_WRITTEN = "marker_written"
    MARKER_RENAMED = "marker_renamed"
    MARKER_DURABLE = "marker_durable"
    OLD_MARKER_REMOVED = "old_marker_removed"
    REWRITTEN = "rewritten"
    """Erasure, restatement: a part with what stays is durable beside the old one."""
    REPLACED = "replaced"
    """Erasure: the new part has taken the old one's name. Restatement: the old part is gone."""
    NOTE_DURABLE = "note_durable"
    """Restatement: what to undo is known, should the process die from here on."""


Hook = Callable[[Step], None]


def go_on(step: Step) -> None:
    """Do nothing at a step: how every process but a test's runs."""
