"""``roadfade sweep``: removes what has expired from the lake, on its own clock.

Never part of a stream: a stuck stream must not stop deletion.
"""

import threading
from pathlib import Path

from policy.limits import Limits
from policy.periods import add_period
from policy.plan import Plan
from roadfade import __version__, metrics
from roadfade.clock import wall_ms
from roadfade.ledger import LedgerFile
from roadfade.planning import compile_policy
from roadfade.settings import Settings
from sinks.expire import overdue, sweep
from sinks.oldest import Oldest
from sinks.ports import Swept


def sweep_once(root: Path, ledger: LedgerFile, now_ms: int) -> Swept:
    """One sweep: unlink and count. Idempotent; blocks."""
    swept = sweep(root, now_ms)
    ledger.add_expired(swept.by_output)
    for output, rows in swept.by_output.items():
        metrics.EXPIRED_READINGS.labels(output).inc(rows)
    metrics.SWEEP_SUCCESS.set(now_ms / 1000)
    return swept


def measure(root: Path, oldest: Oldest, now_ms: int) -> None:
    """Measure what is left: overdue partitions, and the age of the oldest row by copy."""
    metrics.OVERDUE.clear()
    for place in overdue(root, now_ms):
        metrics.OVERDUE.labels(place.output).inc(place.files)
    for output, oldest_ms in oldest.by_output().items():
        metrics.OLDEST_AGE.labels(f"lake {output}").set((now_ms - oldest_ms) / 1000)


def tell_promises(plan: Plan, now_ms: int) -> None:
    """The longest life any row may have, by copy: what the oldest age is held against."""
    for output in plan.outputs:
        longest_ms = max(add_period(now_ms, lane.period) - now_ms for lane in output.lanes)
        metrics.LONGEST_LIFE.labels(f"lake {output.id}").set(longest_ms / 1000)


def main(settings: Settings, stopping: threading.Event) -> None:
    """Sweep again and again until ``stopping`` is set; an error ends the process loudly."""
    metrics.serve(settings.metrics_host, settings.metrics_port, settings.ports_dir, "sweep")
    metrics.BUILD.labels(__version__, "").set(1)
    tell_promises(compile_policy(settings, Limits()), wall_ms())
    ledger = LedgerFile(settings.ledger_path)
    oldest = Oldest(settings.lake_dir)
    while True:
        if settings.lake_dir.exists():
            sweep_once(settings.lake_dir, ledger, wall_ms())
            measure(settings.lake_dir, oldest, wall_ms())
        if stopping.wait(settings.sweep_every_s):
            return
