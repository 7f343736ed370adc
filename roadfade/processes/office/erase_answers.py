"""What stores say: that they are there, and their answers to erasures and legal holds.

In: their topic. Out: rows of stores and answers in the office's database. The whole topic is read
at each start, and again after whatever went wrong: what is taken twice changes nothing.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Final, TypeVar

from bus.failures import BrokerError
from bus.pacing import until
from bus.ports import Broker, ConsumedRecord, TopicReader
from bus.topic_watch import TopicWatch
from office.erasure.answers import STORES_MAX, listed_stores, take_answers, take_hellos
from office.holds.answers import take_hold_answers
from office.replay_memory.known import StoreOf
from office.replay_memory.memory import FILE, ReplayMemory
from office.store.database import Database
from roadfade import metrics
from roadfade.clock import wall_ms
from roadfade.processes.say_once import SayOnce
from telemetry.topics import AUDIT_ERASURES
from telemetry.wire.erasure import EraseAnswer, take_answer
from telemetry.wire.hold import HoldAnswer, take_hold_answer
from telemetry.wire.store_hello import StoreHello, take_hello

_A = TypeVar("_A")
TRY_AGAIN_S: Final = 5.0
STOP_DEADLINE_MS: Final = 10_000
WATCH_EVERY: Final = 50
"""Fetches between two looks whether the topic was made anew."""
APPENDED: Final = 1
"""The type of a timestamp that is the broker's."""
NO_ROOM: Final = (
    f"a store that is there cannot be noted, as {STORES_MAX} outputs of stores are: requests of "
    "erasure wait until stores that are gone are retired (roadfade office stores, retire-store) "
    "and it says again that it is there, as it does each day"
)
logger = logging.getLogger(__name__)


async def take_all_answers(broker: Broker, database: Database, stopping: asyncio.Event) -> None:
    """Take what stores answer until ``stopping``; whatever fails is said once and tried again."""
    say = SayOnce(logger)
    while not stopping.is_set():
        try:
            await _read(broker, database, stopping, say)
        except Exception as failure:  # noqa: BLE001  # the office's heartbeats do not depend on it
            metrics.ERASURE_FAILURES.labels("answers").inc()
            # The message may quote what was read.
            say(f"answers to erasures could not be read: {type(failure).__name__}")
        await until(stopping, TRY_AGAIN_S)


async def _read(broker: Broker, database: Database, stopping: asyncio.Event, say: SayOnce) -> None:
    async with aclosing(TopicWatch(broker, {}, learn=[AUDIT_ERASURES])) as watch:
        await watch.check()
        reader = broker.reader(AUDIT_ERASURES, await _partitions(broker))
        try:
            await reader.start()
            say.forget()
            await _take_from(reader, watch, database, stopping, say)
        finally:
            await reader.stop(STOP_DEADLINE_MS)


async def _take_from(
    reader: TopicReader,
    watch: TopicWatch,
    database: Database,
    stopping: asyncio.Event,
    say: SayOnce,
) -> None:
    """Take one fetch after the other: each is bounded, and so is what is in memory."""
    fetches = 0
    remembered = await _remember_stores(database, {})
    while not stopping.is_set():
        fetched = await reader.fetch()
        for records in fetched.values():
            answers = list(_answers(records))
            erased = [(one, ms) for one, ms in answers if isinstance(one, EraseAnswer)]
            held = [(one, ms) for one, ms in answers if isinstance(one, HoldAnswer)]
            hellos = [(one, ms) for one, ms in answers if isinstance(one, StoreHello)]
            if answers:
                async with database.writing() as connection:
                    # Who is there is awaited by what is answered behind.
                    unknown = await take_hellos(connection, *_apart(hellos))
                    _count(unknown)
                    # A copy was made before its rows were erased, and is known of before.
                    _count(await take_hold_answers(connection, *_apart(held)))
                    _count(await take_answers(connection, *_apart(erased)))
                if unknown:
                    say(NO_ROOM, about=NO_ROOM)
        fetches += 1
        if any(fetched.values()) or fetches % WATCH_EVERY == 0:
            remembered = await _remember_stores(database, remembered)
        if fetches % WATCH_EVERY == 0:
            await watch.check()


async def _remember_stores(
    database: Database, before: Mapping[StoreOf, int | None]
) -> Mapping[StoreOf, int | None]:
    """Have who is there outlive the office's database; what is remembered now.

    It is so a moment later than the database has it; meanwhile its topic has what the store said.
    """
    async with database.reading() as connection:
        listed = await listed_stores(connection)
    now = {
        StoreOf(one.store, one.output): one.since_ms if one.retired_ms is None else None
        for one in listed
    }
    if now != before:
        await asyncio.to_thread(_write, database.file.with_name(FILE), now)
    return now


def _write(file: Path, stores: Mapping[StoreOf, int | None]) -> None:
    ReplayMemory.made(file, wall_ms()).remember_stores(stores)


def _count(refused: int) -> None:
    if refused:
        metrics.QUARANTINED.labels(AUDIT_ERASURES, "not taken").inc(refused)


def _apart(heard: Sequence[tuple[_A, int]]) -> tuple[list[_A], list[int]]:
    return [one for one, _ in heard], [at_ms for _, at_ms in heard]


def _answers(
    records: Iterable[ConsumedRecord],
) -> Iterable[tuple[EraseAnswer | HoldAnswer | StoreHello, int]]:
    """What was said, and when it was: by the broker's clock, if it is the one that dates."""
    for record in records:
        if record.value is None:
            continue
        value = record.value
        answer = take_answer(value) or take_hold_answer(value) or take_hello(value)
        if answer is None:
            metrics.QUARANTINED.labels(AUDIT_ERASURES, "undecodable").inc()
        else:
            by_broker = record.timestamp_type == APPENDED
            yield answer, record.timestamp if by_broker else answer.at_ms


async def _partitions(broker: Broker) -> int:
    async with broker.admin() as admin:
        found = (await admin.describe([AUDIT_ERASURES]))[AUDIT_ERASURES]
    if found is None:
        msg = f"topic {AUDIT_ERASURES} is not there"
        raise BrokerError(msg)
    return found.partitions
