"""The lake as the sink loop wants it."""

import asyncio
from collections.abc import Mapping, Sequence

from roadfade import metrics
from roadfade.clock import Clock
from roadfade.ledger import LedgerFile
from sinks.lake import Lake
from telemetry.arrived import Arrived

TIDY_EVERY_S = 600.0


class LakeSink:
    """Writes in a thread, by its clock, and counts."""

    def __init__(self, lake: Lake, ledger: LedgerFile, clock: Clock) -> None:
        self._lake = lake
        self._ledger = ledger
        self._clock = clock

    async def write(self, records: Sequence[Arrived]) -> None:
        """Durable on return; counts by output."""
        written = await asyncio.to_thread(self._lake.write, records, self._clock())
        metrics.SINK_ROWS.labels("all").inc(written.rows)
        metrics.SINK_DUPLICATES.labels("all").inc(written.duplicates)
        if written.expired_readings:
            await self._count_expired({"on arrival": written.expired_readings})
        for reason, count in written.rejected.items():
            metrics.SINK_REJECTED.labels(str(reason)).inc(count)

    async def tidy(self) -> None:
        """Remove what expired, with the ids a quiet partition still remembers; until cancelled."""
        while True:
            swept = await asyncio.to_thread(self._lake.expire, self._clock())
            await self._count_expired(swept.by_output)
            await asyncio.sleep(TIDY_EVERY_S)

    async def _count_expired(self, by_output: Mapping[str, int]) -> None:
        await asyncio.to_thread(self._ledger.add_expired, by_output)
        for output, rows in by_output.items():
            metrics.EXPIRED_READINGS.labels(output).inc(rows)
