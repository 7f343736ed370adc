"""``roadfade office``: publishes the outbox, sends heartbeats, and keeps the topics.

Topics follow the version of the policy that is in force.
"""

import asyncio
import logging
from collections.abc import Mapping

from bus.failures import BrokerError, SendFailedError
from bus.pacing import monotonic_ms, until
from bus.partitions import partition_for
from bus.ports import Broker
from bus.publisher import Publisher
from office.errors import OfficeError
from office.outbox import Outbox
from office.ports import PublishRecords
from office.published_changes import PublishedChanges
from office.store.database import Database
from roadfade import metrics
from roadfade.clock import judging_clock, wall_ms
from roadfade.in_force.broker import connection_of, limits_on, require_broker
from roadfade.in_force.plans import Plans
from roadfade.in_force.publishing import record_first
from roadfade.kek_holder import require_kek_apart
from roadfade.logs.events import Event, tell
from roadfade.logs.process_log import Named
from roadfade.processes.office.collecting import Collecting
from roadfade.processes.office.control_topics import (
    CommandNotice,
    EndWatch,
    lying_in,
    publish_through,
)
from roadfade.processes.office.erase_answers import take_all_answers
from roadfade.processes.office.erasures import Erasures
from roadfade.processes.office.receipt_heads import ReceiptHeads
from roadfade.processes.office.register_ends import RegisterEnds
from roadfade.processes.office.reported_events import ReportedEvents
from roadfade.processes.office.revocations import Revocations
from roadfade.processes.office.sealing_keys import SealingKeys
from roadfade.processes.office.topic_ages import measure_topics
from roadfade.processes.office.topic_keeper import TopicKeeper
from roadfade.processes.reporting import reporter_of, reporting
from roadfade.processes.say_once import SayOnce
from roadfade.processes.signals import on_stop
from roadfade.processes.starting import begin
from roadfade.readiness import Need, readiness
from roadfade.settings import Settings

DRAIN_EVERY_S = 0.25
AGAIN_EVERY_S = 1.0
"""How long it waits after a file could not be used."""
LOOK_EVERY_MS = 5_000
"""How often the office looks whether a control topic lost its end."""
logger = logging.getLogger(__name__)


async def _run(settings: Settings) -> None:
    broker = connection_of(settings)
    async with Database.opened(settings.office_path) as database:
        await asyncio.to_thread(tell_lost_offices, settings)
        await record_first(database, settings)
        keeper = await topics_of(settings, broker, database)
        stopping = asyncio.Event()
        on_stop(stopping.set)
        async with reporting(reporter_of(settings, broker, "office")):
            await serve(settings, broker, database, keeper, stopping)


def tell_lost_offices(settings: Settings) -> None:
    """Whom the office forgets is still in what a rebuild moved aside: say so at every start."""
    for one in sorted(settings.state_dir.glob(settings.lost_office_path("*").name)):
        logger.warning("%s still holds persons, and no erasure reaches it: delete it", one.name)


async def topics_of(settings: Settings, broker: Broker, database: Database) -> TopicKeeper:
    """The topics as they must be, found or brought about; NotReady as ``TopicKeeper.start``."""
    async with broker.admin() as admin:
        limits = await limits_on(settings, admin)
        plans = await asyncio.to_thread(Plans, limits, settings.state_dir)
        clock = judging_clock(settings.fixed_now_ms)
        keeper = TopicKeeper(settings, broker, database, plans, clock)
        await keeper.start(admin)
    return keeper


async def serve(
    settings: Settings,
    broker: Broker,
    database: Database,
    keeper: TopicKeeper,
    stopping: asyncio.Event,
) -> None:
    """Publish, keep the topics and measure them, until ``stopping``."""
    sealing_keys = SealingKeys(settings, broker, database, keeper, wall_ms)
    # Before anything is published: no front door must seal for a key that is lost.
    await sealing_keys.attempt()
    changes = PublishedChanges()
    async with asyncio.TaskGroup() as group:
        group.create_task(sealing_keys.run(stopping))
        group.create_task(keeper.run(stopping))
        group.create_task(measure_topics(broker, keeper, wall_ms, stopping))
        group.create_task(take_all_answers(broker, database, stopping))
        group.create_task(ReportedEvents(settings, broker, database, wall_ms).run(stopping))
        group.create_task(Erasures(settings, broker, database, keeper, wall_ms).run(stopping))
        group.create_task(RegisterEnds(settings, broker, database, keeper, wall_ms).run(stopping))
        group.create_task(ReceiptHeads(settings, database, wall_ms).run(stopping))
        group.create_task(Revocations(settings, database, wall_ms).run(stopping))
        collecting = Collecting(settings, database, keeper, changes, wall_ms)
        group.create_task(collecting.run(stopping))
        say = SayOnce(logger)
        while not stopping.is_set():
            await _publish_while_it_lasts(
                Outbox(database, changes=changes),
                broker,
                keeper,
                stopping,
                settings.heartbeat_every_s,
                say,
            )


