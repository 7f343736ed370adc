"""How old the oldest record of every topic is, and how much waits for worker and sink.

Measured from outside the loops: a loop that is stuck cannot tell that it lags.
"""

import asyncio
from collections import Counter
from contextlib import suppress

from bus.connection import Connection
from bus.failures import BrokerError
from bus.positions import Positions
from policy.groups import SINK_GROUP, WORKER_GROUP
from policy.plan import Plan
from policy.topics import RAW
from roadfade import metrics
from roadfade.clock import wall_ms

MEASURE_EVERY_S = 15.0


async def measure_topics(
    connection: Connection, plan: Plan, partitions: dict[str, int], stopping: asyncio.Event
) -> None:
    """Measure again and again until ``stopping``; what the broker does not tell stays as it was."""
    promises = {output.topic: output.transport.bound_ms for output in plan.outputs}
    promises[RAW] = plan.raw.bound_ms
    for topic, bound_ms in promises.items():
        metrics.LONGEST_LIFE.labels(f"topic {topic}").set(bound_ms / 1000)
    while not stopping.is_set():
        with suppress(BrokerError, TimeoutError):
            async with Positions(connection) as positions:
                oldest = await positions.oldest_ms({topic: partitions[topic] for topic in promises})
                await _measure_lag(positions, plan, partitions)
            for topic in promises:
                age_ms = wall_ms() - oldest.get(topic, wall_ms())
                metrics.OLDEST_AGE.labels(f"topic {topic}").set(age_ms / 1000)
        try:
            await asyncio.wait_for(stopping.wait(), MEASURE_EVERY_S)
        except TimeoutError:
            continue


async def _measure_lag(positions: Positions, plan: Plan, partitions: dict[str, int]) -> None:
    waiting = await positions.lag(WORKER_GROUP, {RAW: partitions[RAW]})
    for (_, partition), lag in waiting.items():
        metrics.INPUT_LAG.labels(str(partition)).set(lag.records)
    outputs = {output.topic: partitions[output.topic] for output in plan.outputs}
    kept = Counter[str]()
    for (topic, _), lag in (await positions.lag(SINK_GROUP, outputs)).items():
        kept[topic] += lag.records
    for topic in outputs:
        metrics.SINK_LAG.labels(topic).set(kept[topic])
