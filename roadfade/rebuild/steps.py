"""The durable steps of a rebuild, by name: where tests cause a crash."""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """A point between two changes of what is on the disk."""

    BEGUN = "begun"
    """From here on no process starts."""
    BUILT = "built"
    """The new office is true, beside its place."""
    MOVED_ASIDE = "moved_aside"
    """The database that lay there has another name; what lay beside it has not yet."""
    CLEARED = "cleared"
    """Its place is free."""
    PLACED = "placed"
    """It is an office from here on."""


Hook = Callable[[Step], None]


def go_on(_step: Step) -> None:
    """Do nothing: how every process but a test's runs."""