async def _publish_while_it_lasts(
    outbox: Outbox,
    broker: Broker,
    keeper: TopicKeeper,
    stopping: asyncio.Event,
    heartbeat_every_s: float,
    say: SayOnce,
) -> None:
    """Publish until ``stopping``; with a new producer each time the broker stays away.

    So, too, if a file cannot be used: the office's, or that of the memory. What was not published
    still waits in the outbox; nothing was confirmed to anyone, and no heartbeat vouched for it.
    """
    try:
        async with Publisher(broker, clock=wall_ms, client_id="office") as publisher:
            publish = CommandNotice(publish_through(publisher))
            await _keep_publishing(outbox, publish, broker, keeper, stopping, heartbeat_every_s)
    except SendFailedError as failure:
        metrics.PRODUCE_RETRIES.inc()
        reason = type(failure.__cause__ or failure).__name__
        if not readiness.failed(Need.HEARTBEAT):
            tell(logger, Event.RETRYING, reason=reason)
        readiness.lacks(Need.HEARTBEAT, f"it could not be sent ({reason})")
    except OfficeError as failure:
        metrics.PRODUCE_RETRIES.inc()
        if not readiness.failed(Need.HEARTBEAT):
            say.forget()
        say(f"nothing is published until this is mended: {failure}")
        readiness.lacks(Need.HEARTBEAT, f"what waits cannot be published: {failure}")
        await until(stopping, AGAIN_EVERY_S)


async def _keep_publishing(
    outbox: Outbox,
    publish: CommandNotice,
    broker: Broker,
    keeper: TopicKeeper,
    stopping: asyncio.Event,
    heartbeat_every_s: float,
) -> None:
    """Publish in every turn, and send heartbeats: as often as asked, and right after commands."""
    beat_ms = looked_ms = float("-inf")
    again = readiness.failed(Need.HEARTBEAT)
    say = SayOnce(logger)
    ends, mended = EndWatch(broker), False
    while not stopping.is_set():
        # A version of the policy that takes over brings topics of its own.
        partitions = keeper.control
        # What is due goes by the time that passes: a wall clock may be set back by days.
        passed_ms = monotonic_ms()
        if passed_ms - looked_ms >= LOOK_EVERY_MS:
            looked_ms = passed_ms
            # What went back may have lost rows, and so may what went back while no office ran.
            try:
                if await ends.went_back(partitions) or not mended:
                    mended = False
                    mended = await _mend(outbox, publish, broker, partitions)
            except (BrokerError, TimeoutError) as failure:
                # Heartbeats go on: by what they say, no view takes the topics for complete.
                say(f"control topics could not be compared: {type(failure).__name__}: {failure}")
        if publish.waiting or passed_ms - beat_ms >= heartbeat_every_s * 1000:
            now_ms = wall_ms()
            if await outbox.beat(publish, partitions, now_ms, partition_for) is not None:
                beat_ms = passed_ms
                metrics.HEARTBEAT.set(now_ms / 1000)
                if again:
                    again = False
                    tell(logger, Event.RECONNECTED)
                readiness.met(Need.HEARTBEAT)
        else:
            await outbox.drain(publish)
        pending = await outbox.last_sequence() - await outbox.high_water()
        metrics.OUTBOX_PENDING.set(pending)
        await until(stopping, DRAIN_EVERY_S)


async def _mend(
    outbox: Outbox, publish: PublishRecords, broker: Broker, partitions: Mapping[str, int]
) -> bool:
    """Publish again what the topics lack; False if that has to be looked at later."""
    queued = await outbox.mend(
        publish, partitions, partition_for, lambda: lying_in(broker, partitions)
    )
    if queued:
        metrics.REPUBLISHED.inc(queued)
        logger.warning(
            "control topics differ from the registry: %d rows published again or deleted", queued
        )
    return queued is not None


def main(settings: Settings, named: Named) -> None:
    """Run until a signal; NotReady if it must not start."""
    require_kek_apart(settings)
    require_broker(settings)
    begin(settings, named, "office", "office")
    asyncio.run(_run(settings))
