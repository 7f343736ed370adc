"""Listens for versions of the policy beside work that must not wait for Kafka.

A thread of its own: where the broker is away it tries again, and the work goes on with what
was heard last.
"""

import asyncio
import logging
import threading
from typing import Final

from bus.admin import TopicAdmin
from bus.failures import BrokerError, TopicError, ViewOutdatedError
from policy.versions import reigns
from roadfade.clock import wall_ms
from roadfade.ends import LakeEnds
from roadfade.footing import Footing, footing
from roadfade.planning import connection_of
from roadfade.plans import Unready
from roadfade.published import view_of
from roadfade.reachable import require_broker
from roadfade.settings import Settings

AGAIN_AFTER_S: Final = 5.0
TRY_AGAIN: Final = (BrokerError, TopicError, ViewOutdatedError, TimeoutError, OSError)
"""What a broker that is away, or was made anew, ends listening with."""
logger = logging.getLogger(__name__)


class PolicyListener:
    """What was heard so far; every call but ``start`` returns at once or compiles for a second."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ground: Footing | None = None
        self._ends: tuple[tuple[int, ...], LakeEnds] | None = None

    def start(self) -> None:
        """Listen until the process ends."""
        threading.Thread(target=self._listen, name="policy-listener", daemon=True).start()

    def ends(self) -> LakeEnds | None:
        """When rows end now; None before anything was heard, or where nothing is in force."""
        if self._ground is None:
            return None
        return self._ends_of(self._ground)

    def ask(self) -> LakeEnds | None:
        """Hear once, now; None where the broker does not tell. Not beside ``start``."""
        try:
            require_broker(self._settings)
            self._ground = asyncio.run(self._heard())
        except (*TRY_AGAIN, Unready):
            return None
        return self.ends()

    def _ends_of(self, ground: Footing) -> LakeEnds | None:
        past = reigns(ground.published.versions, wall_ms())
        numbers = tuple(one.version for one in past)
        if self._ends is None or self._ends[0] != numbers:
            holding = [one for one in past[:-1] if ground.plans.plan_if_it_holds(one) is not None]
            try:
                versions = [ground.plans.version(one) for one in (*holding, *past[-1:])]
            except Unready as refusal:
                logger.warning("the version in force does not hold here: %s", refusal)
                return None
            if not versions:
                return None
            self._ends = numbers, LakeEnds(versions)
        return self._ends[1]

    def _listen(self) -> None:
        while True:
            try:
                asyncio.run(self._hear())
            except (*TRY_AGAIN, Unready) as why:
                logger.warning("not told of policy versions: %s; trying again", type(why).__name__)
            threading.Event().wait(AGAIN_AFTER_S)

    async def _heard(self) -> Footing:
        async with TopicAdmin(connection_of(self._settings)) as admin:
            return await footing(self._settings, admin)

    async def _hear(self) -> None:
        ground = self._ground = await self._heard()
        await view_of(connection_of(self._settings), ground.published).run()
