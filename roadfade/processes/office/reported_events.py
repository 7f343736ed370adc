"""Events that other systems report: from their topic into the office's database, once in effect.

In: a broker. Out: events on record, and answers on ``audit.events`` for what is refused: its place
and why, never what it held. How far the topic is read stands in the database, in the transaction
that records what was read. Whatever fails here is said once, counted and tried again; withdrawals,
heartbeats and erasures do not wait for it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from enum import StrEnum
from typing import Final

from bus.failures import BrokerError, TopicRemadeError
from bus.pacing import until
from bus.ports import Broker, TopicReader
from bus.publisher import Publisher
from bus.records import Outgoing
from bus.topic_watch import TopicWatch
from office.registry.reported import (
    OUTCOMES,
    RECORDED,
    TOLD_MAX,
    Place,
    Told,
    answered,
    forget_ids,
    note_place,
    places,
    take_told,
    waiting_answers,
)
from office.replay_memory.taken_back import TakenBackEvents
from office.store.database import Database
from policy.artefacts.topics import EVENT_LIFE_MS, EVENT_SEGMENT_MS
from roadfade import metrics
from roadfade.clock import WallClock
from roadfade.processes.office.told_events import begin_at, told_of
from roadfade.processes.say_once import SayOnce
from roadfade.settings import Settings
from telemetry.instants import DAY_MS
from telemetry.topics import AUDIT_EVENTS, EVENTS_REPORTED
from telemetry.wire.event import EventRefusal, encode_refused

TRY_AGAIN_S: Final = 5.0
REST_S: Final = 0.05
"""Between two transactions: others write to the same database, and take turns by chance."""
STOP_DEADLINE_MS: Final = 10_000
ANSWER_DEADLINE_MS: Final = 10_000
LOOK_EVERY: Final = 50
"""Fetches between two looks whether the topic was made anew, and at ids that are old."""
IDS_BEYOND_MS: Final = EVENT_LIFE_MS + EVENT_SEGMENT_MS + DAY_MS
"""Ids are remembered for so much longer than anything is restored: the topic's own bound, about."""
STEP: Final = "reported"
UNREAD: Final = "unread"
"""What the topic deleted before the office read it: an outcome beside those of records."""
logger = logging.getLogger(__name__)


class Moment(StrEnum):
    """A point of taking some records; a test's hook is told of each."""

    FETCHED = "fetched"
    WRITTEN = "written"
    """All is written, and nothing holds yet."""
    DURABLE = "durable"
    ANSWERED = "answered"
    """The answers are published, and still wait in the database."""


def go_on(_: Moment) -> None:
    """Do nothing: how every process but a test's runs."""


