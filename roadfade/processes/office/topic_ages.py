"""How old the oldest record of every topic is, and how much waits for worker and sink.

Measured from outside the loops: a loop that is stuck cannot tell that it lags.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Protocol

from bus.failures import BrokerError
from bus.pacing import until
from bus.ports import Broker, OffsetReader
from policy.plan.plan import Plan
from roadfade import metrics
from roadfade.clock import WallClock
from telemetry.topics import RAW, SINK_GROUP, WORKER_GROUP

MEASURE_EVERY_S = 15.0


class Topics(Protocol):
    """Whose topics are measured: they change when a version takes over."""

    @property
    def plan(self) -> Plan:
        """The plan in force."""

    @property
    def partitions(self) -> Mapping[str, int]:
        """How many partitions each of its topics has."""


async def measure_topics(
    broker: Broker, topics: Topics, clock: WallClock, stopping: asyncio.Event
) -> None:
    """Measure again and again until ``stopping``; what cannot be read stays as it was."""
    exported: set[str] = set()
    while not stopping.is_set():
        plan, partitions = topics.plan, topics.partitions
        promises = {output.topic: output.transport.bound_ms for output in plan.outputs}
        promises[RAW] = plan.raw.bound_ms
        # A topic that could not be made yet holds nothing.
        promises = {name: bound for name, bound in promises.items() if name in partitions}
        with suppress(BrokerError, TimeoutError):
            async with broker.positions() as positions:
                oldest = await positions.oldest_ms({topic: partitions[topic] for topic in promises})
                await _measure_lag(positions, plan, partitions)
            _tell(promises, oldest, exported, clock())
        await until(stopping, MEASURE_EVERY_S)


def _tell(
    promises: Mapping[str, int], oldest: Mapping[str, int], exported: set[str], now_ms: int
) -> None:
    """Set each copy's figures; a topic that is gone is removed."""
    for topic in exported - promises.keys():
        if topic != RAW:
            metrics.SINK_LAG.remove(topic)
        metrics.LONGEST_LIFE.remove(f"topic {topic}")
        metrics.OLDEST_AGE.remove(f"topic {topic}")
    for topic, bound_ms in promises.items():
        age_ms = now_ms - oldest.get(topic, now_ms)
        metrics.LONGEST_LIFE.labels(f"topic {topic}").set(bound_ms / 1000)
        metrics.OLDEST_AGE.labels(f"topic {topic}").set(age_ms / 1000)
    exported.clear()
    exported.update(promises)


async def _measure_lag(positions: OffsetReader, plan: Plan, partitions: Mapping[str, int]) -> None:
    waiting = await positions.lag(WORKER_GROUP, {RAW: partitions[RAW]})
    for (_, partition), lag in waiting.items():
        metrics.INPUT_LAG.labels(str(partition)).set(lag.records)
    topics = [output.topic for output in plan.outputs if output.topic in partitions]
    outputs = {topic: partitions[topic] for topic in topics}
    kept = Counter[str]()
    for (topic, _), lag in (await positions.lag(SINK_GROUP, outputs)).items():
        kept[topic] += lag.records
    for topic in outputs:
        metrics.SINK_LAG.labels(topic).set(kept[topic])
