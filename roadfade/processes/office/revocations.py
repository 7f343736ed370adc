"""The list of revoked certificates is renewed while the office runs, long before it ends.

In: the office's database, the authority that the settings name. Out: a list in its file that lacks
nothing, and when it ends. Without an authority there is no list. No failure here ends the office:
gateways close by themselves when the list is over.
"""

import asyncio
import logging
from typing import Final

from bus.pacing import until
from office.certificates.register import forget_expired
from office.certificates.revocation_file import list_ends_ms, renew_list
from office.errors import OfficeError
from office.store.database import Database
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.device_authority import authority_of, has_authority
from roadfade.processes.say_once import SayOnce
from roadfade.settings import Settings

TURN_EVERY_S: Final = 15.0
"""A revoking command writes the list itself; this is for one that was cut short."""
logger = logging.getLogger(__name__)


class Revocations:
    """The office's own turn at the list, at its start and every fifteen seconds."""

    def __init__(self, settings: Settings, database: Database, clock: WallClock) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._say = SayOnce(logger)

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep the list until ``stopping``."""
        while not stopping.is_set():
            try:
                await self.turn()
            except OfficeError as failure:
                self._say(f"the list of revoked certificates is not renewed: {failure}")
            else:
                self._say.forget()
            await until(stopping, TURN_EVERY_S)

    async def turn(self) -> None:
        """Write the list if it is time; OfficeError if it cannot be written."""
        settings = self._settings
        if not await asyncio.to_thread(has_authority, settings):
            return
        now_ms = self._clock()
        authority = await asyncio.to_thread(authority_of, settings)
        life_ms = settings.crl_life_ms
        if await renew_list(self._database, authority, settings.crl_path, now_ms, life_ms):
            async with self._database.writing() as connection:
                await forget_expired(connection, now_ms)
        ends_ms = await asyncio.to_thread(list_ends_ms, settings.crl_path, authority)
        metrics.REVOCATIONS_END.set(ends_ms / 1000)
