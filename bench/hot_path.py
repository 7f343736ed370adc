"""``python -m bench.hot_path``: what a reading costs, beside a bare copy loop and other engines.

Starts a broker of its own, fills the raw topics once, then runs everything in turn, round by
round, each in a process of its own. Prints medians; with ``--json`` one object as the last line.
Outputs of the first round are compared with a reference: a wrong one ends it with an error.
"""

import argparse
import asyncio
import json
import os
import platform
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final, assert_never

from rich.console import Console
from rich.progress import Progress

from bench.checking import Outputs, judge, judge_copy, read_outputs
from bench.fleet import READINGS
from bench.jobs import FIXED, JOBS
from bench.latency import Latency, measure
from bench.metering import Figures
from bench.peers.catalogue import PEERS
from bench.peers.environments import AbsentError
from bench.peers.road import core_is_built
from bench.runs import Ground, Look, Work, run_once
from bench.series import COPY, PARTS, ROAD, told, works
from bench.stage import Raw, fill
from bench.yields import Yield, count
from bus.client.connection import Connection
from policy.plan.plan import Plan
from roadfade.local.broker import LocalBroker
from roadfade.local.java import KAFKA_VERSION, kafka_libs

RECORDS: Final = 40_000
RECORDS_MIN: Final = 10_000
"""Of fewer, a run has too few batches to be measured."""
ROUNDS: Final = 5
PACE: Final = 200
PACED_S: Final = 15.0
HALF: Final = "half"


