"""A peer that cannot measure itself, watched from outside until it has written everything.

In: a started process and how many records are due on which topic. Out: its figures. Progress is
what the broker has acknowledged; CPU and memory are those of the process and its children.
"""

import asyncio
import subprocess
import time
from collections.abc import Mapping
from typing import Final

import psutil

from bench.fleet import READINGS
from bench.job import PARTITIONS
from bench.metering import Figures, Sample, middle, peak_rss_mb
from bus.client.connection import Connection
from bus.client.positions import Positions

SAMPLE_S: Final = 0.05
STOP_S_MAX: Final = 20
TOPIC: Final = "purpose.a"
"""The topic that has one record for each raw record: the measure of progress."""


class EndedError(Exception):
    """The peer ended, or stood still, before it had written everything."""


async def watch(
    process: subprocess.Popen[str],
    target: Connection,
    due: Mapping[str, int],
    counted_from: float,
    run_s_max: float,
) -> Figures:
    """Sample the process until all that is due is written; EndedError if it never is."""
    samples = []
    rss_mb = 0.0
    deadline = time.monotonic() + run_s_max
    async with Positions(target) as positions:
        partitions = dict.fromkeys(due, PARTITIONS)
        while True:
            ends = await positions.end(partitions)
            written = {topic: sum(n for (t, _), n in ends.items() if t == topic) for topic in due}
            if process.poll() is not None:
                msg = f"it ended with code {process.returncode}"
                raise EndedError(msg)
            cpu_s, rss_mb = _cost(process.pid)
            samples.append(Sample(written[TOPIC], cpu_s, time.perf_counter()))
            if all(written[topic] >= due[topic] for topic in due):
                return middle(samples, due[TOPIC], READINGS, rss_mb, counted_from)
            if time.monotonic() > deadline:
                msg = f"it had not written everything after {run_s_max} s"
                raise EndedError(msg)
            await asyncio.sleep(SAMPLE_S)


def _cost(pid: int) -> tuple[float, float]:
    """CPU seconds so far, and the most memory, of a process and its children."""
    cpu_s = rss_mb = 0.0
    parent = psutil.Process(pid)
    for one in (parent, *parent.children(recursive=True)):
        spent = one.cpu_times()
        cpu_s += spent.user + spent.system
        rss_mb += peak_rss_mb(one.pid)
    return cpu_s, rss_mb


def end(process: subprocess.Popen[str]) -> None:
    """End a process and its children, politely first."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    process.terminate()
    try:
        process.wait(STOP_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for one in children:
        if one.is_running():
            one.kill()
