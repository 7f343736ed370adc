"""``python -m bench.hot_path``: CPU per reading of the compiled plan, beside a bare copy loop.

Starts a broker of its own, fills the raw topic once, then runs both peers in turn, each in a
process of its own. Prints medians; with ``--json`` one object as the last line. Outputs of
the first round are compared with a reference: a wrong one ends the program with an error.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress

from bench.checking import Outputs, WrongOutputError, compare, read_outputs
from bench.fleet import READINGS
from bench.job import PURPOSES, consenting
from bench.stage import Raw, clear, fill, set_up
from bus.client.connection import Connection
from roadfade.local.broker import LocalBroker
from roadfade.local.java import kafka_libs

RECORDS: Final = 40_000
ROUNDS: Final = 5
RUN_S_MAX: Final = 300
BYTES_APART_MAX: Final = 0.02
PEERS: Final = ("roadfade", "copy")


def main() -> None:
    """Measure and print."""
    ask = argparse.ArgumentParser(prog="python -m bench.hot_path", description=__doc__)
    ask.add_argument("--records", type=int, default=RECORDS, help="envelopes of 60 readings")
    ask.add_argument("--rounds", type=int, default=ROUNDS, help="runs of each peer")
    ask.add_argument("--json", action="store_true", help="one JSON object as the last line")
    told = ask.parse_args()
    with tempfile.TemporaryDirectory(prefix="roadfade-bench-") as folder:
        shown = Progress(console=Console(stderr=True), disable=told.json)
        with shown, LocalBroker(Path(folder), kafka_libs()) as broker:
            found = _measure(broker.bootstrap_servers, told.records, told.rounds, shown)
    if told.json:
        print(json.dumps(found))
        return
    for name, figures in found["peers"].items():
        print(f"{name:10} {figures['cpu_us_per_reading']:.3f} µs CPU per reading")
    print(f"{'ratio':10} {found['ratio']:.2f}")


def _measure(servers: str, records: int, rounds: int, shown: Progress) -> dict[str, Any]:
    raw = asyncio.run(fill(Connection(servers), records, shown))
    bar = shown.add_task("measuring", total=rounds * len(PEERS))
    runs: dict[str, list[dict[str, float]]] = {peer: [] for peer in PEERS}
    checked: dict[str, Any] = {}
    for number in range(rounds):
        outputs = {}
        for peer in PEERS:
            target = Connection(servers, f"{peer}-{number}.")
            asyncio.run(set_up(target))
            runs[peer].append(_run(peer, target, records))
            if number == 0:
                outputs[peer] = asyncio.run(read_outputs(target, list(raw)))
            asyncio.run(clear(target))
            shown.advance(bar)
        if number == 0:
            checked = _check(outputs, raw, records)
    peers = {peer: _medians(runs[peer]) for peer in PEERS}
    costs = {peer: peers[peer]["cpu_us_per_reading"] for peer in PEERS}
    return {
        "peers": peers,
        "ratio": costs["roadfade"] / costs["copy"],
        "records": records,
        "readings_per_record": READINGS,
        "rounds": runs,
        "checked": checked,
    }


def _run(peer: str, target: Connection, records: int) -> dict[str, float]:
    command = [
        sys.executable, "-m", "bench.peer", peer, "--bootstrap-servers", target.bootstrap_servers,
        "--prefix", target.prefix, "--records", str(records),
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=RUN_S_MAX, check=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(run[name] for run in runs) for name in runs[0]}


def _check(outputs: dict[str, Outputs], raw: Raw, records: int) -> dict[str, Any]:
    """Compare Roadfade's outputs with the reference, and both peers' bytes with each other."""
    road, copy = outputs["roadfade"], outputs["copy"]
    held = compare(road, raw, consenting())
    for purpose in PURPOSES[:2]:
        if road.records[purpose] != records:
            msg = f"purpose {purpose}: {road.records[purpose]} records, but {records} are due"
            raise WrongOutputError(msg)
    if len(road.ids) != road.records.total():
        msg = "two records carry one id"
        raise WrongOutputError(msg)
    if road.records != copy.records or abs(road.sent_bytes / copy.sent_bytes - 1) > BYTES_APART_MAX:
        msg = "the copy loop did not write what roadfade wrote: the two cannot be compared"
        raise WrongOutputError(msg)
    bytes_per_record = {peer: outputs[peer].sent_bytes / records for peer in PEERS}
    return {"outputs_compared": held, "output_bytes_per_record": bytes_per_record}


if __name__ == "__main__":
    main()
