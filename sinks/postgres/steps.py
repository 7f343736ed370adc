"""The points of a transaction at which a crash is worth causing, by name.

A hook is called at each. The shipped one does nothing; a test's raises or kills.
"""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """A point between a change and the commit that makes it hold."""

    COPIED = "copied"
    """Write: rows, ids and positions are there, and nobody else sees them yet."""
    DROPPED = "dropped"
    """Sweep: a partition is dropped, and comes back unless it commits."""
    SWAPPED = "swapped"
    """Erasure: a rewritten partition has taken the old one's place, unless it fails to commit."""
    MOVED = "moved"
    """Restatement: rows are in the partition of their new end, and gone from the old one."""
    TAKEN = "taken"
    """Copy: a partition's rows are in a file, and described in none."""
    PUT_BACK = "put_back"
    """Restore: a partition, or what is known of topics, is there, unless it fails to commit."""
    RENAMED = "renamed"
    """Restore: the store has its name and its readers, unless it fails to commit."""


Hook = Callable[[Step], None]


def go_on(step: Step) -> None:
    """Do nothing: how every process but a test's runs."""
    del step
