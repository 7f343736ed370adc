"""Collection lists are made and published while the office runs.

In: the office's database, whose rows were published, the versions of the policy, the key. Out: a
signed list for each registered device on its topic, made anew if what it says changes, and in half
of its life. No failure here ends the office: it is said once, counted, and tried again; lists that
are out end by themselves. A turn is bounded, and what changed goes before what is only renewed.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Final, Protocol

from bus.pacing import until
from office.collection_lists import (
    KeptList,
    devices_concerned,
    devices_from,
    due_devices,
    keep_lists,
    registered_among,
    standing_lists,
)
from office.outbox import Outbox
from office.published_changes import Changes, PublishedChanges
from office.registry.device_rows import standing_of
from office.store.database import Database
from policy.plan.plan import Plan
from processors.packed_people import PackedPeople
from processors.routes import routes_of
from roadfade.clock import WallClock
from roadfade.collection.keys import made_keys
from roadfade.collection.lists import Drawer
from roadfade.collection.needed import Period
from roadfade.collection.signed_lists import ListSigner
from roadfade.processes.office.attempts import Attempts
from roadfade.settings import Settings
from telemetry.identity import DeviceId
from telemetry.instants import HOUR_MS
from telemetry.wire.control import ControlRow

TURN_EVERY_S: Final = 0.25
TRY_AGAIN_S: Final = 5.0
DEVICES_A_TURN: Final = 200
WAITING_MAX: Final = 2 * DEVICES_A_TURN
"""With so many rows waiting in the outbox no list is renewed: a withdrawal would wait behind it."""
logger = logging.getLogger(__name__)


class Versions(Protocol):
    """Who knows which version decides when."""

    def periods(self, from_ms: int, until_ms: int) -> list[tuple[int, int, Plan]]:
        """As ``TopicKeeper``."""


class Collecting:
    """The office's own turn at collection lists."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        versions: Versions,
        changes: PublishedChanges,
        clock: WallClock,
    ) -> None:
        self._life_ms = settings.collection_list_hours * HOUR_MS
        self._key_file = settings.collection_key_file
        self._database = database
        self._outbox = Outbox(database)
        self._versions = versions
        self._changes = changes
        self._clock = clock
        self._attempt = Attempts(logger)
        self._plans: tuple[tuple[int, int, str], ...] = ()
        self._drawer: Drawer | None = None
        self._key_id = ""
        self._behind: str | None = None
        """Every device behind this one is still to be looked at; None: none is."""
        self._more = False

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep lists up to date until ``stopping``."""
        while not stopping.is_set():
            done = await self._attempt("collection lists", self.turn)
            if not (done and self._more):
                await until(stopping, TURN_EVERY_S if done else TRY_AGAIN_S)

    async def turn(self) -> None:
        """Make anew what changed, then some of what is due, or has to be looked at."""
        self._more = False
        now_ms = self._clock()
        signer = (await asyncio.to_thread(made_keys, self._key_file)).signer
        if not await asyncio.to_thread(self._ready, now_ms, signer):
            return
        await self._take_changes(now_ms, signer)
        if await self._outbox.last_sequence() - await self._outbox.high_water() > WAITING_MAX:
            return
        due = await due_devices(self._database, now_ms, DEVICES_A_TURN)
        if due:
            await self._renew(due, now_ms, signer, due=True)
        if self._behind is not None:
            some = await devices_from(self._database, self._behind, DEVICES_A_TURN)
            await self._renew(some, now_ms, signer)
            self._behind = some[-1] if len(some) == DEVICES_A_TURN else None
        self._more = self._behind is not None or len(due) == DEVICES_A_TURN

    def _ready(self, now_ms: int, signer: ListSigner) -> bool:
        """Whether a version is in force; if it is another one, or the key is, all is looked at."""
        found = self._versions.periods(now_ms, now_ms + self._life_ms)
        if not found or found[0][0] > now_ms:
            return False  # nothing may be decided
        # The first begins now and the last ends with the lists: neither is an instant of its own.
        edges = [0, *(from_ms for from_ms, _, _ in found[1:])]
        plans = tuple(
            (edge, plan.version, plan.digest)
            for edge, (_, _, plan) in zip(edges, found, strict=True)
        )
        if plans != self._plans or self._drawer is None:
            self._drawer = Drawer([Period(0, 0, plan, routes_of(plan)) for _, _, plan in found])
            self._plans, self._behind = plans, ""
        spans = zip(found, self._drawer.periods, strict=True)
        self._drawer.periods = tuple(
            one._replace(from_ms=from_ms, until_ms=until_ms)
            for (from_ms, until_ms, _), one in spans
        )
        if signer.key_id != self._key_id:
            self._key_id, self._behind = signer.key_id, ""
        return True

    async def _take_changes(self, now_ms: int, signer: ListSigner) -> None:
        changes = self._changes.taken()
        try:
            if changes.everyone:
                self._behind = ""
            elif changes != Changes():
                concerned = await devices_concerned(self._database, changes)
                for start in range(0, len(concerned), DEVICES_A_TURN):
                    some = concerned[start : start + DEVICES_A_TURN]
                    await self._renew(some, now_ms, signer)
        except BaseException:
            self._changes.put_back(changes)
            raise

    async def _renew(
        self,
        devices: Sequence[DeviceId],
        now_ms: int,
        signer: ListSigner,
        *,
        due: bool = False,
    ) -> None:
        """Look at these devices' lists, and publish those that say something else, or are due."""
        if not devices:
            return
        standing = await standing_lists(self._database, devices)
        registered = await registered_among(self._database, devices)
        rows = await standing_of(self._database, registered)
        made = await asyncio.to_thread(
            self._made, registered, rows, standing, now_ms, signer, due=due
        )
        gone = standing.keys() - registered
        if made or gone:
            await keep_lists(self._database, made, sorted(gone))

    def _made(
        self,
        devices: Collection[DeviceId],
        rows: Sequence[tuple[bytes, ControlRow]],
        standing: dict[DeviceId, KeptList],
        now_ms: int,
        signer: ListSigner,
        *,
        due: bool,
    ) -> list[KeptList]:
        """New lists, for those of the devices that need one."""
        if self._drawer is None:
            msg = "lists are drawn by a version in force"
            raise AssertionError(msg)
        people = PackedPeople()
        for key, row in rows:
            people.apply(key, row)
        found = []
        until_ms = now_ms + self._life_ms
        for device in sorted(devices):
            drawn = self._drawer.draw(people, device, now_ms, until_ms)
            says, before = drawn.says(signer.key_id), standing.get(device)
            due_ms = min(now_ms + self._life_ms // 2, drawn.next_ms)
            same = before is not None and before.says == says and before.link == drawn.link
            if same and before is not None and not due and before.due_ms <= due_ms:
                continue
            # A number that grows, also if the office comes from a backup or the clock goes back.
            serial = max(now_ms, 1 + (0 if before is None else before.serial))
            value = signer.sign(drawn.list_of(device, serial, now_ms, until_ms))
            found.append(KeptList(device, drawn.link, says, serial, due_ms, value))
        return found
