"""The yardstick: a bare aiokafka loop that reads the same records and writes as many bytes.

For each record it appends what the processors made of the first envelope of that device:
same topics, partitions, keys, headers, sizes. It decodes nothing and decides nothing.
"""

import asyncio
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.fleet import envelopes
from bench.job import (
    DEVICES,
    NOW_MS,
    PARTITIONS,
    SeededKeyring,
    everybody,
    load_plan,
    raw_key,
)  # fmt: skip
from bench.metering import Figures, Meter
from bus.client.connection import Connection
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
from telemetry.topics import RAW

POLL_MS: Final = 200

Copied = tuple[str, int, bytes, bytes, list[tuple[str, bytes]]]
"""Topic, partition, key, value, headers."""


async def templates(target: Connection) -> dict[bytes, list[Copied]]:
    """The outputs of a device, by raw key, with the names of ``target``'s topics."""
    program = build_program(load_plan())
    keys = KeyCache(SeededKeyring())
    processor = Processor(program, everybody(), keys, lambda _, key: partition_for(key, PARTITIONS))
    made = {}
    for name, value in envelopes(DEVICES):
        while True:
            try:
                state = program.empty_state(Room(10_000))
                outputs = processor.process(value, NOW_MS, NOW_MS, Tally(program), state)
            except KeysNeeded as needed:
                await keys.fetch(needed.names)
            else:
                break
        made[raw_key(name)] = [
            (target.topic(o.topic), o.partition, o.key, o.value, o.headers) for o in outputs
        ]
    return made


async def run(source: Connection, target: Connection, group: str, records: int) -> Figures:
    """Copy ``records`` raw records of ``source``; at least once, acks from all replicas."""
    copies = await templates(target)
    at_once = Settings.model_fields["records_per_fetch_max"].default
    reading = ReaderSettings()
    consumer = AIOKafkaConsumer(
        source.topic(RAW),
        bootstrap_servers=source.bootstrap_servers,
        group_id=source.group(group),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=reading.partition_bytes_max,
        fetch_max_bytes=reading.fetch_bytes_max,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=target.bootstrap_servers,
        acks="all",
        enable_idempotence=True,
        max_batch_size=BATCH_BYTES_MAX,
        linger_ms=0,
    )
    meter = Meter(records)
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
