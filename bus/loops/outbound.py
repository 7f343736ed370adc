"""What of a batch is handled and not sent yet."""

from collections.abc import Sequence
from typing import Protocol

from bus.records import Sendable, bytes_of


class KeptBack(Protocol):
    """What a handler makes of slice after slice and gives as it is sent, so that batches are large.

    If it is not sent after all, the observer's ``retrying`` or ``decided_anew`` has it forgotten.
    """

    @property
    def held_bytes(self) -> int:
        """What it takes of memory, about; 0 if it is nothing."""
        ...

    def take(self) -> Sequence[Sendable]:
        """All of it, once."""
        ...


class Outbound:
    """What is to be sent next: what a handler keeps back first, then the rest in order."""

    def __init__(self, kept_back: KeptBack | None = None) -> None:
        self._kept_back = kept_back
        self._made: list[Sendable] = []
        self._made_bytes = 0

    def __bool__(self) -> bool:
        """Whether anything is to be sent."""
        return bool(self._made) or self.held_bytes > 0

    @property
    def held_bytes(self) -> int:
        """What it takes of memory, about."""
        kept_back = self._kept_back
        return self._made_bytes + (0 if kept_back is None else kept_back.held_bytes)

    def add(self, made: Sequence[Sendable]) -> None:
        """What a handler made of one slice and did not keep back."""
        self._made += made
        self._made_bytes += sum(map(bytes_of, made))

    def take(self) -> Sequence[Sendable]:
        """All of it."""
        taken, self._made, self._made_bytes = self._made, [], 0
        return taken if self._kept_back is None else [*self._kept_back.take(), *taken]
