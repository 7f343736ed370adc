"""Legal holds are carried out while the office runs, and their figures are told.

In: the office's database, the keyring, a signer, versions of the policy. Out: holds that are a step
further; what they need of stores goes out through the outbox. The caller has holds extended before
it takes erasures further: none may be commanded before the hold that covers it, so ``held_up``.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol

from office.erasure.signing import Signer
from office.holds.overview import Figures, hold_figures
from office.holds.progress import Failed, HoldProgress
from office.keyring.keyring import Keyring
from office.replay_memory.items import Item
from office.replay_memory.memory import ReplayMemory
from office.store.database import Database
from policy.plan.plan import Plan
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.kek_holder import kek_holder
from roadfade.settings import Settings
from telemetry.identity import SubjectId
from telemetry.instants import DAY_MS
from telemetry.topics import commanded_output


class Versions(Protocol):
    """Who knows which versions are on record, and keeps their topics."""

    @property
    def control(self) -> Collection[str]:
        """The topics that the office publishes to."""

    def every_plan(self) -> Sequence[Plan]:
        """Those that hold here, compiled; blocks."""


class Holds:
    """The office's own turn at legal holds."""

    def __init__(
        self, settings: Settings, database: Database, versions: Versions, clock: WallClock
    ) -> None:
        self._settings = settings
        self._database = database
        self._versions = versions
        self._clock = clock
        self._progress: HoldProgress | None = None
        self.held_up: frozenset[SubjectId] | None = None
        """Whose erasures wait, since a hold of theirs failed; None: everybody's."""

    async def extend(self) -> None:
        """Have stores told what holds name; OfficeError if there is one and no keyring is here.

        If a hold fails the others have had their turn; then its error is raised.
        """
        self.held_up = None  # whatever is raised before it is known
        failed: Sequence[Failed] = ()
        now_ms = self._clock()
        found = await self._figures(now_ms)
        metrics.HOLDS_LIVING.set(found.living)
        metrics.HOLDS_UNREVIEWED.set(found.unreviewed)
        if found.living:
            progress = await self._opened()
            outputs = map(commanded_output, self._versions.control)
            reachable = {output for output in outputs if output is not None}
            failed = await progress.extend(self._versions.every_plan, reachable, now_ms)
        self.held_up = frozenset[SubjectId]().union(*(one.subjects for one in failed))
        for one in failed:
            raise one.error

    async def let_go(self) -> None:
        """Destroy the keys of what is released; OfficeError as ``extend``."""
        now_ms = self._clock()
        found = await self._figures(now_ms)
        if found.living + found.leaving:
            await (await self._opened()).let_go(self._versions.every_plan, now_ms)

    async def _figures(self, now_ms: int) -> Figures:
        async with self._database.reading() as connection:
            return await hold_figures(connection, now_ms)

    async def _opened(self) -> HoldProgress:
        if self._progress is None:
            self._progress = await self._made()
        return self._progress

    async def _made(self) -> HoldProgress:
        kek = kek_holder(self._settings)
        keyring = await asyncio.to_thread(Keyring.open_made, self._settings.keyring_path, kek)
        signer = await asyncio.to_thread(Signer.opened, self._settings.receipt_key_file)
        replay_ms = self._settings.replay_days * DAY_MS
        return HoldProgress(self._database, keyring, signer.sign, self._remember, replay_ms)

    def _remember(self, items: Collection[Item], now_ms: int) -> None:
        ReplayMemory.made(self._settings.suppressions_path, now_ms).remember(items, now_ms)
