"""Which runs make up the benchmark, and what is told of them.

In: which parts and peers were asked for. Out: the work of one round, with what is compared side by
side; and, of all rounds, medians and ratios. A ratio is the median of the ratios of single rounds,
so that a machine that was busy for one round moves both of its sides.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any, Final

from bench.fleet import READINGS
from bench.jobs import FAN_OUTS, SIZES, Job, named
from bench.metering import Figures
from bench.peers.catalogue import PEERS
from bench.runs import Work

CHURN_RECORDS: Final = 1_000
PARTS: Final = ("sizes", "fan-out", "shipped", "churn", "latency")
"""What can be asked for beside peers."""
Runs = Mapping[Work, Sequence[Figures]]
CHURN: Final = Work("roadfade", churn_records=CHURN_RECORDS)
ROAD: Final = Work("roadfade")
COPY: Final = Work("copy")


def works(asked: Iterable[str]) -> list[Work]:
    """One round's work; nothing asked for means everything, without repeating a run."""
    wanted = set(asked) or {*PEERS, *PARTS}
    found = [Work(peer) for peer in PEERS if peer in wanted]
    if wanted & {"churn", "latency"}:
        found.append(ROAD)
    if "churn" in wanted:
        found.append(CHURN)
    for part, numbered in _series().items():
        if part in wanted:
            peers = ("roadfade",) if part == "shipped" else ("roadfade", "copy")
            found += [work._replace(peer=peer) for _, work in numbered for peer in peers]
    return list(dict.fromkeys(found))


def _series() -> dict[str, list[tuple[int, Work]]]:
    """Roadfade's work on each job of a series, by the number in which its jobs differ."""
    jobs = {
        "sizes": [(size, Job(size)) for size in SIZES],
        "fan-out": [(outputs, Job(READINGS, outputs)) for outputs in FAN_OUTS],
        "shipped": [(size, Job(size, None)) for size in SIZES],
    }
    return {
        part: [(number, Work("roadfade", named(job))) for number, job in numbered]
        for part, numbered in jobs.items()
    }


def told(runs: Runs) -> dict[str, Any]:
    """Everything the rounds say, as JSON; a part that did not run is absent."""
    found: dict[str, Any] = {
        "peers": {peer: _peer(runs, peer) for peer in PEERS if runs.get(Work(peer))},
        "sizes": _pairs(runs, "sizes"),
        "fan_out": _pairs(runs, "fan-out"),
        "full_policy": {str(n): _cost(runs[w]) for n, w in _series()["shipped"] if runs.get(w)},
    }
    if runs.get(CHURN) and runs.get(ROAD):
        found["churn_ratio"] = _ratio(runs[CHURN], runs[ROAD])
    return {name: value for name, value in found.items() if value != {}}


def _peer(runs: Runs, peer: str) -> dict[str, float]:
    mine = runs[Work(peer)]
    found = {name: median(getattr(run, name) for run in mine) for name in Figures._fields}
    if runs.get(COPY):
        found["times_copy"] = _ratio(mine, runs[COPY])
    return found


def _pairs(runs: Runs, part: str) -> dict[str, dict[str, float]]:
    """Roadfade and the copy loop on each job of a series; of one job alone there is no series."""
    found = {}
    for number, work in _series()[part]:
        road, copy = runs.get(work), runs.get(work._replace(peer="copy"))
        if road and copy:
            found[str(number)] = {
                "roadfade": _cost(road), "copy": _cost(copy), "times_copy": _ratio(road, copy),
            }  # fmt: skip
    return found if len(found) > 1 else {}


def _cost(runs: Sequence[Figures]) -> float:
    return median(run.cpu_us_per_reading for run in runs)


def _ratio(runs: Sequence[Figures], others: Sequence[Figures]) -> float:
    return median(
        one.cpu_us_per_reading / other.cpu_us_per_reading
        for one, other in zip(runs, others, strict=True)
    )