class ReportedEvents:
    """The office's reader of reported events."""

    def __init__(
        self,
        settings: Settings,
        broker: Broker,
        database: Database,
        clock: WallClock,
        hook: Callable[[Moment], None] = go_on,
    ) -> None:
        self._settings = settings
        self._broker = broker
        self._database = database
        self._clock = clock
        self._hook = hook
        self._taken_back = TakenBackEvents(database.file, clock)
        self._say, self._say_refused = SayOnce(logger), SayOnce(logger)
        self._due: dict[int, int] = {}
        """By partition, the offset of the next record, or one before it."""
        metrics.bear(metrics.REPORTED_EVENTS, [*OUTCOMES, UNREAD])

    async def run(self, stopping: asyncio.Event) -> None:
        """Take what comes until ``stopping``; whatever fails is said once and tried again."""
        while not stopping.is_set():
            try:
                await self._read(stopping)
            except TopicRemadeError:
                continue  # who begins again knows of which topic the places are
            except Exception as failure:  # noqa: BLE001  # the office's heartbeats do not depend on it
                metrics.ERASURE_FAILURES.labels(STEP).inc()
                # The message may quote what was read.
                self._say(f"reported events could not be taken: {type(failure).__name__}")
            await until(stopping, TRY_AGAIN_S)

    async def _read(self, stopping: asyncio.Event) -> None:
        async with (
            aclosing(TopicWatch(self._broker, {}, learn=[EVENTS_REPORTED])) as watch,
            Publisher(
                self._broker,
                clock=self._clock,
                client_id="office-events",
                compression=None,
                deadline_ms=ANSWER_DEADLINE_MS,
            ) as publisher,
        ):
            await watch.check()
            topic_id = watch.known(EVENTS_REPORTED)
            if topic_id is None:
                msg = f"topic {EVENTS_REPORTED} is not there"
                raise BrokerError(msg)
            count = await self._partitions()
            since = await self._since(topic_id, count)
            await self._answer(publisher)
            reader = self._broker.reader(EVENTS_REPORTED, count, since=since, committed=True)
            try:
                await reader.start()
                await self._take_from(reader, topic_id, watch, publisher, stopping)
            finally:
                await reader.stop(STOP_DEADLINE_MS)

    async def _since(self, topic_id: str, count: int) -> dict[int, int]:
        """Where to begin in each partition; says what was lost, and what goes back."""
        async with self._database.reading() as connection:
            known = await places(connection)
        async with self._broker.positions() as positions:
            begins = await positions.begin({EVENTS_REPORTED: count})
            ends = await positions.end({EVENTS_REPORTED: count})
        since, lost, back = begin_at(known, topic_id, begins, ends)
        if lost or back:
            async with self._database.writing() as connection:
                for number, offset in since.items():
                    await note_place(connection, number, Place(topic_id, offset))
        if lost:
            metrics.REPORTED_EVENTS.labels(UNREAD).inc(lost)
            logger.error("%d reported events ended unread, at most: ask senders for them", lost)
        if back:
            metrics.REWOUND.inc(back)
            logger.error("%s was made anew, and is read from its beginning", EVENTS_REPORTED)
        self._due = since
        return since

    async def _take_from(
        self,
        reader: TopicReader,
        topic_id: str,
        watch: TopicWatch,
        publisher: Publisher,
        stopping: asyncio.Event,
    ) -> None:
        """Take one fetch after the other: each is bounded, and so is each transaction."""
        fetches = 0
        while not stopping.is_set():
            fetched = await reader.fetch()
            told = told_of(fetched, reader.set_aside())
            for number, mine in told.items():
                self._hook(Moment.FETCHED)
                for start in range(0, len(mine), TOLD_MAX):
                    await self._take(topic_id, number, mine[start : start + TOLD_MAX])
                    await self._answer(publisher)
                    if await until(stopping, REST_S):
                        return
            if fetches % LOOK_EVERY == 0:
                await watch.check()
                await self._forget_old_ids()
            fetches += 1

    async def _take(self, topic_id: str, partition: int, told: Sequence[Told]) -> None:
        if told[0].offset < self._due.get(partition, 0):
            # It is read from its beginning then, and what is on record is known by its id.
            metrics.REWOUND.inc(self._due[partition] - told[0].offset)
            logger.error("%s lost its end, and is read from its beginning", EVENTS_REPORTED)
        self._due[partition] = told[-1].behind
        now_ms, ids_max = self._clock(), self._settings.reported_events_max
        async with self._database.writing() as connection:
            outcomes = await take_told(
                connection, topic_id, partition, told, now_ms, ids_max, self._taken_back.known
            )
            self._hook(Moment.WRITTEN)
        self._hook(Moment.DURABLE)
        self._say.forget()
        for outcome, count in Counter(outcomes).items():
            metrics.REPORTED_EVENTS.labels(outcome).inc(count)
        for reason in sorted(set(outcomes) & set(EventRefusal)):
            self._say_refused(f"reported events were refused: {reason}", about=reason)
        if RECORDED in outcomes:
            logger.info("%d reported events are on record", outcomes.count(RECORDED))

    async def _answer(self, publisher: Publisher) -> None:
        """Publish every answer that waits; no more is read while that fails, so few ever wait."""
        while True:
            async with self._database.reading() as connection:
                waiting = await waiting_answers(connection)
            if not waiting:
                return
            await publisher.publish(
                [Outgoing(AUDIT_EVENTS, None, one.key, encode_refused(one)) for one in waiting]
            )
            self._hook(Moment.ANSWERED)
            async with self._database.writing() as connection:
                await answered(connection, waiting)

    async def _forget_old_ids(self) -> None:
        ids_ms = self._settings.replay_days * DAY_MS + IDS_BEYOND_MS
        async with self._database.writing() as connection:
            await forget_ids(connection, self._clock() - ids_ms)

    async def _partitions(self) -> int:
        async with self._broker.admin() as admin:
            found = (await admin.describe([EVENTS_REPORTED]))[EVENTS_REPORTED]
        if found is None:
            msg = f"topic {EVENTS_REPORTED} is not there"
            raise BrokerError(msg)
        return found.partitions
