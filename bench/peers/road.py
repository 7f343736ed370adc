"""The measured side: the worker's own batch loop, batch handler and processor, without Faust.

People and keys are in memory, as in a worker once its views are read. Clock, settings, flow
records, acknowledgements, commits and what makes a batch be decided anew are the worker's;
compression is off. ``roadfade`` runs what a worker would run here, with the core if it is built;
``exact`` sends every envelope the exact path.
"""

import asyncio
from collections.abc import Sequence

from bench.job import NOW_MS, PARTITIONS, SeededKeyring
from bench.jobs import JOBS, people_of, plan_of
from bench.metering import Figures, Meter
from bench.peers.consent_changes import ConsentChanges
from bench.peers.task import Task
from bus.client.connection import Connection
from bus.client.producer import AckedProducer
from bus.loops.batch_loop import BatchLoop
from bus.observer import BatchDone
from bus.partitions import partition_for
from bus.records import Sendable
from processors.core import CoreState, core_state
from processors.core_path import core_path
from processors.processor import Processor
from processors.program import build_program
from roadfade.clock import judging_clock, wall_ms
from roadfade.processes.worker.batch_handler import BatchHandler
from roadfade.processes.worker.key_cache import KeyCache
from roadfade.processes.worker.process import batch_settings
from roadfade.processes.worker.remembered import ReadyVersion, Remembered
from roadfade.settings import Settings
from telemetry.arrived import Arrived
from telemetry.topics import RAW


def core_is_built() -> bool:
    """Whether the usual path runs in the core."""
    return core_state() is CoreState.CARRIES


class _MeteredHandler(BatchHandler):
    """A batch handler that also changes consents, and reads the meter once a batch is durable."""

    meter: Meter
    changes: ConsentChanges
    last: asyncio.Event

    async def handle(self, partition: int, records: Sequence[Arrived]) -> list[Sendable]:
        self.changes.seen(partition, records[-1].offset)
        return await super().handle(partition, records)

    def batch_done(self, done: BatchDone) -> None:
        super().batch_done(done)
        if self.meter.batch(done.records):
            self.last.set()


async def run(task: Task) -> Figures:
    """Process the task's records as a worker does."""
    return await _run(task, by_core=True)


async def run_exact(task: Task) -> Figures:
    """Process the task's records by the exact path alone."""
    return await _run(task, by_core=False)


async def _run(task: Task, *, by_core: bool) -> Figures:
    source = Connection(task.bootstrap_servers, task.source)
    target = Connection(task.bootstrap_servers, task.target)
    job = JOBS[task.job]
    program = build_program(plan_of(job))
    keys = KeyCache(SeededKeyring())
    people = people_of(job, program.routes)
    processor = Processor(program, people, keys, lambda _, key: partition_for(key, PARTITIONS))
    core = core_path(processor, compression=None) if by_core else None
    ready = ReadyVersion(program, processor, core)
    clock = judging_clock(NOW_MS)
    usual = Settings.model_construct()  # whatever the environment says
    remembered = Remembered(lambda: ready, clock, usual.bins_max)
    handler = _MeteredHandler(RAW, remembered, keys, clock)
    handler.meter, handler.last = Meter(task.records, job.readings), asyncio.Event()
    handler.changes = ConsentChanges(people, task.churn_records)
    loop = BatchLoop(
        source,
        RAW,
        task.group,
        handler.handle,
        AckedProducer(target, clock=wall_ms, compression=None),
        basis=handler.basis,
        observer=handler,
        recollection=remembered,
        kept_back=handler,
        settings=batch_settings(usual),
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(loop.run())
        await handler.last.wait()
        await loop.stop()
    return handler.meter.figures()
