"""The durable steps of a backup and a restore, by name: where tests cause a crash."""

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """A point between two changes of what is on the disk."""

    ROWS_COPIED = "rows_copied"
    """The lake, or the store in PostgreSQL."""
    OFFICE_COPIED = "office_copied"
    KEYS_COPIED = "keys_copied"
    DESCRIBED = "described"
    """Both manifests are written, under temporary names."""
    KEYS_NAMED = "keys_named"
    """The keys have their name: no backup yet."""
    NAMED = "named"
    """The backup is one from here on."""
    KEYS_ENDED = "keys_ended"
    """Expiry: the keys are gone, and what is left opens no more."""
    COPIED = "copied"
    """Restore: all is copied beside its place, and was as the manifest says."""
    REMEMBERED = "remembered"
    """The memory knows what the backup's copy of it knew."""
    AMENDED = "amended"
    """The office's copy is true again."""
    PUT_BACK = "put_back"
    """The store in PostgreSQL is there, beside its place."""
    ERASED = "erased"
    """Nothing that was removed since is in the copy of the rows."""
    EXPIRED = "expired"
    READY = "ready"
    """From here on only places are taken."""
    MOVED = "moved"
    """One of them is taken."""


Hook = Callable[[Step], None]


def go_on(_step: Step) -> None:
    """Do nothing: how every process but a test's runs."""
