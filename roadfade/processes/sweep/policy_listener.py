"""Listens for versions of the policy beside work that must not wait for Kafka.

A thread of its own: if the broker is away it tries again, and the work goes on with what
was heard last.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Final

from bus.failures import BrokerError, TopicError, ViewOutdatedError
from bus.ports import Broker
from bus.view import Beat
from policy.versions.in_force import active_versions
from policy.versions.succession import Succession
from roadfade.clock import WallClock, wall_ms
from roadfade.in_force.published import view_of
from roadfade.in_force.source import PolicySource
from roadfade.logs.events import Event, tell
from roadfade.refusal import NotReady
from roadfade.settings import Settings

AGAIN_AFTER_S: Final = 5.0
LOOK_EVERY_S: Final = 1.0
TRY_AGAIN: Final = (BrokerError, TopicError, ViewOutdatedError, TimeoutError, OSError)
"""The errors of a broker that is away, or was recreated."""
logger = logging.getLogger(__name__)


class PolicyListener:
    """What was heard so far. Compiling takes a second for each version, in the listening thread."""

    def __init__(
        self,
        settings: Settings,
        broker: Broker,
        beat: Callable[[Beat], None] = lambda _: None,
        now: WallClock = wall_ms,
    ) -> None:
        """``beat`` is told each heartbeat that is heard, in the listening thread.

        ``now`` says which versions are in force.
        """
        self._settings = settings
        self._broker = broker
        self._beat = beat
        self._now = now
        self._ends: Succession | None = None
        self._made_of: tuple[int, ...] = ()
        self._away = False

    def start(self) -> None:
        """Listen until the process ends."""
        threading.Thread(target=self._listen, name="policy-listener", daemon=True).start()

    def ends(self) -> Succession | None:
        """When rows end now, as heard last; None before anything was. Returns at once."""
        return self._ends

    def ask(self) -> Succession | None:
        """Read once, now; None if the broker does not answer. Blocks; not beside ``start``."""
        try:
            if not self._broker.answers():
                return None
            self._take(asyncio.run(self._heard()))
        except (*TRY_AGAIN, NotReady):
            return None
        return self._ends

    def _listen(self) -> None:
        while True:
            try:
                asyncio.run(self._hear())
            except (*TRY_AGAIN, NotReady) as why:
                if not self._away:
                    self._away = True
                    tell(logger, Event.RETRYING, reason=type(why.__cause__ or why).__name__)
            threading.Event().wait(AGAIN_AFTER_S)

    async def _hear(self) -> None:
        source = await self._heard()
        view = view_of(self._broker, source.published, self._beat)
        reading = asyncio.create_task(view.run())
        try:
            while not reading.done():
                await asyncio.to_thread(self._take, source)
                if self._away:
                    self._away = False
                    tell(logger, Event.RECONNECTED)
                await asyncio.wait((reading,), timeout=LOOK_EVERY_S)
        finally:
            await view.stop()
        await reading

    async def _heard(self) -> PolicySource:
        async with PolicySource.open(self._settings, self._broker) as source:
            return source

    def _take(self, source: PolicySource) -> None:
        """Rebuild the expiry rules if another version came into force; NotReady as ``version``."""
        if source.published.unreadable:
            return  # it might be the one in force: rows keep the ends heard last
        past = active_versions(source.published.versions, self._now())
        numbers = tuple(one.version for one in past)
        if past and numbers != self._made_of:
            holding = [one for one in past[:-1] if source.plans.plan_if_it_holds(one) is not None]
            versions = [source.plans.version(one) for one in (*holding, past[-1])]
            self._ends, self._made_of = Succession(versions), numbers
