"""``roadfade sweep``: removes what has expired from the lake, on its own clock.

Never part of a stream: a stuck stream must not stop deletion. Where a version of the policy
took over, rows of older ones get the end they have under it.
"""

import logging
import threading
from pathlib import Path

from policy.limits import Limits
from policy.periods import add_period
from policy.plan import Plan
from policy.succession import Succession
from roadfade import __version__, metrics
from roadfade.clock import wall_ms
from roadfade.ledger import LedgerFile
from roadfade.planning import compile_policy
from roadfade.policy_listener import PolicyListener
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from sinks.expire import overdue, sweep
from sinks.oldest import Oldest
from sinks.restate import Restatement
from sinks.results import Restated, Swept
from sinks.workplace import WorkplaceTakenError

logger = logging.getLogger(__name__)


def sweep_once(root: Path, ledger: LedgerFile, now_ms: int) -> Swept:
    """One sweep: unlink and count. Idempotent; blocks."""
    swept = sweep(root, now_ms)
    ledger.add_expired(swept.by_output)
    for output, rows in swept.by_output.items():
        metrics.EXPIRED_READINGS.labels(output).inc(rows)
    metrics.SWEEP_SUCCESS.set(now_ms / 1000)
    return swept


def restate_once(
    restatement: Restatement, ends: Succession, ledger: LedgerFile, now_ms: int
) -> Restated:
    """One turn of giving rows the end they have now. Idempotent; blocks.

    WorkplaceTakenError while an erasure rewrites parts: the next turn finds the same.
    """
    done = restatement.run(ends, now_ms)
    ledger.add_expired(done.removed)
    for output, rows in done.removed.items():
        metrics.EXPIRED_READINGS.labels(output).inc(rows)
    for output, rows in done.moved.items():
        metrics.RESTATED_READINGS.labels(output).inc(rows)
    metrics.RESTATE_LEFT.set(done.left)
    metrics.RESTATE_UNJUDGED.inc(done.unjudged)
    if done.files:
        logger.warning(
            "policy %s: %d rows end at another time, %d are gone, %d files wait",
            ends.policy_version, sum(done.moved.values()), sum(done.removed.values()), done.left,
        )  # fmt: skip
    return done


def restate_in_turn(restatement: Restatement, ends: Succession, ledger: LedgerFile) -> int:
    """One turn, unless an erasure has its own; how many parts wait that need not wait longer."""
    try:
        return restate_once(restatement, ends, ledger, wall_ms()).left
    except WorkplaceTakenError:
        logger.warning("an erasure is at work: rows get their new end in a later turn")
        return 0


def once(settings: Settings, now_ms: int) -> tuple[Swept, Restated | None]:
    """One sweep, and all there is to restate; None where nobody tells what is in force. Blocks.

    Refusal where an erasure or another restatement is at work.
    """
    ledger = LedgerFile(settings.ledger_path)
    swept = sweep_once(settings.lake_dir, ledger, now_ms)
    ends = PolicyListener(settings).ask()
    if ends is None or not settings.lake_dir.exists():
        return swept, None if ends is None else Restated()
    restatement = Restatement(settings.lake_dir, settings.lake_compression)
    total = Restated()
    try:
        while (done := restate_once(restatement, ends, ledger, now_ms)).left:
            total = total.plus(done)
    except WorkplaceTakenError as taken:
        raise Refusal(str(taken)) from None
    return swept, total.plus(done)


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
    metrics.tell_build(__version__, "")
    listener = PolicyListener(settings)
    listener.start()
    ledger = LedgerFile(settings.ledger_path)
    root = settings.lake_dir
    oldest, restatement = Oldest(root), Restatement(root, settings.lake_compression)
    told = compile_policy(settings, Limits())
    tell_promises(told, wall_ms())
    while True:
        if root.exists():
            sweep_once(root, ledger, wall_ms())
            ends = listener.ends()
            left = 0
            if ends is not None and ends.several:
                left = restate_in_turn(restatement, ends, ledger)
            measure(root, oldest, wall_ms())
            if ends is not None and ends.current is not told:
                told = ends.current
                tell_promises(told, wall_ms())
                metrics.tell_build(__version__, told.policy_version)
            if left and not stopping.is_set():
                continue  # expiring had its turn; there is more to restate
        if stopping.wait(settings.sweep_every_s):
            return
