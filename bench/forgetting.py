"""What forgetting costs in the lake: one person's erasure, an expiry at two sizes, a withdrawal.

``python -m bench.forgetting``: a lake of one output, one expiry and as many buckets as asked (256),
merged by its sink; no broker. People are erased one after the other: the time of the erasure with
its search before and after, the share of the lake's bytes that was written anew, and how long it
takes until no file holds the person's pseudonym any more (files are uncompressed, so that a search
of their bytes finds it). A withdrawal removes what is of its instant or later, half of the hour.
Expiring removes a whole lake at two sizes; the ratio is of medians in one run. Then the road: the
same from the moment at which the office is asked, with a fleet that drives (``forgetting_road``),
and how long records still come out after a withdrawal (``withdrawal``). ``--json`` prints the
figures as the last line.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench import forgetting_road, withdrawal
from bench.sink_records import BEGIN_MS, EXPIRES_MS, OUTPUTS, ROWS_EACH, record
from roadfade.local.broker import LocalBroker
from roadfade.local.java import kafka_libs
from sinks.lake.deletion.expire import expire_due
from sinks.lake.lake import Lake, LakeSettings
from sinks.lake.stored import StoredLake
from sinks.port.selection import Selection
from telemetry.identity import Pseudonym

TOPIC: Final = next(iter(OUTPUTS))
OUTPUT: Final = OUTPUTS[TOPIC]
BATCH: Final = 25_000
PEOPLE: Final = 20_000
"""Whose rows the lake has: with few, a person's own rows make their bucket larger than others."""
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


def filled(root: Path, rows: int, buckets: int) -> Path:
    """A lake with so many rows of one output, merged."""
    chance = random.Random(rows)
    with_rows = 0
    lake = Lake(root, OUTPUTS, LakeSettings(buckets=buckets, compression="uncompressed"))
    while with_rows < rows:
        first = with_rows // ROWS_EACH
        batch = [record(TOPIC, 0, first + n, chance, PEOPLE) for n in range(BATCH)]
        with_rows += lake.write(batch, BEGIN_MS).rows
        lake.join(BEGIN_MS)
    while lake.join(BEGIN_MS):
        pass
    lake.close()
    return root


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


def expire_ms(root: Path) -> float:
    """Milliseconds by the clock of a sweep that removes everything; median of copies."""
    found = []
    for number in range(SWEEPS):
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
    return frozenset({Pseudonym(f"P{number:025d}")})


def measured(folder: Path, rows: int, buckets: int, people: int) -> dict[str, Any]:
    """All figures."""
    small, large = filled(folder / "small", rows // SIZES_APART, buckets), folder / "large"
    filled(large, rows, buckets)
    ratio = expire_ms(large) / expire_ms(small)
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
        "expire_rows_ratio": round(ratio, 2),
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


def _middle(found: Sequence[float]) -> float:
    return round(statistics.median(found), 5)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as the last line")
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the larger lake")
    parser.add_argument("--buckets", type=int, default=256)
    parser.add_argument("--people", type=int, default=20, help="erased, and as many withdrawn")
    parser.add_argument("--vehicles", type=int, default=100, help="on the road; 0: no road")
    parser.add_argument("--withdrawals", type=int, default=1_000, help="followed; 0: none")
    parser.add_argument("--population", type=int, default=100_000, help="among whom they are")
    asked = parser.parse_args()
    if asked.withdrawals and asked.withdrawals > asked.population:
        parser.error("--withdrawals: at most all of --population")
    with tempfile.TemporaryDirectory(prefix="roadfade-bench-") as folder:
        found = measured(Path(folder) / "lake", asked.rows, asked.buckets, asked.people)
    if asked.vehicles:
        found |= on_the_road(asked.vehicles, min(asked.people, asked.vehicles // 2))
    if asked.withdrawals:
        found |= last_out(asked.population, asked.withdrawals)
    for name, figure in found.items():
        print(f"{name}: {figure}")
    if asked.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
