"""What of a batch is handled and not sent yet."""

from collections.abc import Sequence

from bus.records import Sendable, bytes_of


class Outbound:
    """What is to be sent next, in order."""

    def __init__(self) -> None:
        self._made: list[Sendable] = []
        self.held_bytes = 0
        """What it takes of memory, about."""

    def __bool__(self) -> bool:
        """Whether anything is to be sent."""
        return bool(self._made)

    def add(self, made: Sequence[Sendable]) -> None:
        """What a handler made of one slice."""
        self._made += made
        self.held_bytes += sum(map(bytes_of, made))

    def take(self) -> Sequence[Sendable]:
        """All of it."""
        taken, self._made, self.held_bytes = self._made, [], 0
        return taken
