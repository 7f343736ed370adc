"""``python -m bench.report``: the tables of docs/benchmarks.md, made from the committed results.

In: ``bench/results``. Out: the page with every table between its two markers written anew; the
words around them are left alone. A test fails if the page is not what the results give.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from bench.capacity import Assumptions, assumed, measured, table
from bench.peers.catalogue import PEERS
from bench.results import NOT_MEASURED, Results, figure, read_results, shown

PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_BETWEEN: Final = re.compile(r"(<!-- made: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text("utf-8"), read_results()), "utf-8")


def page(text: str, results: Results) -> str:
    """The page with its tables of these results; KeyError for a marker of no table."""

    def made(found: re.Match[str]) -> str:
        lines = TABLES[found[2]](results)
        return "\n".join([found[1], *lines, "", found[4]])

    return _BETWEEN.sub(made, text)


def _rows(head: str, rows: list[list[str]]) -> list[str]:
    names = head.split(" | ")
    lines = [f"| {head} |", f"| --- |{' ---: |' * (len(names) - 1)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def conditions(results: Results) -> list[str]:
    """When, where, and how busy the machine was."""
    found = results["hot_path"]
    if not found:
        return [f"The hot path was {NOT_MEASURED}."]
    machine = found["machine"]
    loads = ", ".join(f"{load:.1f}" for load in found["load"])
    path = "the core is built" if found["core"] else "the core is not built"
    where = f"{machine['cpus']} virtual CPUs, Python {machine['python']}, Kafka {machine['kafka']}"
    what = f"{found['rounds']} rounds of {found['records']:,} envelopes"
    return [
        f"On {found['measured_on']}: {where}; {path}; {what}.",
        f"Load of the machine before each round: {loads}.",
    ]


def peers(results: Results) -> list[str]:
    """Every peer on the fixed job, the cheapest first; those that did not run, with the reason."""
    found: Mapping[str, Any] = results["hot_path"].get("peers", {})
    absent: Mapping[str, str] = results["hot_path"].get("absent", {})
    in_order = sorted(found, key=lambda peer: float(found[peer]["cpu_us_per_reading"]))
    rows = [[f"`{peer}`", *_peer(results, peer)] for peer in in_order]
    missing = [peer for peer in PEERS if peer not in found]
    rows += [[f"`{peer}`: {absent.get(peer, NOT_MEASURED)}", *[""] * 5] for peer in missing]
    head = "peer | CPU µs per reading | times the copy loop | readings a second | MB | headers"
    return _rows(head, rows)


def _peer(results: Results, peer: str) -> list[str]:
    mine = ("hot_path", "peers", peer)
    return [
        shown(figure(results, *mine, "cpu_us_per_reading")),
        shown(figure(results, *mine, "times_copy")),
        shown(figure(results, *mine, "readings_per_s")),
        shown(figure(results, *mine, "rss_mb")),
        shown(figure(results, "hot_path", "checked", peer, "headers_per_output")),
    ]


def _series(part: str, head: str) -> Callable[[Results], list[str]]:
    def made(results: Results) -> list[str]:
        numbers = results["hot_path"].get(part, {})
        if not numbers:
            return [f"This was {NOT_MEASURED}."]
        columns = ("roadfade", "copy", "times_copy")
        rows = [
            [number, *(shown(figure(results, "hot_path", part, number, c)) for c in columns)]
            for number in numbers
        ]
        return _rows(f"{head} | roadfade, µs per reading | copy | times the copy loop", rows)

    return made


def shipped(results: Results) -> list[str]:
    """The shipped policy, by the size of an envelope."""
    rows = []
    for size in ("10", "60", "200"):
        yields = ("hot_path", "full_policy_yields", size)
        rows.append(
            [
                size,
                shown(figure(results, "hot_path", "full_policy", size)),
                shown(figure(results, *yields, "records")),
                shown(figure(results, *yields, "readings")),
                shown(figure(results, *yields, "bytes")),
            ]
        )
    head = "readings | µs per reading | records an envelope | readings delivered | bytes"
    return _rows(head, rows)


def at_a_pace(results: Results) -> list[str]:
    """Latency and load of a core, and what changes of consent cost."""
    rows = []
    for name in ("200", "half"):
        path = ("hot_path", "latency", name)
        share = figure(results, *path, "core_share")
        rows.append(
            [
                "half of what it can" if name == "half" else f"{name} a second",
                shown(figure(results, *path, "records_per_s")),
                shown(figure(results, *path, "p50_ms")),
                shown(figure(results, *path, "p99_ms")),
                shown(None if share is None else 100 * share),
            ]
        )
    churn = shown(figure(results, "hot_path", "churn_ratio"))
    return [
        *_rows("pace | records a second | p50, ms | p99, ms | % of a core", rows),
        "",
        f"With one changed consent for every 1,000 records, as a multiple of without: {churn}.",
    ]


def others(results: Results) -> list[str]:
    """What other commands measured."""
    told = {
        "sink, CPU µs a row, 10,000 records a write": ("sink", "cpu_us_per_row", "10000"),
        "sink, CPU µs a row, 2,000 records a write": ("sink", "cpu_us_per_row", "2000"),
        "sink, files an hour": ("sink", "files_per_hour"),
        "sink, most files of an output, expiry and bucket": ("sink", "files_per_bucket_max"),
        "sink, s to count 10,000,000 rows": ("sink", "count_s_per_10m_rows"),
        "sink, ms to expire 10,000,000 rows": ("sink", "expire_ms_per_10m_rows"),
        "people in memory": ("people", "people"),
        "their memory, MB": ("people", "rss_mb"),
        "their cold start, CPU s": ("people", "cold_start_s"),
        "people among whom consents are withdrawn": ("withdrawal", "people"),
        "withdrawals, one after the other": ("withdrawal", "withdrawals"),
        "last record out after a withdrawal, s, p50": ("withdrawal", "last_out_s_p50"),
        "last record out after a withdrawal, s, p99": ("withdrawal", "last_out_s_p99"),
    }
    rows = [[name, shown(figure(results, *path))] for name, path in told.items()]
    return _rows("what | measured", rows)


KINDS: Final = {
    "raw": "raw, others' records come",
    "raw.idle": "raw, nothing comes",
    "purpose": "purpose, others' records come",
    "purpose.idle": "purpose, nothing comes",
    "answers": "answers of stores, others come",
    "answers.idle": "answers of stores, nothing comes",
    "compacted": "control: a row that is taken back, heartbeats come",
    "commands": "commands of erasure: one that is taken back, heartbeats come",
    "reports": "words of processes: one that is replaced, heartbeats come",
    "forced": "purpose, ended by force: from the cut",
}
"""In words, in the order of the table."""


def topics(results: Results) -> list[str]:
    """How long a byte lay on each kind of topic, beside what the formula gives."""
    found = results.get("topic_physics", {})
    if not found:
        return [f"This was {NOT_MEASURED}."]
    columns = ("gone_s", "gone_s_median", "bound_s", "gone_over_bound")
    rows = [
        [words, *(shown(figure(results, "topic_physics", "kinds", kind, c)) for c in columns)]
        for kind, words in KINDS.items()
    ]
    where = f"{found['cpus']} virtual CPUs, load {found['load']:.1f}"
    ended_s = shown(figure(results, "topic_physics", "silent_gone_s_after_heartbeat"))
    silent = (
        f"Without heartbeats a compacted topic kept {found['silent_kept']} of {found['canaries']} "
        f"rows that were taken back, beyond the bound; a heartbeat ended them within {ended_s} s."
    )
    return [
        f"On {found['measured_on']}: {where}; {found['canaries']} canaries of each kind.",
        "",
        *_rows("topic | slowest, s | middle, s | bound, s | slowest / bound", rows),
        "",
        silent,
    ]


FORGOTTEN: Final = {
    "rows of the lake": "rows",
    "its buckets": "buckets",
    "people erased from it, and as many withdrawn": "people_erased",
    "share of its bytes that an erasure writes anew, in 1/buckets: middle": "of_bucket_median",
    "the same: largest": "of_bucket_max",
    "s until a search of the lake finds nobody, middle": "erase_lake_s",
    "s until no file of the lake holds the pseudonym, middle": "erase_physical_lake_s",
    "expiring ten times the rows, as a multiple": "expire_rows_ratio",
    "on the road: s from the request until no query finds a row, slowest": "erase_logical_s",
    "on the road: s until no file of the lake holds a pseudonym, slowest": "erase_physical_s",
    "on the road: s until what a withdrawal ends is gone, slowest": "withdraw_rows_gone_s",
    "s from a withdrawal to the last record that rests on it, p99": "withdraw_last_out_s_p99",
    "PostgreSQL: rows a second that are written meanwhile": "postgres_written_rows_per_s",
    "PostgreSQL: s until no query finds a row, slowest": "postgres_erase_logical_s",
    "PostgreSQL: s until no file of the server's holds the pseudonym, slowest": (
        "postgres_erase_physical_s"
    ),
    "PostgreSQL: expiring ten times the rows, as a multiple": "postgres_expire_rows_ratio",
}
"""In words, in the order of the table."""
_COUNTS: Final = frozenset({"rows", "buckets", "people_erased"})
SHARES_ALONE: Final = _COUNTS | {"of_bucket_median", "of_bucket_max"}
"""What is told of a run beside other work: no times."""
_SHARES: Final = {
    "of_bucket_median": "erase_rewritten_share_median",
    "of_bucket_max": "erase_rewritten_share_max",
}


def forgetting(results: Results) -> list[str]:
    """What forgetting costs, of the usual run and of one with a large lake."""
    runs = {"usual": "forgetting", "large": "forgetting_large"}
    said = [
        f"The {name} run: {found['measured_on']}, {found['cpus']} virtual CPUs, "
        f"load {found['load']:.1f}."
        if (found := results.get(run, {}))
        else f"The {name} run was {NOT_MEASURED}."
        for name, run in runs.items()
    ]
    made = {name: run for name, run in runs.items() if results.get(run)}
    rows = [
        [words, *(_forgotten(results, run, name) for run in made.values())]
        for words, name in FORGOTTEN.items()
    ]
    return [*said, "", *_rows(f"what | {' | '.join(made)}", rows)]


def _forgotten(results: Results, run: str, name: str) -> str:
    """One figure of a run; a share as so many buckets."""
    if run == "forgetting_large" and name not in SHARES_ALONE:
        return ""
    found = figure(results, run, _SHARES.get(name, name))
    if name in _COUNTS and found is not None:
        return f"{found:,.0f}"
    buckets = figure(results, run, "buckets") if name in _SHARES else 1.0
    return shown(None if found is None or buckets is None else found * buckets)


def capacity(results: Results) -> list[str]:
    """The capacity model under its usual assumptions."""
    told = Assumptions()
    found = measured(results, told.readings_per_envelope)
    return [*assumed(told), "", *table(told, found)]


TABLES: Final[Mapping[str, Callable[[Results], list[str]]]] = {
    "conditions": conditions,
    "peers": peers,
    "sizes": _series("sizes", "readings an envelope"),
    "fan-out": _series("fan_out", "outputs"),
    "shipped": shipped,
    "pace": at_a_pace,
    "others": others,
    "topics": topics,
    "forgetting": forgetting,
    "capacity": capacity,
}


if __name__ == "__main__":
    main()
