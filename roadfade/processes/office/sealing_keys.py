"""Keys of sealed raw data: made ahead, offered to front doors, destroyed when their time has come.

In: the plan in force, the keyring of raw data, clocks. Out: rows on ``control.sealing``, and keys
that are gone. No failure here ends the office: it is said once, counted, and tried again. What was
destroyed cannot be made again: a clock that jumped ahead waits as other ends do.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from bus.pacing import until
from bus.ports import Broker
from office.keyring.keyring import Keyring
from office.keyring.period_keys import due, name_of, offered, period_of, public_key, wanted
from office.sealing_keys import offer
from office.store.database import Database
from policy.plan.plan import Plan
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.kek_holder import raw_kek_holder
from roadfade.processes.clocks.heard_clocks import MORE_S, HeardClocks, hear_clocks
from roadfade.processes.clocks.judged_clock import JudgedClock
from roadfade.processes.office.attempts import Attempts
from roadfade.settings import Settings
from telemetry.wire.sealing_key import SealingKey, encode_sealing_key, row_of

TURN_EVERY_S: Final = 5.0
STEP: Final = "sealing keys"
logger = logging.getLogger(__name__)


class InForce(Protocol):
    """Who knows the plan in force."""

    @property
    def plan(self) -> Plan:
        """Of now."""


class SealingKeys:
    """The office's turn at them, every few seconds."""

    def __init__(
        self,
        settings: Settings,
        broker: Broker,
        database: Database,
        in_force: InForce,
        clock: WallClock,
    ) -> None:
        self._settings = settings
        self._broker = broker
        self._database = database
        self._in_force = in_force
        self._clock = clock
        self._heard = HeardClocks()
        self._judged = JudgedClock(self._heard, settings.clock_dispute_s_max, clock)
        self._offering, self._destroying = Attempts(logger), Attempts(logger)

    async def run(self, stopping: asyncio.Event) -> None:
        """Make, offer and destroy until ``stopping``."""
        while not stopping.is_set():
            await self.attempt()
            await until(stopping, TURN_EVERY_S)

    async def attempt(self) -> bool:
        """One turn; False if a part of it failed, which is said and counted.

        What cannot be offered, with a database that is damaged, say, keeps no key from its end.
        """
        destroyed = await self._destroying(STEP, self.destroy)
        return await self._offering(STEP, self._offer) and destroyed

    async def turn(self) -> None:
        """Destroy what nothing may be read by; offer keys of now and of the next period."""
        await self.destroy()
        await self._offer()

    async def _offer(self) -> None:
        await self.offer(self._in_force.plan, self._clock())
        metrics.PERIOD_KEYS.set(len(await asyncio.to_thread(self._live)))

    async def destroy(self) -> None:
        """Destroy what nothing may be read by."""
        await self._destroy(self._in_force.plan)

    async def offer(self, plan: Plan, now_ms: int) -> None:
        """Make what is lacking, and queue what changed on the topic."""
        keys = await asyncio.to_thread(self._made, plan, now_ms)
        rows = {row_of(one.period): encode_sealing_key(one) for one in keys}
        await offer(self._database, rows)

    def _made(self, plan: Plan, now_ms: int) -> Sequence[SealingKey]:
        keyring = self._opened()
        try:
            keyring.ensure([name_of(one) for one in wanted(plan, now_ms)])
            found = ((one, keyring.get(*name_of(one))) for one in offered(plan, now_ms))
            keys = [SealingKey(one, public_key(key)) for one, key in found if key is not None]
        finally:
            keyring.close()
        current, _ = wanted(plan, now_ms)
        if all(one.period != current for one in keys):
            logger.warning(
                "the key of this period is destroyed already: front doors wait for the next period"
            )
        return keys

    async def _destroy(self, plan: Plan) -> None:
        live = await asyncio.to_thread(self._live)
        gone = 0
        if due(live, plan, self._clock()):
            wait_s = self._settings.heartbeat_every_s + MORE_S
            await hear_clocks(self._broker, self._heard, self._clock, wait_s)
            names = due(live, plan, self._judged.judge().now_ms)
            if names:
                await asyncio.to_thread(self._destroyed, names)
                gone = len(names)
                metrics.PERIOD_KEYS_DESTROYED.inc(gone)
                logger.info("destroyed %d keys of sealed raw data", gone)
        metrics.PERIOD_KEYS.set(len(live) - gone)

    def _live(self) -> list[tuple[str, str, str]]:
        keyring = self._opened()
        try:
            states = keyring.states()
        finally:
            keyring.close()
        return [n for n, state in states.items() if state == "live" and period_of(n) is not None]

    def _destroyed(self, names: frozenset[tuple[str, str, str]]) -> None:
        keyring = self._opened()
        try:
            keyring.destroy(names)
        finally:
            keyring.close()

    def _opened(self) -> Keyring:
        settings = self._settings
        return Keyring.open(settings.raw_keys_path, raw_kek_holder(settings))
