"""``roadfade sink``: purpose topics into the lake, durably, before any offset is committed."""

import asyncio
import logging
import socket
import threading
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from hashlib import blake2b

from bus.failures import TopicRemadeError, TopicRewoundError
from bus.loops.gathering import SinkSettings
from bus.loops.sink_loop import SinkLoop
from bus.pacing import until
from bus.ports import Broker
from bus.publisher import Publisher
from bus.slots import Slot
from bus.topic_watch import TopicWatch
from policy.plan.plan import Plan
from roadfade.clock import WallClock, boot_ms, wall_ms
from roadfade.in_force.broker import connection_of, partitions_of, require_broker
from roadfade.in_force.plans import VersionTimeline
from roadfade.in_force.published import view_of
from roadfade.in_force.source import PolicySource
from roadfade.logs.process_log import Named
from roadfade.processes.clocks.heard_clocks import HeardClocks
from roadfade.processes.clocks.judged_clock import clock_of_sink
from roadfade.processes.reporting import reporter_of, reporting
from roadfade.processes.say_once import SayOnce
from roadfade.processes.signals import on_stop
from roadfade.processes.sink.erasures import Erasures
from roadfade.processes.sink.lake_writer import StoreWriter
from roadfade.processes.sink.late_versions import HEARD_LATE_S, LateVersions
from roadfade.processes.sink.observer import (
    INCOMPLETE,
    NO_ROOM,
    UNREADABLE,
    SinkObserver,
    bear_sink,
)
from roadfade.processes.sink.topic_gate import TopicGate
from roadfade.processes.starting import begin, tell_in_force
from roadfade.readiness import Need, readiness
from roadfade.refusal import NotReady
from roadfade.settings import Settings
from roadfade.stores import open_sink, tell_how_records_are_read
from roadfade.unaccounted import ExpiredAccount
from sinks.port.sink import Sink, StoreFullError
from telemetry.topics import SINK_GROUP

