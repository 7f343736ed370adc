"""How far every topic's partition is in a lake, and which ids it kept: the content of checkpoints.

In memory, beside the checkpoints that it came from; nothing here touches the disk.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sinks.lake.checkpoints import At, Checkpoint, SeenAt
from sinks.port.duplicates import Seen, Window
from sinks.port.results import Place

Spot = tuple[str, int]
"""A topic and a partition of it."""
NOTHING: Final = At("", 0, 0)


class Progress:
    """What the checkpoints since the last whole one say together."""

    def __init__(self, checkpoints: Sequence[Checkpoint], window: int) -> None:
        self._size = window
        self._places = {(one.topic, one.partition): one for one in checkpoints[-1].places}
        self._windows: dict[Spot, Window] = {}
        for checkpoint in checkpoints:
            self.remember(checkpoint.seen)

    def at(self, spot: Spot) -> At | None:
        """How far a partition is; None before its first record."""
        return self._places.get(spot)

    def places(self) -> dict[Spot, Place]:
        """How far each is, and of which topic."""
        return {spot: Place(at.next_offset, at.topic_id) for spot, at in self._places.items()}

    def of_topic(self, topic: str) -> list[At]:
        """The partitions of a topic that have a place."""
        return [at for (name, _), at in self._places.items() if name == topic]

    def window(self, spot: Spot) -> Window:
        """The ids that a partition kept most recently."""
        return self._windows.setdefault(spot, Window(self._size))

    def moved(self, places: Iterable[At]) -> list[At]:
        """Every place, these instead of those before; what is known here does not change."""
        moved = self._places | {(one.topic, one.partition): one for one in places}
        return [moved[spot] for spot in sorted(moved)]

    def take(self, places: Iterable[At]) -> None:
        """Know these places from now on: their checkpoint is durable."""
        self._places |= {(one.topic, one.partition): one for one in places}

    def remember(self, seen: Iterable[SeenAt]) -> None:
        """Know these ids from now on."""
        for one in seen:
            self.window((one.topic, one.partition)).remember(one.seen)

    def remembered(self, now_ms: int, more: Mapping[Spot, Sequence[Seen]]) -> list[SeenAt]:
        """Everything that is remembered with these ids, but for those of expired records."""
        found = []
        for spot in sorted({*self._windows, *more}):
            window = Window(self._size)
            window.remember(self.window(spot).entries())
            window.remember(more.get(spot, ()))
            window.forget(now_ms)
            if len(window):
                found.append(SeenAt(*spot, window.entries()))
        return found

    def forget(self, now_ms: int) -> int:
        """Drop the ids of expired records; how many there were."""
        return sum(window.forget(now_ms) for window in self._windows.values())
