"""The yardstick: a bare aiokafka loop that reads the same records and writes as many bytes.

For each record it appends what the processors made of the first envelope of that device: same
topics, partitions, keys, headers, sizes. It decodes nothing and decides nothing. The light one
appends the values alone, without key and headers: less cannot be done with this client.
"""

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.fleet import envelopes
from bench.job import DEVICES, NOW_MS, PARTITIONS, SeededKeyring, raw_key
from bench.jobs import JOBS, people_of, plan_of
from bench.metering import Figures, Meter
from bench.peers.task import Task
from bus.partitions import partition_for
from bus.ports import BATCH_BYTES_MAX, ReaderSettings
from processors.processor import Processor
from processors.program import build_program
from processors.pseudonyms import KeysNeeded
from processors.state.bins import Room
from processors.tally import Tally
from roadfade.clock import wall_ms
from roadfade.processes.worker.key_cache import KeyCache
from roadfade.settings import Settings

POLL_MS: Final = 200

Copied = tuple[str, int, bytes | None, bytes, list[tuple[str, bytes]]]
"""Topic, partition, key, value, headers."""


async def templates(task: Task, *, light: bool) -> dict[bytes, list[Copied]]:
    """The outputs of a device, by raw key, with the names of the task's topics."""
    job = JOBS[task.job]
    program = build_program(plan_of(job))
    keys = KeyCache(SeededKeyring())
    people = people_of(job, program.routes)
    processor = Processor(program, people, keys, lambda _, key: partition_for(key, PARTITIONS))
    made: dict[bytes, list[Copied]] = {}
    for name, value in envelopes(DEVICES, readings=job.readings):
        while True:
            try:
                state = program.empty_state(Room(10_000))
                outputs = processor.process(value, NOW_MS, NOW_MS, Tally(program), state)
            except KeysNeeded as needed:
                await keys.fetch(needed.names)
            else:
                break
        made[raw_key(name)] = [
            (
                task.target + o.topic, o.partition, None if light else o.key, o.value,
                [] if light else o.headers,
            )
            for o in outputs
        ]  # fmt: skip
    return made


async def run(task: Task, *, light: bool = False) -> Figures:
    """Copy the task's records; at least once, acks from all replicas."""
    copies = await templates(task, light=light)
    at_once = Settings.model_fields["records_per_fetch_max"].default
    reading = ReaderSettings()
    consumer = AIOKafkaConsumer(
        task.raw,
        bootstrap_servers=task.bootstrap_servers,
        group_id=task.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=reading.partition_bytes_max,
        fetch_max_bytes=reading.fetch_bytes_max,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=task.bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_BYTES_MAX,
        linger_ms=0,
    )
    meter = Meter(task.records, JOBS[task.job].readings)
    await consumer.start()
    await producer.start()
    try:
        while True:
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=at_once)
            if not fetched:
                continue
            await _copy(fetched, copies, producer)
            await consumer.commit()
            if meter.batch(sum(map(len, fetched.values()))):
                return meter.figures()
    finally:
        await producer.stop()
        await consumer.stop()


async def run_light(task: Task) -> Figures:
    """Copy values alone."""
    return await run(task, light=True)


async def _copy(
    fetched: dict[Any, list[Any]], copies: dict[bytes, list[Copied]], producer: Any
) -> None:
    now_ms = wall_ms()
    filled = []
    append: dict[tuple[str, int], Any] = {}
    for records in fetched.values():
        for record in records:
            for topic, partition, key, value, headers in copies[record.key]:
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
