"""How much CPU a peer's process spent per reading while it was under way, and how much memory.

In: after so many records, CPU and wall time so far; a peer that can be asked samples itself after
every durable batch, others are watched from outside. Its beginning (connections, warming up) and
the last 1.5 % (an emptying topic) do not count.
"""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from bench.fleet import READINGS

FROM: Final = 0.10
UNTIL: Final = 0.985


class Sample(NamedTuple):
    """After so many records: CPU and wall time so far, in seconds."""

    records: int
    cpu_s: float
    wall_s: float


class Figures(NamedTuple):
    """What one run of one peer measured."""

    cpu_us_per_reading: float
    readings_per_s: float
    rss_mb: float
    """The most memory that it had, in 10^6 bytes."""


class Meter:
    """Samples of one run of this process."""

    def __init__(self, records: int, readings: int = READINGS) -> None:
        self._records = records
        self._readings = readings
        self._samples: list[Sample] = []
        self._seen = 0

    def batch(self, records: int) -> bool:
        """Note one more durable batch; True when it was the last."""
        self._seen += records
        self._samples.append(Sample(self._seen, time.process_time(), time.perf_counter()))
        return self._seen >= self._records

    def figures(self) -> Figures:
        """The middle of the run; RuntimeError if there were too few batches for one."""
        return middle(self._samples, self._records, self._readings, peak_rss_mb("self"))


def middle(
    samples: Sequence[Sample],
    records: int,
    readings: int,
    rss_mb: float,
    counted_from: float = FROM,
) -> Figures:
    """The figures between ``counted_from`` (a part of the records) and the end's beginning.

    RuntimeError if fewer than two samples lie there.
    """
    inside = [s for s in samples if counted_from * records <= s.records <= UNTIL * records]
    if not inside or inside[-1].records <= inside[0].records:
        msg = "too few batches to measure: ask for more records"
        raise RuntimeError(msg)
    first, last = inside[0], inside[-1]
    done = (last.records - first.records) * readings
    return Figures(
        cpu_us_per_reading=(last.cpu_s - first.cpu_s) / done * 1e6,
        readings_per_s=done / (last.wall_s - first.wall_s),
        rss_mb=rss_mb,
    )


def peak_rss_mb(process: int | str) -> float:
    """The most resident memory that a living process had, in 10^6 bytes; Linux's own account.

    Not ``ru_maxrss``: a new process inherits there what the one that started it had.
    """
    told = Path(f"/proc/{process}/status").read_text("ascii", "replace")
    found = re.search(r"^VmHWM:\s+(\d+) kB", told, re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else 0.0
