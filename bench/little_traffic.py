"""What a worker costs while little comes: ``python -m bench.little_traffic``.

A process of its own publishes the job's envelopes at an even pace; the worker's batch loop reads
them from a broker that the bench starts. The figures are the loop's CPU time as a share of one
core, and how long records were on their way from the raw topic until their outputs were durable.
"""

import argparse
import asyncio
import itertools
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any, Final

from bench.fleet import envelopes
from bench.job import NOW_MS, PARTITIONS, SeededKeyring, everybody, load_plan, raw_key
from bench.stage import create_all
from bus.client.connection import Connection
from bus.client.producer import AckedProducer
from bus.loops.batch_loop import BatchLoop, BatchSettings
from bus.observer import BatchDone
from bus.partitions import partition_for
from bus.ports import ReaderSettings
from bus.publisher import Publisher
from bus.records import Outgoing
from processors.processor import Processor
from processors.program import build_program
from roadfade.clock import judging_clock, wall_ms
from roadfade.local.broker import LocalBroker
from roadfade.local.java import kafka_libs
from roadfade.processes.worker.batch_handler import BatchHandler
from roadfade.processes.worker.key_cache import KeyCache
from roadfade.processes.worker.process import FETCH_BYTES_MIN, collect_rarely
from roadfade.processes.worker.remembered import ReadyVersion, Remembered
from roadfade.settings import Settings
from telemetry.topics import RAW

RATE: Final = 200
SECONDS: Final = 20
WARM_S: Final = 5


class _TimedHandler(BatchHandler):
    """A batch handler that notes how old each record was when its batch was durable."""

    took_ms: list[int]
    begun: asyncio.Event
    batches = 0

    def batch_done(self, done: BatchDone) -> None:
        now_ms = wall_ms()
        self.batches += 1
        for _, _, dated in self._in_hand:
            self.took_ms += [now_ms - at_ms for at_ms, _ in dated]
        super().batch_done(done)
        self.begun.set()


def main() -> None:
    """Measure and print."""
    ask = argparse.ArgumentParser(prog="python -m bench.little_traffic", description=__doc__)
    ask.add_argument("--rate", type=int, default=RATE, help="records a second")
    ask.add_argument("--seconds", type=int, default=SECONDS)
    ask.add_argument("--waits", type=int, nargs="+", default=[_default("fetch_wait_ms")])
    ask.add_argument("--publish-to", help=argparse.SUPPRESS)
    ask.add_argument("--json", action="store_true", help="one JSON object as the last line")
    told = ask.parse_args()
    if told.publish_to:
        asyncio.run(_publish(told.publish_to, told.rate))
        return
    found = []
    collect_rarely()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with (
        tempfile.TemporaryDirectory(prefix="roadfade-bench-") as folder,
        LocalBroker(Path(folder), kafka_libs()) as broker,
    ):
        for wait_ms in told.waits:
            found.append(asyncio.run(_measure(broker.bootstrap_servers, told, wait_ms)))
            if not told.json:
                print(_said(found[-1]), flush=True)
    if told.json:
        print(json.dumps(found))


def _said(found: dict[str, float]) -> str:
    return (
        f"waiting {found['fetch_wait_ms']} ms: {found['core_share']:.1%} of a core, "
        f"p50 {found['p50_ms']:.0f} ms, p99 {found['p99_ms']:.0f} ms, "
        f"{found['batches_per_s']:.0f} batches a second"
    )


async def _measure(servers: str, told: argparse.Namespace, wait_ms: int) -> dict[str, float]:
    target = Connection(servers, f"wait-{wait_ms}.")
    await create_all(target)
    handler, loop = _loop(target, wait_ms)
    command = [
        sys.executable, "-m", "bench.little_traffic", "--rate", str(told.rate), "--publish-to",
        target.prefix + "@" + servers,
    ]  # fmt: skip
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(loop.run())
        publishing = await asyncio.to_thread(subprocess.Popen, command)
        try:
            await handler.begun.wait()
            await asyncio.sleep(WARM_S)
            handler.took_ms.clear()
            batches, cpu_s, wall_s = handler.batches, time.process_time(), time.perf_counter()
            await asyncio.sleep(told.seconds)
            cpu_s, wall_s = time.process_time() - cpu_s, time.perf_counter() - wall_s
        finally:
            publishing.terminate()
            await asyncio.to_thread(publishing.wait)
        took_ms = list(handler.took_ms)
        await loop.stop()
    return _figures(took_ms, wait_ms, cpu_s, wall_s, handler.batches - batches)


def _figures(
    took_ms: Sequence[int], wait_ms: int, cpu_s: float, wall_s: float, batches: int
) -> dict[str, float]:
    centiles = quantiles(took_ms, n=100)
    return {
        "fetch_wait_ms": wait_ms,
        "core_share": cpu_s / wall_s,
        "records_per_s": len(took_ms) / wall_s,
        "batches_per_s": batches / wall_s,
        "p50_ms": centiles[49],
        "p99_ms": centiles[98],
    }


def _loop(target: Connection, wait_ms: int) -> tuple[_TimedHandler, BatchLoop]:
    program, keys = build_program(load_plan()), KeyCache(SeededKeyring())
    processor = Processor(program, everybody(), keys, lambda _, key: partition_for(key, PARTITIONS))
    ready = ReadyVersion(program, processor)
    clock = judging_clock(NOW_MS)
    remembered = Remembered(lambda: ready, clock, _default("bins_max"))
    handler = _TimedHandler(RAW, remembered, keys, clock)
    handler.took_ms, handler.begun = [], asyncio.Event()
    reading = ReaderSettings(
        records_max=_default("records_per_fetch_max"),
        fetch_bytes_min=FETCH_BYTES_MIN,
        fetch_wait_ms=wait_ms,
    )
    return handler, BatchLoop(
        target, RAW, "little", handler.handle, AckedProducer(target, clock=wall_ms),
        basis=handler.basis, observer=handler, recollection=remembered,
        settings=BatchSettings(reading),
    )  # fmt: skip


def _default(setting: str) -> Any:
    return Settings.model_fields[setting].default


async def _publish(where: str, rate: int) -> None:
    """One envelope at a time, evenly, until it is ended."""
    prefix, _, servers = where.partition("@")
    values = list(envelopes(5_000))
    began_s = time.perf_counter()
    async with Publisher(Connection(servers, prefix), clock=wall_ms) as publisher:
        for number, (name, value) in enumerate(itertools.cycle(values)):
            await asyncio.sleep(max(0.0, began_s + number / rate - time.perf_counter()))
            await publisher.publish([Outgoing(RAW, None, raw_key(name), value)])


if __name__ == "__main__":
    main()
