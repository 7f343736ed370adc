"""A bare aiokafka loop: read, make outputs, wait for every acknowledgement, commit.

At least once, acks from all replicas, no compression. The peers that stand beside a worker share
it, so that they differ by what they make of a record alone. Nothing of ours but the meter is in it.
"""

import asyncio
from collections.abc import Callable, Iterable
from time import time
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.metering import Figures, Meter
from bench.peers.task import Task

BATCH_BYTES_MAX: Final = 1024 * 1024
RECORDS_AT_ONCE: Final = 2_000
POLL_MS: Final = 200

Sent = tuple[str, int, bytes | None, bytes, list[tuple[str, bytes]]]
"""Topic, partition, key, value, headers."""
Outputs = Callable[[Any], Iterable[Sent]]
"""What leaves for one of the client's records."""


async def carry(task: Task, meter: Meter, outputs: Outputs) -> Figures:
    """Process the task's records, until the meter has seen the last."""
    consumer = AIOKafkaConsumer(
        task.raw, bootstrap_servers=task.bootstrap_servers, group_id=task.group,
        enable_auto_commit=False, auto_offset_reset="earliest",
        max_partition_fetch_bytes=BATCH_BYTES_MAX, fetch_max_bytes=4 * BATCH_BYTES_MAX,
    )  # fmt: skip
    producer = AIOKafkaProducer(
        bootstrap_servers=task.bootstrap_servers, acks="all", enable_idempotence=True,
        max_batch_size=BATCH_BYTES_MAX, linger_ms=0,
    )  # fmt: skip
    await consumer.start()
    await producer.start()
    try:
        while True:
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_AT_ONCE)
            if not fetched:
                continue
            await _send(fetched, outputs, producer)
            await consumer.commit()
            if meter.batch(sum(map(len, fetched.values()))):
                return meter.figures()
    finally:
        await producer.stop()
        await consumer.stop()


async def _send(fetched: dict[Any, list[Any]], outputs: Outputs, producer: Any) -> None:
    now_ms = int(time() * 1000)
    filled: list[tuple[Any, str, int]] = []
    append: dict[tuple[str, int], Any] = {}
    for records in fetched.values():
        for record in records:
            for topic, partition, key, value, headers in outputs(record):
                place = topic, partition
                if place in append:
                    took = append[place](timestamp=now_ms, key=key, value=value, headers=headers)
                    if took is not None:
                        continue
                batch = producer.create_batch()
                append[place] = batch.append
                filled.append((batch, topic, partition))
                batch.append(timestamp=now_ms, key=key, value=value, headers=headers)
    acks = [await producer.send_batch(batch, topic, partition=p) for batch, topic, p in filled]
    await asyncio.gather(*acks)
