"""Faust's consumer, with two faults mended that leave records unread after a rebalance.

Faust remembers what it wanted to commit also if the group had moved on meanwhile. Records that are
read again then lie below that, so their acknowledgements count for nothing: the group's position
stays where it was until newer records come, and the next rebalance waits for them.

Faust drops what it fetched while a rebalance was under way, and goes back to the group's position.
Where the group has none yet, the client stays behind what was dropped: nobody reads it until the
process starts again.
"""

from collections.abc import Mapping
from typing import Any

from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP


class LedgerConsumer(Consumer):
    """The consumer of the one topic that Faust reads."""

    async def _commit_offsets(self, offsets: Mapping[TP, int], *args: Any, **kwargs: Any) -> bool:
        done: bool = await super()._commit_offsets(offsets, *args, **kwargs)
        if not done:
            for partition in offsets:
                self._committed_offset.pop(partition, None)
        return done

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Go back to the group's position, or to the beginning of what it has none of."""
        found = await super().seek_to_committed()
        # The client goes back to neither None, which is no position, nor 0.
        left = [partition for partition, offset in found.items() if not offset or offset < 0]
        if left:
            await self._thread.seek_to_beginning(*left)
        return found


def use_in(app: Any) -> None:
    """Have this application read with it; before its worker starts."""
    app.transport.Consumer = LedgerConsumer
