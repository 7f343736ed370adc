"""The store's sink as the loop wants it: off the event loop, by our clock, and counted."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from roadfade import metrics
from roadfade.clock import WallClock, wall_ms
from roadfade.ledger_file import ON_ARRIVAL
from roadfade.metrics import Way, observe_ages
from roadfade.unaccounted import ExpiredAccount
from sinks.port.sink import Sink
from telemetry.arrived import Arrived

TIDY_EVERY_S: Final = 600.0
JOIN_EVERY_S: Final = 5.0


class StoreWriter:
    """Writes in a thread, by its clock, and counts; ``begin`` is called before each batch."""

    def __init__(
        self,
        sink: Sink,
        account: ExpiredAccount,
        clock: WallClock,
        begin: Callable[[], None] = lambda: None,
        wall: WallClock = wall_ms,
        saw: Callable[[Sequence[Arrived]], None] = lambda _: None,
    ) -> None:
        """``clock`` says what has expired, ``wall`` how long records were on their way.

        ``saw`` is told what was written.
        """
        self._sink = sink
        self._account = account
        self._clock = clock
        self._begin = begin
        self._wall = wall
        self._saw = saw

    async def write(self, records: Sequence[Arrived]) -> None:
        """Durable on return; counts by output."""
        self._begin()
        written = await asyncio.to_thread(self._sink.write, records, self._clock())
        self._saw(records)
        dated = [(one.timestamp_ms, one.broker_dated) for one in records]
        observe_ages(metrics.TOPIC_TO_LAKE, Way.TOPIC_TO_LAKE, dated, self._wall())
        for output, found in written.by_output.items():
            metrics.SINK_ROWS.labels(output).inc(found.rows)
            metrics.SINK_DUPLICATES.labels(output).inc(found.duplicates)
            metrics.SINK_REFUSED.labels(output).inc(found.refused_rows)
        if written.expired_readings:
            metrics.EXPIRED_READINGS.labels(ON_ARRIVAL).inc(written.expired_readings)
        # What a command refuses is as if it had been kept and removed.
        refused = {output: one.refused_rows for output, one in written.by_output.items()}
        counted = {ON_ARRIVAL: written.expired_readings, **refused}
        gone = {name: readings for name, readings in counted.items() if readings}
        if gone:
            # A full disk or a damaged ledger ends no sink: the account keeps what is not in it.
            await asyncio.to_thread(self._account.add, gone)
            metrics.UNACCOUNTED.set(self._account.waiting)
        for reason, count in written.rejected.items():
            metrics.SINK_REJECTED.labels(str(reason)).inc(count)

    async def skip(self, topic: str, partition: int, offset: int) -> None:
        """Move the store past a record at which processes died; durable on return."""
        await asyncio.to_thread(self._sink.pass_over, topic, partition, offset, self._clock())

    async def join(self) -> None:
        """Merge what the store has in small pieces, beside writing; until cancelled."""
        while True:
            await asyncio.to_thread(self._sink.join, self._clock())
            await asyncio.sleep(JOIN_EVERY_S)

    async def tidy(self) -> None:
        """Forget the ids of expired records in quiet partitions; until cancelled."""
        while True:
            await asyncio.to_thread(self._sink.forget, self._clock())
            await asyncio.sleep(TIDY_EVERY_S)
