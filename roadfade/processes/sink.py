"""``roadfade sink``: purpose topics into the lake, durably, before any offset is committed."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from bus.failures import TopicRewoundError
from bus.pacing import until
from bus.ports import Broker
from bus.sink_loop import SinkLoop, SinkSettings
from bus.slots import Slot
from policy.plan.plan import Plan
from roadfade import __version__, metrics
from roadfade.clock import judging_clock
from roadfade.in_force.broker import connection_of, partitions_of, require_broker
from roadfade.in_force.plans import VersionTimeline
from roadfade.in_force.published import view_of
from roadfade.in_force.source import PolicySource
from roadfade.metrics import Metered
from roadfade.processes import rewound
from roadfade.processes.lake_writer import StoreWriter
from roadfade.processes.reporting import reporter_of, reporting
from roadfade.processes.say_once import SayOnce
from roadfade.processes.signals import on_stop
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from roadfade.stores import open_sink
from roadfade.unaccounted import ExpiredAccount
from sinks.port.sink import Sink
from telemetry.topics import SINK_GROUP

LOOK_EVERY_S = 0.5
HEARD_LATE_S = 10.0
"""For so long a record of a version that is not on record yet waits for it."""
WAITED_FOR_MAX = 20
"""For no more versions does a process wait: their numbers may be made up."""
logger = logging.getLogger(__name__)


def pause(seconds: float) -> None:
    """Let a thread wait."""
    threading.Event().wait(seconds)


class SinkKeeper:
    """The topics in force into the lake, from one version of the policy to the next."""

    def __init__(
        self, settings: Settings, broker: Broker, source: PolicySource, member: str
    ) -> None:
        self._settings = settings
        self._broker = broker
        self._source = source
        self._member = member
        self._stopping = asyncio.Event()
        self._say = SayOnce(logger)
        self._waited_for: set[int] = set()

    def stop(self) -> None:
        """Write and commit what is gathered, then end ``run``."""
        self._stopping.set()

    async def run(self) -> None:
        """Keep until ``stop``. A version with other topics opens the store anew for them.

        NotReady if a topic ends before what the store has read, or goes back while it runs.
        """
        try:
            await self._run()
        except ExceptionGroup as failures:
            for failure in failures.exceptions:
                if isinstance(failure, NotReady):
                    raise failure from None
            raise

    async def _run(self) -> None:
        await asyncio.to_thread(rewound.check_mark, self._settings.state_dir)
        view = view_of(self._broker, self._source.published)
        account = ExpiredAccount(self._settings.ledger_path)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(view.run())
            while not self._stopping.is_set():
                line = await self._line()
                async with self._broker.admin() as admin:
                    partitions = None if line is None else await partitions_of(admin, line.plan)
                if line is None or partitions is None:  # the office makes them in a moment
                    await until(self._stopping, LOOK_EVERY_S)
                    continue
                metrics.tell_build(__version__, line.plan.policy_version)
                await self._keep(line.kept_topics, partitions, account)
            await view.stop()
            await reading

    async def _keep(
        self,
        outputs: Mapping[str, str],
        partitions: Mapping[str, int],
        account: ExpiredAccount,
    ) -> None:
        """Into the store opened for these topics, for as long as these are the topics."""
        sink = await asyncio.to_thread(open_sink, self._settings, outputs, self._plan_of)
        back: TopicRewoundError | None = None
        writer = StoreWriter(sink, account, judging_clock(self._settings.fixed_now_ms))
        try:
            known = {topic: count for topic, count in partitions.items() if topic in outputs}
            await _check_positions(self._broker, sink, known)
            loop = SinkLoop(
                self._broker,
                sorted(outputs),
                SINK_GROUP,
                sink.position,
                writer.write,
                member=_member_for(self._member, outputs),
                observer=Metered(),
                settings=SinkSettings(gather_ms=int(self._settings.sink_batch_s * 1000)),
            )
            async with asyncio.TaskGroup() as group:
                tidying = group.create_task(writer.tidy())
                watching = group.create_task(self._end_with(loop, outputs))
                try:
                    await loop.run()
                except TopicRewoundError as found:
                    back = found
                tidying.cancel()
                watching.cancel()
            if back is not None:
                raise await asyncio.to_thread(rewound.mark, self._settings.state_dir, back)
        finally:
            await asyncio.to_thread(sink.close)

    async def _end_with(self, loop: SinkLoop, outputs: Mapping[str, str]) -> None:
        """End the loop with this process, or with the last version that has these topics."""
        while not await until(self._stopping, LOOK_EVERY_S):
            line = await self._line()
            if line is not None:
                metrics.tell_build(__version__, line.plan.policy_version)
                if line.kept_topics != outputs:
                    break
        await loop.stop()

    def _plan_of(self, number: int) -> Plan | None:
        """The plan of a version; None if it is not on record. Blocks, off the event loop.

        A worker may hear of a new version first: for one that would be newer than all on record,
        the record waits a while, once.
        """
        for _ in range(int(HEARD_LATE_S / LOOK_EVERY_S)):
            known = {one.version: one for one in self._source.published.versions}
            if number in known:
                return self._source.plans.plan_if_it_holds(known[number])
            never = number in self._waited_for or len(self._waited_for) >= WAITED_FOR_MAX
            if never or number < max(known, default=0):
                break
            pause(LOOK_EVERY_S)
        if len(self._waited_for) < WAITED_FOR_MAX:
            self._waited_for.add(number)
        return None

    async def _line(self) -> VersionTimeline | None:
        """The versions now; None, logged once, if the one in force is not valid here."""
        try:
            return await asyncio.to_thread(self._source.line)
        except NotReady as refusal:
            self._say(f"records are stored as before for now: {refusal}")
            return None


def _member_for(member: str, topics: Iterable[str]) -> str:
    """A static member of its own for each set of topics.

    Kafka gives a static member that comes back what it had, even if it now wants others.
    """
    named = "\n".join(sorted(topics)).encode()
    return f"{member}-{blake2b(named, digest_size=4).hexdigest()}"


async def _run(settings: Settings, member: str) -> None:
    broker = connection_of(settings)
    source = await PolicySource.to_start_from(settings, broker)
    keeper = SinkKeeper(settings, broker, source, member)
    on_stop(keeper.stop)
    async with reporting(reporter_of(settings, broker, "sink")):
        await keeper.run()


async def _check_positions(broker: Broker, sink: Sink, partitions: Mapping[str, int]) -> None:
    """NotReady if the store has read further than a topic goes: it would drop what comes."""
    async with broker.positions() as positions:
        ends = await positions.end(partitions)
    for (topic, partition), end in ends.items():
        position = sink.position(topic, partition)
        if position is not None and position > end:
            raise rewound.refusal(topic, position, f"the topic ends at {end}")


def main(settings: Settings) -> None:
    """Run until a signal; NotReady if it must not start."""
    require_broker(settings)
    slot = Slot.take(settings.slots_dir, "sink")
    metrics.serve_metrics(settings.metrics_host, settings.metrics_port, settings.ports_dir, "sink")
    asyncio.run(_run(settings, f"sink-{socket.gethostname()}-{slot.number}"))
