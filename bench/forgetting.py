"""What forgetting costs in the lake: one person's erasure, an expiry at two sizes, a withdrawal.

``python -m bench.forgetting``: a lake of one output, one expiry and as many buckets as asked (256),
merged by its sink; no broker. People are erased one after the other: the time of the erasure with
its search before and after, the share of the lake's bytes that was written anew, and how long it
takes until no file holds the person's pseudonym any more (files are uncompressed, so that a search
of their bytes finds it). A withdrawal removes what is of its instant or later, half of the hour.
Expiring removes a whole lake at two sizes; the ratio is of medians in one run. Then the road: the
same from the moment at which the office is asked, with a fleet that drives (``forgetting_road``),
and how long records still come out after a withdrawal (``withdrawal``); and erasing and expiring in
a PostgreSQL of its own (``forgetting_postgres``). ``--json`` prints the figures as the last line.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench import forgetting_postgres, forgetting_road, withdrawal
from bench.filling import OUTPUT, filled
from bench.sink_records import BEGIN_MS, EXPIRES_MS, pseudonym_of
from roadfade.local.broker import LocalBroker
from roadfade.local.java import kafka_libs
from sinks.lake.deletion.expire import expire_due
from sinks.lake.stored import StoredLake
from sinks.port.selection import Selection
from telemetry.identity import Pseudonym

SWEEPS: Final = 5
SIZES_APART: Final = 10
"""How many times more rows the larger lake has whose expiry is measured."""


class Erased(NamedTuple):
    """One person's erasure."""

    took_s: float
    bytes_gone_s: float
    """Until no file of the lake holds the pseudonym."""
    share: float
    """Of the lake's bytes that were written anew."""
    rows: int


def parts(root: Path) -> dict[Path, tuple[int, int]]:
    """Each part's inode and length in bytes."""
    found = ((path, path.stat()) for path in root.rglob("purpose=*/*/*/*.parquet"))
    return {path: (told.st_ino, told.st_size) for path, told in found}


def erase(root: Path, selection: Selection) -> Erased:
    """Erase, and look at what was written anew and what is left."""
    store = StoredLake(root, "uncompressed")
    before = parts(root)
    begin = time.perf_counter()
    receipt = store.erase(OUTPUT, selection, BEGIN_MS)
    took_s = time.perf_counter() - begin
    anew = sum(
        size for path, (inode, size) in parts(root).items() if before.get(path) != (inode, size)
    )
    whole = selection.from_ms is None
    marker = next(iter(selection.pseudonyms)).encode()
    if receipt.located_after or (whole and store.verify(marker).found):
        msg = "rows were left"
        raise AssertionError(msg)
    gone_s = time.perf_counter() - begin
    return Erased(
        took_s, gone_s, anew / sum(size for _, size in before.values()), receipt.located_before
    )


def expire_ms(root: Path, sweeps: int) -> float:
    """Milliseconds by the clock of a sweep that removes everything; median of copies."""
    found = []
    for number in range(sweeps):
        copy = root.with_name(f"{root.name}-{number}")
        shutil.copytree(root, copy)
        os.sync()
        begin = time.perf_counter()
        expire_due(copy, EXPIRES_MS)
        found.append((time.perf_counter() - begin) * 1_000)
        shutil.rmtree(copy)
    return statistics.median(found)


def person(number: int) -> frozenset[Pseudonym]:
    """One of those of ``bench.sink_records``."""
    return frozenset({Pseudonym(pseudonym_of(number))})


