"""Control views: compacted topics read whole into this process, and whether they are fresh."""

import asyncio
from collections.abc import Mapping

from bus.ports import Broker
from bus.view import ApplyRow, CompactedView
from processors.people import People
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.in_force.published import contents_at, heartbeat_at, read_row


class ControlViews:
    """Several views as one: started together, stale together. ``applies`` by topic."""

    def __init__(
        self, broker: Broker, applies: Mapping[str, ApplyRow], clock: WallClock, age_ms_max: int
    ) -> None:
        self._clock = clock
        self._age_ms_max = age_ms_max
        self._views = {
            topic: CompactedView(
                broker,
                topic,
                apply,
                heartbeat_at=heartbeat_at,
                contents_at=contents_at,
                clock=clock,
            )
            for topic, apply in applies.items()
        }

    async def run(self) -> None:
        """Read all until ``stop``; the first failure of one ends all and is raised."""
        async with asyncio.TaskGroup() as group:
            for view in self._views.values():
                group.create_task(view.run())

    async def stop(self) -> None:
        """End ``run``."""
        for view in self._views.values():
            await view.stop()

    def pause_reason(self) -> str | None:
        """Why nothing may be decided now; None when every view is complete and fresh."""
        now_ms = self._clock()
        reason = None
        for topic, view in self._views.items():
            if view.heartbeat_ms is not None:
                metrics.VIEW_AGE.labels(topic).set((now_ms - view.heartbeat_ms) / 1000)
            if not view.fresh(now_ms, self._age_ms_max):
                reason = f"stale {topic}" if view.complete else f"incomplete {topic}"
        return reason


def taken_by(people: People) -> ApplyRow:
    """What takes the rows of links and consents for ``people``."""

    def apply(key: bytes, value: bytes | None) -> None:
        people.apply(key, None if value is None else read_row(value))

    return apply
