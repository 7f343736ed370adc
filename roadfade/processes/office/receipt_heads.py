"""Each day's head of the chain of receipts is kept in a folder of its own while the office runs.

In: the office's database, the folder. Out: one file a day, which is never changed. A chain that
does not hold what an earlier head says was cut, or comes from an older copy of the database: that
is said and counted, and no head of it is written, but erasures go on.
"""

import asyncio
import logging
from typing import Final

from bus.pacing import until
from office.erasure.head_files import keep_head, kept_heads
from office.erasure.receipt_chain import Head, head_of
from office.erasure.receipts import Place, count_new_keys, key_was_lost, place_of
from office.erasure.signing import Signer
from office.errors import OfficeError
from office.store.database import Database
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.processes.office.attempts import Attempts
from roadfade.processes.say_once import SayOnce
from roadfade.settings import Settings
from telemetry.instants import to_datetime

TURN_EVERY_S: Final = 600.0
TRY_AGAIN_S: Final = 60.0
CUT: Final = (
    "receipt {number} is not the one that stood there on {day}: the chain was cut, or the office's "
    "database comes from an older copy (`roadfade receipts verify`); no head of it is kept. "
    "If it was restored, publish that it was, then move the heads of the lost time out of the "
    "folder of heads"
)
LOST: Final = (
    "the key that signs receipts is not the one that signed the last: it was lost, or another file "
    "is named. The chain says so with the next receipt. Put the former key back before that, or "
    "publish the new public key (`roadfade receipts head`) and keep the former one"
)
UNREADABLE: Final = "in the folder of heads of receipts {faults}; put back what was there"
logger = logging.getLogger(__name__)


class ReceiptHeads:
    """The office's own turn at heads, at its start and every ten minutes."""

    def __init__(self, settings: Settings, database: Database, clock: WallClock) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._attempt = Attempts(logger)
        self._say = SayOnce(logger)

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep each day's head until ``stopping``."""
        while not stopping.is_set():
            done = await self._attempt("heads", self.turn)
            await until(stopping, TURN_EVERY_S if done else TRY_AGAIN_S)

    async def turn(self) -> None:
        """Keep this day's head unless there is one; OfficeError if an earlier one does not hold."""
        folder = self._settings.receipt_heads_dir
        heads, faults = await asyncio.to_thread(kept_heads, folder)
        if faults:
            raise OfficeError(UNREADABLE.format(faults=", ".join(faults)))
        last = await place_of(self._database)
        await self._require_whole(max(heads, key=lambda head: head.number, default=None))
        day = to_datetime(self._clock()).date().isoformat()
        if last is None:
            return
        signer = await asyncio.to_thread(Signer.opened, self._settings.receipt_key_file)
        await self._tell_of_lost_keys(signer)
        if any(head.day == day for head in heads):
            return
        head = head_of(day, last.number, last.hash, signer.sign)
        await asyncio.to_thread(keep_head, folder, head)

    async def _tell_of_lost_keys(self, signer: Signer) -> None:
        lost = await key_was_lost(self._database, signer.sign)
        metrics.RECEIPT_KEYS_LOST.set(await count_new_keys(self._database) + lost)
        if lost:
            self._say(LOST)

    async def _require_whole(self, head: Head | None) -> None:
        if head is None:
            return
        stands = await place_of(self._database, head.number)
        if stands != Place(head.number, head.hash):
            raise OfficeError(CUT.format(number=head.number, day=head.day))
