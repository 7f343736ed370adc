"""The durable steps of copying for a hold, by name: where a crash may occur, or a test causes it.

A hook is called after each step. The shipped one does nothing; a test's raises or kills.
"""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """A point between two changes of what is on the disk."""

    FOLDER_MADE = "folder_made"
    WRITTEN = "written"
    """A sealed file is durable under a temporary name."""
    RENAMED = "renamed"
    DURABLE = "durable"
    """Its name is durable: the rows are held."""
    FILE_DELETED = "file_deleted"
    """Of a hold that is released; others may be left."""
    FOLDER_DELETED = "folder_deleted"


Hook = Callable[[Step], None]


def go_on(step: Step) -> None:
    """Do nothing at a step: how every process but a test's runs."""
