"""A worker that decides by what the control topics say: views, batch loop and processor, no Faust.

Run as a process of its own: ``python -m bench.peers.deciding SERVERS PREFIX``; it ends as it is
terminated. Keys are in memory; clocks of the job and of the views are as in ``road`` and in a
worker.
"""

import argparse
import asyncio
import logging

from bench.job import NOW_MS, PARTITIONS, SeededKeyring, load_plan
from bus.client.connection import Connection
from bus.loops.batch_loop import BatchLoop
from bus.partitions import partition_for
from processors.core_path import core_path
from processors.core_people import people_here
from processors.processor import Processor
from processors.program import build_program
from roadfade.clock import judging_clock, wall_ms
from roadfade.in_force.control_views import ControlViews, PeopleRows
from roadfade.processes.worker.batch_handler import BatchHandler
from roadfade.processes.worker.key_cache import KeyCache
from roadfade.processes.worker.process import batch_settings, collect_rarely
from roadfade.processes.worker.remembered import ReadyVersion, Remembered
from roadfade.settings import Settings
from telemetry.topics import CONTROL_CONSENTS, CONTROL_LINKS, RAW


async def run(servers: str, prefix: str, settings: Settings) -> None:
    """Decide and write until cancelled."""
    both = Connection(servers, prefix)
    program, people = build_program(load_plan()), people_here()
    keys = KeyCache(SeededKeyring())
    processor = Processor(program, people, keys, lambda _, key: partition_for(key, PARTITIONS))
    ready = ReadyVersion(program, processor, core_path(processor, compression=None))
    clock = judging_clock(NOW_MS)
    remembered = Remembered(lambda: ready, clock, settings.bins_max)
    handler = BatchHandler(RAW, remembered, keys, clock)
    rows = {topic: PeopleRows(topic, people) for topic in (CONTROL_LINKS, CONTROL_CONSENTS)}
    views = ControlViews(both, rows, wall_ms, settings.view_age_s_max * 1000)
    loop = BatchLoop(
        both,
        RAW,
        "deciding",
        handler.handle,
        both.producer(clock=wall_ms, client_id="deciding"),
        pause_reason=views.pause_reason,
        begin=views.pause_reason,
        basis=handler.basis,
        observer=handler,
        recollection=remembered,
        kept_back=handler,
        settings=batch_settings(settings),
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(views.run())
        tasks.create_task(loop.run())


def main() -> None:
    """Run where the command line says."""
    ask = argparse.ArgumentParser()
    ask.add_argument("servers")
    ask.add_argument("prefix")
    told = ask.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    collect_rarely()
    asyncio.run(run(told.servers, told.prefix, Settings()))


if __name__ == "__main__":
    main()
