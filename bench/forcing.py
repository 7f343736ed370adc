"""How long a forced end takes, from asking and from the cut, until no file holds what lay there."""

import asyncio
import statistics
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.canaries import LOOK_EVERY_S, in_files
from bus.client.connection import Connection
from bus.ports import Committed, ReaderSettings, TopicPartition
from bus.publisher import Publisher
from bus.records import Outgoing
from bus.topics import TopicSpec
from policy.plan.bounds import deleted_ms
from roadfade.clock import wall_ms
from roadfade.forced_end.force import ForcedEnd, Means, Step
from roadfade.forced_end.looking import look
from sinks.port.results import Place
from telemetry.instants import HOUR_MS, SECOND_MS
from telemetry.topics import SINK_GROUP, purpose_topic

ROUNDS: Final = 5
PARTITIONS: Final = 4
TOPIC: Final = purpose_topic("forced")
LASTING: Final = {
    "message.timestamp.type": "LogAppendTime",
    "retention.ms": str(HOUR_MS),
    "segment.ms": str(HOUR_MS),
}


class Took(NamedTuple):
    """One round, in seconds."""

    asked_s: float
    cut_s: float


async def forced(broker: Connection, logs: Path) -> dict[str, Any]:
    """Seconds of the slowest and of the middle round, beside what the broker's delays add up to."""
    async with broker.admin() as admin:
        await admin.create([TopicSpec(TOPIC, PARTITIONS, LASTING)])
        delays = await admin.broker_settings()
    took = [await _round(broker, logs, number) for number in range(ROUNDS)]
    bound_ms = deleted_ms(0, 0, delays.retention_check_interval_ms, delays.segment_delete_delay_ms)
    slowest_s = max(one.cut_s for one in took)
    return {
        "rounds": ROUNDS,
        "gone_s": round(slowest_s, 2),
        "gone_s_median": round(statistics.median(one.cut_s for one in took), 2),
        "bound_s": bound_ms / SECOND_MS,
        "gone_over_bound": round(slowest_s * SECOND_MS / bound_ms, 3),
        "asked_s": round(max(one.asked_s for one in took), 2),
    }


async def _round(broker: Connection, logs: Path, number: int) -> Took:
    await _plant(broker, number)
    await _read_all(broker)
    moments: dict[Step, float] = {}

    def note(step: Step) -> None:
        moments[step] = time.monotonic()

    means = Means(broker, wall_ms, lambda: look(broker, [TOPIC], _nowhere), broker.topic, hook=note)
    asked_s = time.monotonic()
    spec = TopicSpec(TOPIC, PARTITIONS, LASTING)
    run = asyncio.create_task(ForcedEnd(means, [spec], 0).run())
    while True:
        if _canary(number) not in await asyncio.to_thread(in_files, logs):
            break
        await asyncio.sleep(LOOK_EVERY_S)
    gone_s = time.monotonic()
    (ended,) = await run
    if not ended.done:
        msg = "a forced end left something"
        raise AssertionError(msg)
    return Took(gone_s - asked_s, gone_s - moments[Step.CUT])


async def _plant(broker: Connection, number: int) -> None:
    async with Publisher(broker, clock=wall_ms, compression=None) as publisher:
        await publisher.publish(
            [Outgoing(TOPIC, place, b"key", _canary(number)) for place in range(PARTITIONS)]
        )


async def _read_all(broker: Connection) -> None:
    """Have the sink's group commit the end of each partition."""

    async def nothing() -> None:
        return

    member = broker.group_member(
        SINK_GROUP, [TOPIC], member=None, settings=ReaderSettings(), revoked=nothing
    )
    async with broker.positions() as positions:
        ends = await positions.end({TOPIC: PARTITIONS})
    await member.start()
    while len(member.assigned()) < PARTITIONS:
        await member.fetch()
    await member.commit({TopicPartition(*at): Committed(offset) for at, offset in ends.items()})
    await member.stop(10_000)


def _nowhere() -> dict[tuple[str, int], Place]:
    return {}


def _canary(number: int) -> bytes:
    return b"canary:forced:%d:%016x:" % (number, number)
