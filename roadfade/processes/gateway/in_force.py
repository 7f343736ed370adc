"""What the gateway may let in: the signals that the version in force collects.

In: ``control.policies``. Out: a way onto the raw topic under that version, or None while it is not
known for certain: then nothing is taken, and devices try again.
"""

import asyncio
import logging
from typing import Final

from bus.pacing import until
from bus.ports import Broker
from ingest.raw_topic import RawPublisher, SealsOfNow, TopicPublisher
from ingest.routing import Routing
from policy.plan.plan import Plan
from roadfade.in_force.published import view_of
from roadfade.in_force.source import PolicySource
from roadfade.processes.say_once import SayOnce
from roadfade.processes.starting import tell_in_force
from roadfade.readiness import Need, readiness
from roadfade.refusal import NotReady

LOOK_EVERY_S: Final = 1.0
logger = logging.getLogger(__name__)


class RawInForce:
    """``raw``: the way onto the raw topic now."""

    def __init__(
        self,
        broker: Broker,
        source: PolicySource,
        publisher: TopicPublisher,
        routing: Routing,
        sealer: SealsOfNow,
    ) -> None:
        self._sealer = sealer
        self._source = source
        self._publisher = publisher
        self._routing = routing
        self._view = view_of(broker, source.published)
        self._plan: Plan | None = None
        self._say = SayOnce(logger)
        self.raw: RawPublisher | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow the versions until ``stopping``."""
        reading = asyncio.create_task(self._view.run())
        try:
            while not stopping.is_set() and not reading.done():
                await self._look()
                await until(stopping, LOOK_EVERY_S)
        finally:
            self.raw = None
            await self._view.stop()
        await reading

    async def _look(self) -> None:
        if not self._view.complete:
            self._lacks("control.policies is not read whole")
            return
        try:
            line = await asyncio.to_thread(self._source.line)
        except NotReady as refusal:
            self._lacks("the version in force cannot be taken over")
            self._say(f"the version in force cannot be taken over: {refusal}")
            return
        if self.raw is None or line.plan is not self._plan:
            self._plan = line.plan
            collected = line.plan.collected
            self.raw = RawPublisher(self._publisher, collected, self._routing, self._sealer)
            tell_in_force(line.plan.policy_version)
        readiness.met(Need.POLICY)

    def _lacks(self, why: str) -> None:
        self.raw = None
        readiness.lacks(Need.POLICY, why)
