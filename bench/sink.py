"""What the lake costs: CPU per row written and merged, files, expiring, counting.

``python -m bench.sink``: records of ten rows of 500 people, three topics of four partitions, one
expiry each, written 10,000, 2,000 and 100 at a time; no broker, no judging. CPU is this process's
own, user and system, all threads. ``--json`` prints the figures as the last line.
"""

import argparse
import json
import random
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from sinks.lake.deletion.expire import expire_due
from sinks.lake.lake import Lake, LakeSettings
from sinks.query.session import run_query
from telemetry.arrived import Arrived
from telemetry.instants import DAY_MS, format_instant, parse_instant

BEGIN_MS: Final = parse_instant("2026-11-22T10:00:00Z")
EXPIRES_MS: Final = BEGIN_MS - BEGIN_MS % DAY_MS + 30 * DAY_MS
OUTPUTS: Final = {f"purpose.p{n}": f"p{n}" for n in range(3)}
PARTITIONS: Final = 4
PEOPLE: Final = 500
SIGNALS: Final = 2
ROWS_EACH: Final = 5
"""Rows of one signal of a record: ten a record."""
SIZES: Final = (10_000, 2_000, 100)
MILLION: Final = 1_000_000


def records(count: int, first: int, chance: random.Random) -> list[Arrived]:
    """So many records, spread over topics and partitions, their offsets after ``first``."""
    places = [(topic, partition) for topic in OUTPUTS for partition in range(PARTITIONS)]
    return [_record(*places[n % len(places)], first + n, chance) for n in range(count)]


def _record(topic: str, partition: int, number: int, chance: random.Random) -> Arrived:
    who = f"P{chance.randrange(PEOPLE):025d}"
    series = {
        f"Vehicle.Signal{n}": {
            "unit": "km/h",
            "dt": [1_000 * row for row in range(ROWS_EACH)],
            "value": [chance.randrange(1_200) / 10 for _ in range(ROWS_EACH)],
        }
        for n in range(SIGNALS)
    }
    t0_ms = BEGIN_MS + number % 3_600 * 1_000
    value = {"v": 1, "pseudonym": who, "t0": format_instant(t0_ms), "series": series}
    named = {
        "ce_id": f"{number:032x}",
        "expires_at": format_instant(EXPIRES_MS),
        "policy_version": "1-0123456789ab",
        "purpose": OUTPUTS[topic],
        "readings": str(SIGNALS * ROWS_EACH),
        "consent": f"notice@1:{number % PEOPLE:016x}",
    }
    headers = [(name, text.encode()) for name, text in named.items()]
    payload = msgspec.json.encode(value)
    return Arrived(topic, partition, number, t0_ms + 5_000, who.encode(), payload, headers)


def write(root: Path, size: int, rounds: int) -> tuple[float, float, int]:
    """CPU µs a row of writing, and of the merging beside it, and how many files are left."""
    chance = random.Random(size)
    written = merged = rows = 0.0
    lake = Lake(root, OUTPUTS, LakeSettings())
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
        first = with_rows // (SIGNALS * ROWS_EACH)
        batch = [_record(topic, 0, first + n, chance) for n in range(25_000)]
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


def expire_ms(root: Path) -> float:
    """Milliseconds of one sweep that removes everything."""
    begin = time.perf_counter()
    expire_due(root, EXPIRES_MS)
    return (time.perf_counter() - begin) * 1_000


def measured(folder: Path, rounds: int, rows: int) -> dict[str, Any]:
    """All figures; sizes alternate, so that what disturbs one disturbs all."""
    written: dict[int, list[float]] = {size: [] for size in SIZES}
    merged: dict[int, list[float]] = {size: [] for size in SIZES}
    for number in range(rounds):
        for size in SIZES:
            of_row, of_merge, _ = write(folder / f"{size}-{number}", size, max(2, 20_000 // size))
            written[size].append(of_row)
            merged[size].append(of_merge)
            shutil.rmtree(folder / f"{size}-{number}")
    lake = filled(folder / "large", rows)
    counts = [count_s(lake) for _ in range(5)]
    files, most = hour(folder / "hour")
    of_10m = 10 * MILLION / rows
    return {
        "cpu_us_per_row": {str(size): _middle(found) for size, found in written.items()},
        "merge_cpu_us_per_row": {str(size): _middle(found) for size, found in merged.items()},
        "files_per_hour": files,
        "files_per_bucket_max": most,
        "count_s_per_10m_rows": round(statistics.median(counts) * of_10m, 3),
        "expire_ms_per_10m_rows": round(expire_ms(lake) * of_10m, 1),
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
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), asked.rounds, asked.rows)
    for name, figure in found.items():
        print(f"{name}: {figure}")
    if asked.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
