"""The store's sink as the loop wants it: off the event loop, by our clock, and counted."""

import asyncio
from collections.abc import Sequence

from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.unaccounted import ExpiredAccount
from sinks.port.sink import Sink
from telemetry.arrived import Arrived

TIDY_EVERY_S = 600.0


class StoreWriter:
    """Writes in a thread, by its clock, and counts."""

    def __init__(self, sink: Sink, account: ExpiredAccount, clock: WallClock) -> None:
        self._sink = sink
        self._account = account
        self._clock = clock

    async def write(self, records: Sequence[Arrived]) -> None:
        """Durable on return; counts by output."""
        written = await asyncio.to_thread(self._sink.write, records, self._clock())
        metrics.PAUSED.clear()  # there is room
        metrics.SINK_ROWS.labels("all").inc(written.rows)
        metrics.SINK_DUPLICATES.labels("all").inc(written.duplicates)
        if written.expired_readings:
            expired = {"on arrival": written.expired_readings}
            # A full disk or a damaged ledger ends no sink: the account keeps what is not in it.
            await asyncio.to_thread(self._account.add, expired)
            metrics.UNACCOUNTED.set(self._account.waiting)
            metrics.EXPIRED_READINGS.labels("on arrival").inc(written.expired_readings)
        for reason, count in written.rejected.items():
            metrics.SINK_REJECTED.labels(str(reason)).inc(count)

    async def tidy(self) -> None:
        """Forget the ids of expired records in quiet partitions; until cancelled."""
        while True:
            await asyncio.to_thread(self._sink.forget, self._clock())
            await asyncio.sleep(TIDY_EVERY_S)
