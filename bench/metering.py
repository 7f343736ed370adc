"""How much CPU a peer's own process spent per reading, while it was under way.

Sampled after every durable batch: user plus system time of the process, all threads. The
first tenth (connections, warming up) and the last 1.5 % (an emptying topic) do not count.
"""

import time
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


class Meter:
    """Samples of one run."""

    def __init__(self, records: int) -> None:
        self._records = records
        self._samples: list[Sample] = []
        self._seen = 0

    def batch(self, records: int) -> bool:
        """Note one more durable batch; True when it was the last."""
        self._seen += records
        self._samples.append(Sample(self._seen, time.process_time(), time.perf_counter()))
        return self._seen >= self._records

    def figures(self) -> Figures:
        """The middle of the run; RuntimeError if there were too few batches for one."""
        first = next(s for s in self._samples if s.records >= FROM * self._records)
        inside = [s for s in self._samples if s.records <= UNTIL * self._records]
        if not inside or inside[-1].records <= first.records:
            msg = "too few batches to measure: ask for more records"
            raise RuntimeError(msg)
        last = inside[-1]
        readings = (last.records - first.records) * READINGS
        return Figures(
            cpu_us_per_reading=(last.cpu_s - first.cpu_s) / readings * 1e6,
            readings_per_s=readings / (last.wall_s - first.wall_s),
        )
