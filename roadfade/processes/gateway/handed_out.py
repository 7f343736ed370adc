"""Collection lists as this gateway hands them out: kept fresh beside its doors.

In: ``control.collection``. Out: a device's newest list, or nothing while that is not known. No
failure here closes a door: a device goes by the list that it has.
"""

import asyncio
import logging
from typing import Final

from bus.failures import BrokerError, TopicError, ViewOutdatedError
from bus.ports import Broker
from roadfade.clock import WallClock
from roadfade.in_force.collection_rows import CollectionRows
from roadfade.processes.say_once import SayOnce
from telemetry.identity import DeviceId

AGAIN_AFTER_S: Final = 1.0
logger = logging.getLogger(__name__)


class HandedOut:
    """Obeys ``Lists``."""

    def __init__(self, broker: Broker, clock: WallClock, age_s_max: float) -> None:
        self._broker = broker
        self._clock = clock
        self._age_ms_max = int(age_s_max * 1000)
        self._rows: CollectionRows | None = None
        self._say = SayOnce(logger)

    def of(self, device: DeviceId) -> bytes | None:
        """The device's list, as it was signed; None if it has none, or that is not known now."""
        return None if self._rows is None else self._rows.lists.of(device)

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            rows = self._rows = CollectionRows(self._broker, self._clock, self._age_ms_max)
            try:
                await rows.view.run()
            except (BrokerError, TopicError, ViewOutdatedError, TimeoutError) as failure:
                self._say(f"no collection list is handed out: {failure}")
            await asyncio.sleep(AGAIN_AFTER_S)
