"""What the lake costs: CPU per row written and merged, files, expiring, counting.

``python -m bench.sink``: records of ten rows of 500 people, three topics of four partitions, one
expiry each, written 10,000, 2,000 and 100 at a time; no broker. They are written as they are, and
held against a plan, as a sink holds them. CPU is this process's own, user and system, all threads.
What a process does once, at its first write, is not in it. Expiring removes copies of one lake,
each flushed before: the middle time by the clock, which waits for the disk, and the middle CPU.
``--json`` prints the figures as the last line; ``--without-core`` leaves the core unused.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.sink_records import BEGIN_MS, EXPIRES_MS, OUTPUTS, ROWS_EACH, judge, record, records
from sinks.lake.deletion.expire import expire_due
from sinks.lake.lake import Lake, LakeSettings
from sinks.port import core
from sinks.port.allowed import Judge
from sinks.query.session import run_query

SIZES: Final = (10_000, 2_000, 100)
MILLION: Final = 1_000_000
SWEEPS: Final = 5
"""Copies of the large lake that are expired."""


def write(
    root: Path, size: int, rounds: int, held_to: Judge | None = None
) -> tuple[float, float, int]:
    """CPU µs a row of writing, and of the merging beside it, and how many files are left."""
    chance = random.Random(size)
    written = merged = rows = 0.0
    lake = Lake(root, OUTPUTS, LakeSettings(), judge=held_to)
    for number in range(rounds):
        batch = records(size, number * size, chance)
        begin = time.process_time()
        rows += lake.write(batch, BEGIN_MS).rows
        middle = time.process_time()
        lake.join(BEGIN_MS)
        written += middle - begin
        merged += time.process_time() - middle
    lake.close()
    files = len(list(root.rglob("purpose=*/*/*/*.parquet")))
    return written / rows * MILLION, merged / rows * MILLION, files


def hour(root: Path) -> tuple[int, int]:
    """Files that an hour of a write each five seconds leaves, of 48 records each.

    All of them, and the most of one output, expiry and bucket.
    """
    files = write(root, 48, 720)[2]
    folders = Counter(path.parent for path in root.rglob("purpose=*/*/*/*.parquet"))
    return files, max(folders.values())


def filled(root: Path, rows: int) -> Path:
    """A lake with so many rows of one output, merged by its sink."""
    topic = next(iter(OUTPUTS))
    chance = random.Random(rows)
    with_rows = 0
    lake = Lake(root, OUTPUTS, LakeSettings())
    while with_rows < rows:
        first = with_rows // ROWS_EACH
        batch = [record(topic, 0, first + n, chance) for n in range(25_000)]
        with_rows += lake.write(batch, BEGIN_MS).rows
        lake.join(BEGIN_MS)
    while lake.join(BEGIN_MS):
        pass
    lake.close()
    return root


def count_s(root: Path) -> float:
    """Seconds of one ``count(*)``, its session opened and closed."""
    begin = time.perf_counter()
    run_query(root, next(iter(OUTPUTS.values())), "SELECT count(*) FROM readings", BEGIN_MS)
    return time.perf_counter() - begin


def expire_ms(root: Path) -> tuple[float, float]:
    """Milliseconds of a sweep that removes everything, by the clock and of CPU; medians."""
    found = [_expired(root, root.with_name(f"{root.name}-{n}")) for n in range(SWEEPS)]
    by_clock, of_cpu = zip(*found, strict=True)
    return statistics.median(by_clock), statistics.median(of_cpu)


def _expired(root: Path, copy: Path) -> tuple[float, float]:
    shutil.copytree(root, copy)
    os.sync()  # else the sweep waits for what the disk has left to do
    begin, cpu = time.perf_counter(), time.process_time()
    expire_due(copy, EXPIRES_MS)
    found = (time.perf_counter() - begin) * 1_000, (time.process_time() - cpu) * 1_000
    shutil.rmtree(copy)
    return found


def measured(folder: Path, rounds: int, rows: int) -> dict[str, Any]:
    """All figures; sizes alternate, so that what disturbs one disturbs all."""
    written: dict[int, list[float]] = {size: [] for size in SIZES}
    judged: dict[int, list[float]] = {size: [] for size in SIZES}
    merged: dict[int, list[float]] = {size: [] for size in SIZES}
    for rehearsed in (None, judge()):
        write(folder / "rehearsed", min(SIZES), 2, rehearsed)
        shutil.rmtree(folder / "rehearsed")
    for number in range(rounds):
        for size in SIZES:
            lake, writes = folder / f"{size}-{number}", max(2, 20_000 // size)
            of_row, of_merge, _ = write(lake, size, writes)
            written[size].append(of_row)
            merged[size].append(of_merge)
            shutil.rmtree(lake)
            judged[size].append(write(lake, size, writes, judge())[0])
            shutil.rmtree(lake)
    lake = filled(folder / "large", rows)
    counts = [count_s(lake) for _ in range(5)]
    expire, expire_cpu = expire_ms(lake)
    files, most = hour(folder / "hour")
    of_10m = 10 * MILLION / rows
    return {
        "core": core.HAS_CORE,
        "cpu_us_per_row": {str(size): _middle(found) for size, found in written.items()},
        "judged_cpu_us_per_row": {str(size): _middle(found) for size, found in judged.items()},
        "merge_cpu_us_per_row": {str(size): _middle(found) for size, found in merged.items()},
        "files_per_hour": files,
        "files_per_bucket_max": most,
        "count_s_per_10m_rows": round(statistics.median(counts) * of_10m, 3),
        "expire_ms_per_10m_rows": round(expire * of_10m, 1),
        "expire_cpu_ms_per_10m_rows": round(expire_cpu * of_10m, 1),
    }


def _middle(found: Sequence[float]) -> float:
    return round(statistics.median(found), 2)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as the last line")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--rows", type=int, default=10 * MILLION, help="of the lake that is counted"
    )
    parser.add_argument("--without-core", action="store_true", help="as where it is not built")
    asked = parser.parse_args()
    if asked.without_core:
        core.HAS_CORE = False
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), asked.rounds, asked.rows)
    for name, figure in found.items():
        print(f"{name}: {figure}")
    if asked.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
