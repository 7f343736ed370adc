"""Faust's consumer, which here takes a commit as done only if the group took it.

Faust remembers what it wanted to commit also if the group had moved on meanwhile. Records that are
read again then lie below that, so their acknowledgements count for nothing: the group's position
stays where it was until newer records come, and the next rebalance waits for them.
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


def use_in(app: Any) -> None:
    """Have this application read with it; before its worker starts."""
    app.transport.Consumer = LedgerConsumer