class Benchmark:
    """All rounds of one call."""

    def __init__(self, ground: Ground, asked: Sequence[str], shown: Progress) -> None:
        self._ground = ground
        self._works = works(asked)
        self._paced = not asked or "latency" in asked
        self._shown = shown
        self._runs: dict[Work, list[Figures]] = {work: [] for work in self._works}
        self._latencies: dict[str, list[Latency]] = {}
        self._loads: list[float] = []
        self._yields: dict[str, dict[str, float]] = {}
        self._checked: dict[str, dict[str, float]] = {}
        self.absent: dict[str, str] = {}

    def prepare(self, records: int) -> None:
        """Make the environments, leave out peers that cannot run, and fill the raw topics."""
        for work in self._works:
            try:
                PEERS[work.peer].command()
            except AbsentError as reason:
                self._leave_out(work.peer, reason)
        for work in self._works:
            readings, times = JOBS[work.job].readings, PEERS[work.peer].times
            if (readings, times) not in self._ground.raw:
                raw = Raw(f"raw-{readings}-{times}.", readings, times)
                # Large envelopes are fewer, so that no raw topic is much larger than another.
                count = min(records, records * READINGS // readings)
                asyncio.run(fill(self._ground.servers, raw, count, self._shown))
                self._ground.raw[readings, times] = raw

    def round(self, number: int, paced_s: float) -> None:
        """Run everything once."""
        self._loads.append(os.getloadavg()[0])
        self._shown.console.print(f"round {number + 1}, load {self._loads[-1]:.1f}")
        bar = self._shown.add_task(f"round {number + 1}", total=len(self._works))
        outputs: dict[str, Outputs] = {}
        for work in tuple(self._works):
            try:
                figures, seen = run_once(self._ground, work, None if number else _look(work))
            except AbsentError as reason:
                self._leave_out(work.peer, reason)
                continue
            self._runs[work].append(figures)
            cost = f"{figures.cpu_us_per_reading:.3f} µs CPU per reading"
            self._shown.console.print(f"{_name(work)}: {cost}")
            match seen:
                case Outputs():
                    outputs[work.peer] = seen
                case Yield():
                    self._yields[str(JOBS[work.job].readings)] = seen._asdict()
                case None:
                    pass
                case _:
                    assert_never(seen)
            self._shown.advance(bar)
        for peer, made in outputs.items():
            self._judge(peer, made, outputs)
        if self._paced:
            self._keep_pace(paced_s)

    def _judge(self, peer: str, made: Outputs, outputs: dict[str, Outputs]) -> None:
        raw = self._ground.raw_for(Work(peer))
        compared = 0
        if peer in {COPY.peer, "copy-light"}:
            # What it copies has been compared: that of the processors, record by record.
            if peer == COPY.peer and ROAD.peer in outputs:
                judge_copy(made, outputs[ROAD.peer])
        else:
            compared = judge(made, raw, few_headers=PEERS[peer].few_headers)
        written = made.records.total()
        self._checked[peer] = {
            "compared": compared,
            "headers_per_output": made.headers / written,
            "output_bytes_per_record": made.sent_bytes / raw.records,
        }

    def _keep_pace(self, seconds: float) -> None:
        speed = median(run.readings_per_s for run in self._runs[ROAD]) / READINGS
        for name, records_per_s in ((str(PACE), float(PACE)), (HALF, speed / 2)):
            try:
                found = measure(self._ground, ROAD, records_per_s, seconds)
            except TimeoutError:
                # An hour of other figures is not thrown away for it.
                self.absent[f"latency {name}"] = "no output came in time"
                continue
            self._latencies.setdefault(name, []).append(found)

    def _leave_out(self, peer: str, reason: AbsentError) -> None:
        self.absent[peer] = str(reason)
        self._works = [work for work in self._works if work.peer != peer]
        self._runs = {work: runs for work, runs in self._runs.items() if work.peer != peer}

    def found(self, records: int, rounds: int) -> dict[str, Any]:
        """Everything measured, as JSON."""
        latency = {
            name: {
                field: median(getattr(one, field) for one in all_rounds)
                for field in Latency._fields
            }
            for name, all_rounds in self._latencies.items()
        }
        return {
            **told(self._runs),
            **({"latency": latency} if latency else {}),
            **({"full_policy_yields": self._yields} if self._yields else {}),
            "absent": self.absent,
            "checked": self._checked,
            "core": core_is_built(),
            "records": records,
            "rounds": rounds,
            "readings_per_record": READINGS,
            "load": self._loads,
            "machine": _machine(),
            "measured_on": datetime.now(UTC).date().isoformat(),
            "runs": {_name(work): [run._asdict() for run in all_runs]
                     for work, all_runs in self._runs.items()},
        }  # fmt: skip


def _look(work: Work) -> Look[Outputs | Yield] | None:
    """What is looked at in the first round: outputs of the fixed job, counts of the shipped."""
    if JOBS[work.job].outputs is None:
        return count
    return _read if work.job == FIXED and not work.churn_records else None


async def _read(target: Connection, raw: Raw, _: Plan) -> Outputs:
    return await read_outputs(target, list(raw.sampled))


def _name(work: Work) -> str:
    return f"{work.peer} {work.job}{' churn' if work.churn_records else ''}"


def _machine() -> dict[str, Any]:
    return {"cpus": os.cpu_count(), "python": platform.python_version(), "kafka": KAFKA_VERSION}


def main() -> None:
    """Measure and print."""
    ask = argparse.ArgumentParser(prog="python -m bench.hot_path", description=__doc__)
    ask.add_argument("--records", type=int, default=RECORDS, help="envelopes of the fixed job")
    ask.add_argument("--rounds", type=int, default=ROUNDS, help="runs of each peer")
    ask.add_argument("--paced-s", type=float, default=PACED_S, help="seconds at one pace, a round")
    ask.add_argument("--only", nargs="+", default=[], choices=[*PEERS, *PARTS], metavar="NAME",
                     help=f"only these peers or parts: {', '.join([*PEERS, *PARTS])}")  # fmt: skip
    ask.add_argument("--json", action="store_true", help="one JSON object as the last line")
    ask.add_argument("--write", type=Path, metavar="FILE", help="also write that object here")
    asked = ask.parse_args()
    if asked.records < RECORDS_MIN:
        ask.error(f"--records: at least {RECORDS_MIN}")
    if asked.write is not None:
        asked.write.parent.mkdir(parents=True, exist_ok=True)  # now, and not after an hour
    with tempfile.TemporaryDirectory(prefix="roadfade-bench-") as folder:
        shown = Progress(console=Console(stderr=True), disable=asked.json)
        with shown, LocalBroker(Path(folder), kafka_libs()) as broker:
            benchmark = Benchmark(Ground(broker.bootstrap_servers, Path(folder)), asked.only, shown)
            benchmark.prepare(asked.records)
            for number in range(asked.rounds):
                benchmark.round(number, asked.paced_s)
            found = benchmark.found(asked.records, asked.rounds)
    if asked.write is not None:
        asked.write.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if asked.json:
        print(json.dumps(found))
    else:
        _print(found)


def _print(found: dict[str, Any]) -> None:
    for peer, figures in found["peers"].items():
        times = f"{figures['times_copy']:6.2f} times copy" if "times_copy" in figures else ""
        cost, rss = figures["cpu_us_per_reading"], figures["rss_mb"]
        print(f"{peer:20} {cost:7.3f} µs CPU per reading {times} {rss:6.0f} MB")
    for peer, reason in found["absent"].items():
        print(f"{peer:20} absent: {reason}")
    for part in ("sizes", "fan_out", "full_policy", "churn_ratio", "latency"):
        if part in found:
            print(f"{part:20} {json.dumps(found[part])}")


if __name__ == "__main__":
    main()
