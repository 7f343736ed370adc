"""``roadfade sink``: purpose topics into the lake, durably, before any offset is committed."""

import asyncio
import signal
import socket
from collections.abc import Mapping
from hashlib import blake2b

from bus.admin import TopicAdmin
from bus.connection import Connection
from bus.positions import Positions
from bus.sink_loop import SinkLoop, SinkSettings
from bus.slots import Slot
from policy.groups import SINK_GROUP
from policy.plan import Plan
from roadfade import __version__, metrics
from roadfade.clock import judging_clock
from roadfade.footing import Footing, footing
from roadfade.lake_sink import LakeSink
from roadfade.ledger import LedgerFile
from roadfade.metered import Metered
from roadfade.planning import Unready, check_topics, connection_of, partitions_of
from roadfade.published import view_of
from roadfade.reachable import require_broker
from roadfade.settings import Settings
from sinks.lake import Lake, LakeSettings

LOOK_EVERY_S = 0.5


class LakeKeeper:
    """The topics in force into the lake, from one version of the policy to the next."""

    def __init__(self, settings: Settings, ground: Footing, member: str) -> None:
        self._settings = settings
        self._ground = ground
        self._member = member
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Write and commit what is gathered, then end ``run``."""
        self._stopping.set()

    async def run(self) -> None:
        """Keep until ``stop``. A version with other outputs opens the lake anew for them."""
        connection = connection_of(self._settings)
        view = view_of(connection, self._ground.published)
        ledger = await asyncio.to_thread(LedgerFile, self._settings.ledger_path)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(view.run())
            while not self._stopping.is_set():
                plan = (await asyncio.to_thread(self._ground.line)).plan
                async with TopicAdmin(connection) as admin:
                    partitions = await partitions_of(admin, plan)
                if partitions is None:  # the office makes them in a moment
                    await self._rest()
                    continue
                metrics.tell_build(__version__, plan.policy_version)
                await self._keep(connection, plan, partitions, ledger)
            await view.stop()
            await reading

    async def _keep(
        self, connection: Connection, plan: Plan, partitions: Mapping[str, int], ledger: LedgerFile
    ) -> None:
        """Into one opened lake, for as long as the outputs are these."""
        lake = await asyncio.to_thread(_open_lake, self._settings, plan)
        sink = LakeSink(lake, ledger, judging_clock(self._settings.fixed_now_ms))
        try:
            await _check_positions(connection, lake, plan, partitions)
            loop = SinkLoop(
                connection,
                _topics(plan),
                SINK_GROUP,
                sink,
                member=_member_for(self._member, plan),
                observer=Metered(),
                settings=SinkSettings(gather_ms=int(self._settings.sink_batch_s * 1000)),
            )
            async with asyncio.TaskGroup() as group:
                tidying = group.create_task(sink.tidy())
                watching = group.create_task(self._end_with(loop, plan))
                await loop.run()
                tidying.cancel()
                watching.cancel()
        finally:
            lake.close()

    async def _end_with(self, loop: SinkLoop, plan: Plan) -> None:
        """End the loop with this process, or with the last version that has these outputs."""
        while not self._stopping.is_set():
            await self._rest()
            now = (await asyncio.to_thread(self._ground.line)).plan
            if now is not plan:
                metrics.tell_build(__version__, now.policy_version)
                if _topics(now) != _topics(plan):
                    break
        await loop.stop()

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), LOOK_EVERY_S)
        except TimeoutError:
            return


def _member_for(member: str, plan: Plan) -> str:
    """A static member of its own for each set of topics.

    Kafka gives a static member that comes back what it had, even where it now wants others.
    """
    topics = "\n".join(_topics(plan)).encode()
    return f"{member}-{blake2b(topics, digest_size=4).hexdigest()}"


def _topics(plan: Plan) -> list[str]:
    return sorted(output.topic for output in plan.outputs)


async def _run(settings: Settings, member: str) -> None:
    async with TopicAdmin(connection_of(settings)) as admin:
        ground = await footing(settings, admin)
        await check_topics(admin, ground.specs(await asyncio.to_thread(ground.line)))
    keeper = LakeKeeper(settings, ground, member)
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, keeper.stop)
    await keeper.run()


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