LOOK_EVERY_S = 0.5
ROOM_AGAIN_S = 5.0
"""How soon a store is tried again that had no room."""
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
        self._gate = TopicGate(settings.state_dir, broker)
        self._heard = HeardClocks()
        self._observer = SinkObserver()
        self._view = view_of(broker, source.published, self._heard.take)
        self._late = LateVersions(boot_ms)
        self._erasures: Erasures

    def stop(self) -> None:
        """Write and commit what is gathered, then end ``run``."""
        self._stopping.set()

    async def run(self) -> None:
        """Keep until ``stop``. A version with other topics opens the store anew for them.

        If there is no room to write, it waits. A topic that was made anew, or lost its end, is kept
        no more until it is adopted; the others are.
        """
        tell_how_records_are_read()
        try:
            await self._run()
        except ExceptionGroup as failures:
            for failure in failures.exceptions:
                if isinstance(failure, NotReady):
                    raise failure from None
            raise

    async def _run(self) -> None:
        clock = await clock_of_sink(self._settings, self._broker, self._heard)
        account = ExpiredAccount(self._settings.ledger_path)
        answers = Publisher(self._broker, clock=wall_ms, client_id="sink")
        async with answers, asyncio.TaskGroup() as group:
            self._erasures = Erasures(self._settings, self._broker, answers, account, clock, group)
            reading = group.create_task(self._view.run())
            while not self._stopping.is_set():
                line = await self._line()
                async with self._broker.admin() as admin:
                    there = line is not None and await partitions_of(admin, line.plan) is not None
                if line is None or not there:  # the office makes them in a moment
                    await until(self._stopping, LOOK_EVERY_S)
                    continue
                self._in_force(line)
                if not await self._room_for(line, account, clock):
                    await until(self._stopping, ROOM_AGAIN_S)
            await self._erasures.end()
            await self._view.stop()
            await reading

    async def _room_for(
        self, line: VersionTimeline, account: ExpiredAccount, clock: WallClock
    ) -> bool:
        """Keep as ``_keep``; False if there is no room: what was not written comes again."""
        full = False
        try:
            await self._keep(line.kept_topics, account, clock)
        except* StoreFullError as failures:
            full = True
            self._say(f"records wait: {failures.exceptions[0]}", about="room")
            self._observer.paused(NO_ROOM)
        return not full

    async def _keep(
        self, outputs: Mapping[str, str], account: ExpiredAccount, clock: WallClock
    ) -> None:
        """Into the store opened for these topics, for as long as these are the topics."""
        sink = await asyncio.to_thread(open_sink, self._settings, outputs, self._plan_of)
        writer = StoreWriter(sink, account, clock, self._late.begin, saw=self._erasures.saw)
        try:
            bear_sink(outputs)
            await self._erasures.attach(sink, outputs.values())
            ids = await self._gate.open(sink, outputs)
            async with aclosing(TopicWatch(self._broker, ids)) as watch:
                loop = self._loop_over(ids, sink, writer, watch) if ids else None
                async with asyncio.TaskGroup() as group:
                    beside = [group.create_task(writer.tidy()), group.create_task(writer.join())]
                    watching = group.create_task(self._end_with(loop, outputs))
                    if loop is None:
                        await watching
                    else:
                        await self._run_until_remade(loop)
                        watching.cancel()
                    for task in beside:
                        task.cancel()
            self._observer.loop_ended()
        finally:
            await asyncio.to_thread(sink.close)

    def _loop_over(
        self, ids: Mapping[str, str | None], sink: Sink, writer: StoreWriter, watch: TopicWatch
    ) -> SinkLoop:
        settings = SinkSettings(
            gather_ms=int(self._settings.sink_batch_s * 1000),
            verify_every_ms=int(self._settings.topic_ids_every_s * 1000),
        )
        return SinkLoop(
            self._broker,
            sorted(ids),
            SINK_GROUP,
            sink.position,
            writer.write,
            skip=writer.skip,
            verify=watch.check,
            pause_reason=self._pause_reason,
            member=_member_for(self._member, ids),
            observer=self._observer,
            settings=settings,
        )

    async def _run_until_remade(self, loop: SinkLoop) -> None:
        """Run it; what it finds about a topic is looked at as the store is opened next."""
        try:
            await loop.run()
        except TopicRewoundError as found:
            await self._gate.note(found)
        except TopicRemadeError as found:
            logger.warning("%s", found)

    def _pause_reason(self) -> str | None:
        """Why no record may be judged now: what it may hold could be what is lacking."""
        if not self._view.complete:
            return INCOMPLETE
        if self._source.published.unreadable:
            return UNREADABLE
        return self._erasures.pause_reason()

    async def _end_with(self, loop: SinkLoop | None, outputs: Mapping[str, str]) -> None:
        """Return, and end the loop, with this process or with the last version of these topics.

        And if a topic is to be adopted.
        """
        while not await until(self._stopping, LOOK_EVERY_S):
            line = await self._line()
            if line is not None:
                self._in_force(line)
                if line.kept_topics != outputs:
                    break
            if await self._gate.has_orders():
                break
        if loop is not None:
            await loop.stop()

    def _plan_of(self, number: int) -> Plan | None:
        """The plan of a version; None if it is not on record. Blocks, off the event loop.

        A worker may hear of a new version first: for one that would be newer than all on record,
        the record waits a while (see ``late_versions``).
        """
        for _ in range(int(HEARD_LATE_S / LOOK_EVERY_S)):
            known = {one.version: one for one in self._source.published.versions}
            if number in known:
                return self._source.plans.plan_if_it_holds(known[number])
            if number < max(known, default=0) or not self._late.may_come(number):
                return None
            pause(LOOK_EVERY_S)
        self._late.in_vain(number)
        return None

    @staticmethod
    def _in_force(line: VersionTimeline) -> None:
        readiness.met(Need.POLICY)
        tell_in_force(line.plan.policy_version)

    async def _line(self) -> VersionTimeline | None:
        """The versions now; None, logged once, if the one in force is not valid here."""
        try:
            return await asyncio.to_thread(self._source.line)
        except NotReady as refusal:
            readiness.lacks(Need.POLICY, "the version in force cannot be taken over")
            self._say(f"the version in force cannot be taken over: {refusal}")
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


def main(settings: Settings, named: Named) -> None:
    """Run until a signal; NotReady if it must not start."""
    require_broker(settings)
    slot = Slot.take(settings.slots_dir, "sink")
    begin(settings, named, "sink", "sink")
    asyncio.run(_run(settings, f"sink-{socket.gethostname()}-{slot.number}"))
