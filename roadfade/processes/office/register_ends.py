"""Epoch keys and rows of the register that nothing needs any more go while the office runs.

In: the office's database, the keyring, every version of the policy, clocks. Out: keys and secrets
that are gone, and how many. No failure here ends the office: it is said once, counted, and tried
again. What was destroyed cannot be made again: a clock that jumped ahead waits as the sweep does.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Final, Protocol

from bus.pacing import until
from bus.ports import Broker
from office.erasure.consent_ends import (
    Evidence,
    due_consents,
    note_ended_with_links,
    note_seen,
)
from office.erasure.consent_moves import draw_nonces
from office.erasure.link_ends import (
    Lives,
    delete_links,
    due_links,
    note_ended,
    scrub_if_needed,
)
from office.erasure.on_record import oldest_uncommanded_ms
from office.erasure.restriction_ends import due_restrictions, forget_restrictions
from office.errors import OfficeError
from office.keyring.ended import Horizon, ended
from office.keyring.hold_keys import is_of_hold
from office.keyring.keyring import Keyring
from office.keyring.wrapping import KeyName
from office.replay_memory.items import EPOCH_KEY, Ended, key_id
from office.replay_memory.memory import ReplayMemory
from office.store.database import Database
from policy.plan.plan import Plan
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.kek_holder import kek_holder
from roadfade.processes.clocks.heard_clocks import MORE_S, HeardClocks, hear_clocks
from roadfade.processes.clocks.judged_clock import JudgedClock
from roadfade.processes.office.attempts import Attempts
from roadfade.processes.office.leaving_consents import leaving_consents
from roadfade.processes.office.reported_events import IDS_BEYOND_MS
from roadfade.settings import Settings
from telemetry.instants import DAY_MS

TURN_EVERY_S: Final = 3_600.0
TRY_AGAIN_S: Final = 60.0
STATES: Final = ("live", "destroyed")
logger = logging.getLogger(__name__)


class Versions(Protocol):
    """Who knows which versions are on record."""

    def every_plan(self) -> Sequence[Plan]:
        """Those that hold here, compiled, the newest last; blocks."""

    def versions_without_plan(self) -> Sequence[int]:
        """The others; blocks."""


class RegisterEnds:
    """The office's turn, at its start and every hour, at what is over."""

    def __init__(
        self,
        settings: Settings,
        broker: Broker,
        database: Database,
        versions: Versions,
        clock: WallClock,
    ) -> None:
        self._settings = settings
        self._broker = broker
        self._database = database
        self._versions = versions
        self._clock = clock
        self._heard = HeardClocks()
        self._judged = JudgedClock(self._heard, settings.clock_dispute_s_max, clock)
        self._moves = leaving_consents(settings, database)
        self._attempt = Attempts(logger)
        metrics.bear(metrics.EPOCH_KEYS, STATES)

    async def run(self, stopping: asyncio.Event) -> None:
        """Destroy what is due until ``stopping``."""
        while not stopping.is_set():
            # None waits for another.
            done = [
                await self._attempt("keys", self._keys),
                await self._attempt("links", self._links),
                await self._attempt("consents", self._consents),
                await self._attempt("evidence", self._evidence),
                await self._attempt("restrictions", self._restrictions),
                await self._attempt("memory", self._memory),
            ]
            await until(stopping, TURN_EVERY_S if all(done) else TRY_AGAIN_S)

    async def _keys(self) -> None:
        """Destroy the keys that are over; an earlier destruction that was cut short is finished."""
        if not await asyncio.to_thread(self._settings.keyring_path.is_file):
            return  # no worker made a key yet
        keyring = await asyncio.to_thread(self._opened)
        try:
            states = await asyncio.to_thread(keyring.states)
            live = [n for n, state in states.items() if state == "live" and not is_of_hold(n)]
            due = await self._due_keys(live)
            if due:
                # Before: an older keyring that is put back must not have them again.
                await asyncio.to_thread(self._remember, due)
                await asyncio.to_thread(keyring.destroy, due)
                metrics.EPOCH_KEYS_DESTROYED.inc(len(due))
                logger.info("destroyed %d epoch keys whose last record has ended", len(due))
                states = await asyncio.to_thread(keyring.states)
        finally:
            keyring.close()
        # A hold has keys, too, which end with it.
        counted = Counter(state for name, state in states.items() if not is_of_hold(name))
        for state in STATES:
            metrics.EPOCH_KEYS.labels(state).set(counted[state])

    def _remember(self, due: Collection[KeyName]) -> None:
        now_ms = self._clock()
        memory = ReplayMemory.made(self._settings.suppressions_path, now_ms)
        memory.remember([Ended(EPOCH_KEY, key_id(*name), None) for name in due], now_ms)

    async def _memory(self) -> None:
        """Forget what was removed so long ago that nothing can bring it back."""
        if not await asyncio.to_thread(self._settings.suppressions_path.is_file):
            return
        memory = ReplayMemory(self._settings.suppressions_path)
        # Ids of events that were taken back are in no other place, and their topic may bring them.
        keep_ms = max(self._replay_ms, IDS_BEYOND_MS)
        # A clock that is ahead would have restores refused that are allowed.
        if await asyncio.to_thread(memory.has_dead, self._clock(), keep_ms):
            now_ms = await self._judged_ms()
            gone = await asyncio.to_thread(memory.forget, now_ms, keep_ms)
            logger.info("forgot %d weeks of what was removed", gone)

    def _opened(self) -> Keyring:
        return Keyring.open(self._settings.keyring_path, kek_holder(self._settings))

    async def _due_keys(self, live: Sequence[KeyName]) -> frozenset[KeyName]:
        plans = await self._plans() if live else ()
        async with self._database.reading() as connection:
            asked_ms = await oldest_uncommanded_ms(connection, self._clock())

        def due(now_ms: int) -> frozenset[KeyName]:
            return ended(live, plans, Horizon(now_ms, self._replay_ms, asked_ms))

        # Others are asked for the time only if there is something to destroy.
        return due(await self._judged_ms()) if due(self._clock()) else frozenset()

    async def _links(self) -> None:
        """Delete the links that are over, some at a time, and scrub the files once after."""
        await scrub_if_needed(self._database)
        # A consent of whoever loses the last link ends with it, and the link will be gone.
        await note_ended_with_links(self._database, self._clock())
        if not await note_ended(self._database, self._clock()):
            return
        lives = Lives(await self._plans(), self._replay_ms)
        due = partial(due_links, self._database, lives)
        if deleted := await self._deleted(due, delete_links):
            metrics.LINKS_DELETED.inc(deleted)
            logger.info("deleted %d links whose last row has ended", deleted)

    async def _consents(self) -> None:
        """Have the consents leave that the policy keeps no longer; scrub the files once after."""
        await note_seen(self._database, self._clock())
        await draw_nonces(self._database)
        plans = await self._plans()
        due = partial(due_consents, self._database, Evidence(plans, self._replay_ms))

        async def leave(_database: Database, some: Sequence[str]) -> int:
            # The others were heard just now; by a clock that is ahead evidence would be over.
            return await self._moves.move(some, plans, self._judged.judge().now_ms)

        if deleted := await self._deleted(due, leave):
            metrics.CONSENTS_DELETED.inc(deleted)
            logger.info("deleted %d consents that the register keeps no longer", deleted)

    async def _evidence(self) -> None:
        """Finish what a killed office had begun, and delete evidence of consents on its day."""
        await self._moves.tidy()
        # Evidence that is gone cannot be made again: a clock that jumped ahead waits.
        if await self._moves.over(self._clock()):
            gone = await self._moves.expire(await self._judged_ms())
            metrics.EVIDENCE_ENDED.inc(gone)
            logger.info("deleted %d rows of evidence of consents on their day", gone)
        metrics.EVIDENCE_ROWS.set(await self._moves.count())

    async def _restrictions(self) -> None:
        """Delete what keeps back uploads that could not live any more."""
        plans = await self._plans()
        due = partial(due_restrictions, self._database, plans, self._replay_ms)
        if deleted := await self._deleted(due, forget_restrictions):
            logger.info("deleted %d restrictions that keep nothing back any more", deleted)

    async def _deleted(
        self,
        due: Callable[[int], Awaitable[Sequence[str]]],
        delete: Callable[[Database, Sequence[str]], Awaitable[int]],
    ) -> int:
        """Delete what is due, some at a time; how many. The files are scrubbed once after.

        Others are asked for the time only if something seems to be due.
        """
        deleted = 0
        if await due(self._clock()):
            now_ms = await self._judged_ms()
            while some := await due(now_ms):
                deleted += await delete(self._database, some)
        if deleted:
            await scrub_if_needed(self._database)
        return deleted

    async def _plans(self) -> Sequence[Plan]:
        """Every version; OfficeError if one does not hold here: it may keep rows for longer."""
        without = await asyncio.to_thread(self._versions.versions_without_plan)
        if without:
            numbers = ", ".join(map(str, without))
            msg = (
                f"version {numbers} of the policy does not hold here, so it is not known how long "
                "its rows live: see `roadfade policy check`"
            )
            raise OfficeError(msg)
        return await asyncio.to_thread(self._versions.every_plan)

    async def _judged_ms(self) -> int:
        """Now; for an hour at most, the instant of others that say that this clock is ahead."""
        wait_s = self._settings.heartbeat_every_s + MORE_S
        await hear_clocks(self._broker, self._heard, self._clock, wait_s)
        return self._judged.judge().now_ms

    @property
    def _replay_ms(self) -> int:
        return self._settings.replay_days * DAY_MS
