"""What of a batch is handled and not sent yet: handed over, or gathered elsewhere.

A handler may keep its records back, slice after slice, until they are sent together: then each
partition gets one large batch instead of a small one of each slice.
"""

from collections.abc import Sequence
from typing import Protocol

from bus.records import Sendable, bytes_of


class Gathering(Protocol):
    """Where a handler puts what it does not hand over.

    All records of one partition are gathered, or all are handed over: their order is kept then.
    """

    def held_bytes(self) -> int:
        """What is gathered, about."""
        ...

    def take(self) -> Sequence[Sendable]:
        """Hand over all of it, and hold nothing."""
        ...

    def drop(self) -> None:
        """Forget it: its records are handled again, or by another."""
        ...


class GatherNothing:
    """For a handler that hands over everything; obeys ``Gathering``."""

    def held_bytes(self) -> int:
        """None."""
        return 0

    def take(self) -> Sequence[Sendable]:
        """Nothing."""
        return ()

    def drop(self) -> None:
        """There is nothing to forget."""


class Outbound:
    """What is to be sent next; made anew for each batch, which drops what another left gathered."""

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._handed: list[Sendable] = []
        self._handed_bytes = 0
        gathering.drop()

    def __bool__(self) -> bool:
        """Whether anything is to be sent."""
        return bool(self._handed) or self._gathering.held_bytes() > 0

    @property
    def held_bytes(self) -> int:
        """What it takes of memory, about."""
        return self._handed_bytes + self._gathering.held_bytes()

    def add(self, made: Sequence[Sendable]) -> None:
        """What a handler handed over of one slice."""
        self._handed += made
        self._handed_bytes += sum(map(bytes_of, made))

    def take(self) -> Sequence[Sendable]:
        """All of it; what was gathered goes first, so that what tells of it comes after it."""
        taken = [*self._gathering.take(), *self._handed]
        self._handed, self._handed_bytes = [], 0
        return taken
