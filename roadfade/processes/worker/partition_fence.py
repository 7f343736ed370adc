"""A worker that is given a raw partition which was not there at first waits, and says why.

Devices may have moved to it: what is remembered of them is with another partition.
"""

from collections.abc import Collection
from typing import Final

REPARTITIONED: Final = "raw topic has more partitions"


class PartitionFence:
    """Told of partitions that come and go; ``recorded`` as in ``raw_partitions``, None: unknown."""

    def __init__(self, recorded: int | None) -> None:
        self._recorded = recorded
        self._beyond: set[int] = set()

    def came(self, partitions: Collection[tuple[str, int]]) -> None:
        """These are ours now."""
        if self._recorded is not None:
            self._beyond.update(n for _, n in partitions if n >= self._recorded)

    def went(self, partitions: Collection[tuple[str, int]]) -> None:
        """These are another's now."""
        self._beyond.difference_update(n for _, n in partitions)

    def pause_reason(self) -> str | None:
        """Why nothing may be handled, None if it may."""
        return REPARTITIONED if self._beyond else None
