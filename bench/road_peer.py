"""The measured side: the worker's own batch loop, batch handler and processor, without Faust.

People and keys are in memory, as in a worker once its views are read. Clock,
settings, flow records, acknowledgements and commits are the worker's; compression is off.
"""

import asyncio

from bench.job import NOW_MS, PARTITIONS, SeededKeyring, everybody, load_plan
from bench.metering import Figures, Meter
from bus.client.connection import Connection
from bus.client.producer import AckedProducer
from bus.loops.batch_loop import BatchLoop, BatchSettings
from bus.observer import BatchDone
from bus.partitions import partition_for
from bus.ports import ReaderSettings
from processors.core_path import core_path
from processors.processor import Processor
from processors.program import build_program
from roadfade.clock import judging_clock, wall_ms
from roadfade.processes.worker.batch_handler import BatchHandler
from roadfade.processes.worker.key_cache import KeyCache
from roadfade.processes.worker.remembered import ReadyVersion, Remembered
from roadfade.settings import Settings
from telemetry.topics import RAW


class _MeteredHandler(BatchHandler):
    """A batch handler that also reads the meter once a batch is durable."""

    meter: Meter
    last: asyncio.Event

    def batch_done(self, done: BatchDone) -> None:
        super().batch_done(done)
        if self.meter.batch(done.records):
            self.last.set()


async def run(source: Connection, target: Connection, group: str, records: int) -> Figures:
    """Process ``records`` raw records of ``source`` into the topics of ``target``."""
    program = build_program(load_plan())
    keys = KeyCache(SeededKeyring())
    processor = Processor(program, everybody(), keys, lambda _, key: partition_for(key, PARTITIONS))
    ready = ReadyVersion(program, processor, core_path(processor, None))
    clock = judging_clock(NOW_MS)
    remembered = Remembered(lambda: ready, clock, Settings.model_fields["bins_max"].default)
    handler = _MeteredHandler(RAW, remembered, keys, clock)
    handler.meter, handler.last = Meter(records), asyncio.Event()
    at_once = Settings.model_fields["records_per_fetch_max"].default
    loop = BatchLoop(
        source,
        RAW,
        group,
        handler.handle,
        AckedProducer(target, clock=wall_ms, compression=None),
        observer=handler,
        recollection=remembered,
        settings=BatchSettings(ReaderSettings(records_max=at_once)),
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(loop.run())
        await handler.last.wait()
        await loop.stop()
    return handler.meter.figures()