def measured(folder: Path, rows: int, buckets: int, people: int, sweeps: int) -> dict[str, Any]:
    """All figures of a lake."""
    large, ratio = filled(folder / "large", rows, buckets), None
    if sweeps:
        small = filled(folder / "small", rows // SIZES_APART, buckets)
        ratio = round(expire_ms(large, sweeps) / expire_ms(small, sweeps), 2)
    erased = [erase(large, Selection(person(number))) for number in range(people)]
    withdrawn = [
        erase(large, Selection(person(number), from_ms=BEGIN_MS + 1_800_000))
        for number in range(people, 2 * people)
    ]
    return {
        "rows": rows,
        "buckets": buckets,
        "people_erased": people,
        "rows_erased_median": _middle([one.rows for one in erased]),
        "erase_lake_s": _middle([one.took_s for one in erased]),
        "erase_physical_lake_s": _middle([one.bytes_gone_s for one in erased]),
        "withdraw_lake_s": _middle([one.took_s for one in withdrawn]),
        "erase_rewritten_share_median": _middle([one.share for one in erased]),
        "erase_rewritten_share_max": round(max(one.share for one in erased), 5),
        "expire_rows_ratio": ratio,
    }


def on_the_road(vehicles: int, people: int) -> dict[str, Any]:
    """Figures of the whole road."""
    with (
        tempfile.TemporaryDirectory(prefix="roadfade-bench-") as folder,
        LocalBroker(Path(folder) / "kafka", kafka_libs()) as broker,
    ):
        servers = broker.bootstrap_servers
        return asyncio.run(forgetting_road.measured(servers, Path(folder), vehicles, people))


def last_out(population: int, withdrawals: int) -> dict[str, Any]:
    """Seconds from a withdrawal's commit to the last record that rests on it."""
    with (
        tempfile.TemporaryDirectory(prefix="roadfade-bench-") as folder,
        LocalBroker(Path(folder), kafka_libs()) as broker,
    ):
        how = (population, withdrawals, withdrawal.PER_S)
        seen = asyncio.run(withdrawal.measure(broker.bootstrap_servers, Path(folder), *how))
    told = withdrawal.figures(population, seen)
    return {f"withdraw_{name}": told[name] for name in ("last_out_s_p50", "last_out_s_p99")}


def in_postgres(rows: int, expired_rows: int, people: int) -> dict[str, Any]:
    """Figures of a server of its own, which does not run as root: others may enter its folder."""
    with tempfile.TemporaryDirectory(prefix="roadfade-bench-") as folder:
        Path(folder).chmod(0o755)
        return forgetting_postgres.measured(Path(folder) / "postgres", rows, expired_rows, people)


def _middle(found: Sequence[float]) -> float:
    return round(statistics.median(found), 5)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as the last line")
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the larger lake")
    parser.add_argument("--buckets", type=int, default=256)
    parser.add_argument("--people", type=int, default=20, help="erased, and as many withdrawn")
    parser.add_argument("--sweeps", type=int, default=SWEEPS, help="of each size; 0: none expires")
    parser.add_argument("--vehicles", type=int, default=100, help="on the road; 0: no road")
    parser.add_argument("--withdrawals", type=int, default=1_000, help="followed; 0: none")
    parser.add_argument("--population", type=int, default=100_000, help="among whom they are")
    parser.add_argument(
        "--postgres-rows", type=int, default=200_000, help="in PostgreSQL; 0: no PostgreSQL"
    )
    parser.add_argument(
        "--postgres-expired", type=int, default=1_000_000, help="rows that expire there"
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write that object here")
    asked = parser.parse_args()
    if asked.withdrawals and asked.withdrawals > asked.population:
        parser.error("--withdrawals: at most all of --population")
    with tempfile.TemporaryDirectory(prefix="roadfade-bench-") as folder:
        how = (asked.rows, asked.buckets, asked.people, asked.sweeps)
        found = measured(Path(folder) / "lake", *how)
    if asked.vehicles:
        found |= on_the_road(asked.vehicles, min(asked.people, asked.vehicles // 2))
    if asked.withdrawals:
        found |= last_out(asked.population, asked.withdrawals)
    if asked.postgres_rows:
        found |= in_postgres(asked.postgres_rows, asked.postgres_expired, asked.people)
    found |= {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[1], 1),
    }
    if asked.write is not None:
        asked.write.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    for name, figure in found.items():
        print(f"{name}: {figure}")
    if asked.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
