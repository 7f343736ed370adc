"""``roadfade sink``: purpose topics into the lake, durably, before any offset is committed."""

import asyncio
import signal
import socket
from collections.abc import Mapping, Sequence

from bus.admin import TopicAdmin
from bus.arrived import Arrived
from bus.connection import Connection
from bus.observer import LoopObserver
from bus.positions import Positions
from bus.sink_loop import SinkLoop, SinkSettings
from bus.slots import Slot
from policy.groups import SINK_GROUP
from policy.plan import Plan
from roadfade import __version__, metrics
from roadfade.clock import Clock, judging_clock
from roadfade.ledger import LedgerFile
from roadfade.planning import Unready, check_topics, connection_of, plan_for, specs_of
from roadfade.reachable import require_broker
from roadfade.settings import Settings
from sinks.lake import Lake, LakeSettings

TIDY_EVERY_S = 600.0


class LakeSink:
    """The lake as the loop wants it: writes in a thread, positions at once."""

    def __init__(self, lake: Lake, ledger: LedgerFile, clock: Clock) -> None:
        self._lake = lake
        self._ledger = ledger
        self._clock = clock

    def position(self, topic: str, partition: int) -> int | None:
        """What the lake holds is the truth."""
        return self._lake.position(topic, partition)

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


class SinkObserver(LoopObserver):
    """The loop's figures as metrics."""

    def expired_unread(self, topic: str, partition: int, records: int) -> None:
        """A gap in offsets: never silent."""
        del topic, partition
        metrics.EXPIRED_UNREAD.inc(records)

    def rewound(self, topic: str, partition: int, records: int) -> None:
        """Offsets went back: never silent."""
        del topic, partition
        metrics.REWOUND.inc(records)

    def commit_missed(self, reason: str) -> None:
        """The group moved on; the batch comes again."""
        metrics.COMMITS_MISSED.labels(reason).inc()


async def _run(settings: Settings, member: str) -> None:
    connection = connection_of(settings)
    async with TopicAdmin(connection) as admin:
        plan = await plan_for(settings, admin)
        partitions = await check_topics(admin, specs_of(plan, settings))
    metrics.BUILD.labels(__version__, plan.policy_version).set(1)
    lake = await asyncio.to_thread(_open_lake, settings, plan)
    ledger = await asyncio.to_thread(LedgerFile, settings.ledger_path)
    sink = LakeSink(lake, ledger, judging_clock(settings.fixed_now_ms))
    try:
        await _check_positions(connection, lake, plan, partitions)
        loop = SinkLoop(
            connection,
            [output.topic for output in plan.outputs],
            SINK_GROUP,
            sink,
            member=member,
            observer=SinkObserver(),
            settings=SinkSettings(gather_ms=int(settings.sink_batch_s * 1000)),
        )
        running = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            running.add_signal_handler(number, lambda: asyncio.ensure_future(loop.stop()))
        async with asyncio.TaskGroup() as group:
            tidying = group.create_task(sink.tidy())
            await loop.run()
            tidying.cancel()
    finally:
        lake.close()


async def _check_positions(
    connection: Connection, lake: Lake, plan: Plan, partitions: Mapping[str, int]
) -> None:
    """Unready where the lake has read further than a topic goes: it would drop what comes."""
    sizes = {output.topic: partitions[output.topic] for output in plan.outputs}
    async with Positions(connection) as positions:
        ends = await positions.end(sizes)
    for (topic, partition), end in ends.items():
        position = lake.position(topic, partition)
        if position is not None and position > end:
            msg = (
                f"{topic} was made anew or lost its end: the lake has read to {position}, the "
                f"topic ends at {end}. Keep this lake until its rows have expired, and give the "
                "new topics a lake of their own (state_dir)"
            )
            raise Unready(msg)


def _open_lake(settings: Settings, plan: Plan) -> Lake:
    outputs = {output.topic: output.id for output in plan.outputs}
    return Lake(
        settings.lake_dir,
        outputs,
        LakeSettings(
            buckets=settings.lake_buckets,
            window=settings.lake_duplicates_window,
            compression=settings.lake_compression,
        ),
    )


def main(settings: Settings) -> None:
    """Run until a signal; Unready where it must not start."""
    require_broker(settings)
    slot = Slot.take(settings.slots_dir, "sink")
    metrics.serve(settings.metrics_host, settings.metrics_port, settings.ports_dir, "sink")
    asyncio.run(_run(settings, f"sink-{socket.gethostname()}-{slot.number}"))
