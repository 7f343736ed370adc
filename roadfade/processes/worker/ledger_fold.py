"""Folding a flow record into a ledger that cannot be written now: it waits, and the data goes on.

The ledger is one file of several workers. One of them may stand still with the file in hand, the
disk may be full, the file damaged: that is no reason for a worker to end. Nothing is lost
meanwhile, since the record lies on ``audit.flow`` and is acknowledged once it is folded.
"""

import asyncio
import logging
import sqlite3
from typing import Final

from roadfade import metrics
from roadfade.ledger_file import LedgerFile, Place
from roadfade.processes.say_once import SayOnce
from telemetry.wire.flow import FlowRecord

AGAIN_AFTER_S: Final = 1.0
_say = SayOnce(logging.getLogger(__name__))


async def fold_at_last(ledger: LedgerFile, record: FlowRecord, place: Place) -> None:
    """Return when the record is folded, however long the file takes. A fault of ours is raised."""
    while True:
        try:
            await asyncio.to_thread(ledger.fold_at, record, place)
        except (sqlite3.DatabaseError, OSError) as error:
            if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
                raise
            metrics.LEDGER_WAITS.set(1)
            _say(
                f"the ledger cannot be written ({error}): what was delivered waits on audit.flow; "
                "free space, or see who keeps the file"
            )
            await asyncio.sleep(AGAIN_AFTER_S)
        else:
            metrics.LEDGER_WAITS.set(0)
            _say.forget()
            return
