"""``roadfade sweep``: removes what has expired from the store, on its own clock.

Never part of a stream: a stuck stream must not stop deletion, and nothing else deletes. If a
version of the policy took over, rows of older ones get the end they have under it.
"""

import logging
import threading

from bus.ports import Broker
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from policy.vocabulary.periods import add_period
from roadfade import __version__, metrics
from roadfade.clock import wall_ms
from roadfade.in_force.broker import connection_of
from roadfade.in_force.plans import compile_policy
from roadfade.ledger_file import LedgerFile
from roadfade.processes.policy_listener import PolicyListener
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.stores import store_of
from sinks.port.results import Restated, Swept
from sinks.port.sink import Ends, Store, StoreTakenError

logger = logging.getLogger(__name__)


def sweep_once(store: Store, ledger: LedgerFile, now_ms: int) -> Swept:
    """One sweep: delete and count. Idempotent; blocks."""
    swept = store.expire(now_ms)
    ledger.add_expired(swept.by_output)
    for output, rows in swept.by_output.items():
        metrics.EXPIRED_READINGS.labels(output).inc(rows)
    metrics.SWEEP_SUCCESS.set(now_ms / 1000)
    return swept


def restate_once(store: Store, ends: Ends, ledger: LedgerFile, now_ms: int) -> Restated:
    """One pass of giving rows the expiry date they have now. Idempotent; blocks.

    StoreTakenError while an erasure is running: the next pass finds the same rows.
    """
    done = store.restate(ends, now_ms)
    ledger.add_expired(done.removed)
    for output, rows in done.removed.items():
        metrics.EXPIRED_READINGS.labels(output).inc(rows)
    for output, rows in done.moved.items():
        metrics.RESTATED_READINGS.labels(output).inc(rows)
    metrics.RESTATE_LEFT.set(done.left)
    metrics.RESTATE_UNJUDGED.inc(done.unjudged)
    if done.files:
        logger.warning(
            "policy %s: %d rows got a new expiry date, %d were deleted, %d files are left",
            ends.policy_version,
            sum(done.moved.values()),
            sum(done.removed.values()),
            done.left,
        )
    return done


def restate_in_turn(store: Store, ends: Ends, ledger: LedgerFile) -> int:
    """One pass, or none while an erasure runs; how many files a further pass could rewrite now."""
    try:
        return restate_once(store, ends, ledger, wall_ms()).left
    except StoreTakenError:
        logger.warning("an erasure is running: rows get their new expiry date in a later pass")
        return 0


def once(settings: Settings, broker: Broker, now_ms: int) -> tuple[Swept, Restated | None]:
    """One sweep, and all there is to restate; None if the policy in force is not known. Blocks.

    Refusal if an erasure or another restatement is running.
    """
    ledger = LedgerFile(settings.ledger_path)
    store = store_of(settings)
    swept = sweep_once(store, ledger, now_ms)
    ends = PolicyListener(settings, broker).ask()
    if ends is None or not store.exists():
        return swept, None if ends is None else Restated()
    total = Restated()
    try:
        while (done := restate_once(store, ends, ledger, now_ms)).left:
            total = total.plus(done)
    except StoreTakenError as taken:
        raise Refusal(str(taken)) from None
    return swept, total.plus(done)


def measure(store: Store, now_ms: int) -> None:
    """Measure what is left: what is overdue, and the age of the oldest row by copy."""
    metrics.OVERDUE.clear()
    for place in store.overdue(now_ms):
        metrics.OVERDUE.labels(place.output).inc(place.files)
    for output, oldest_ms in store.oldest_ms().items():
        metrics.OLDEST_AGE.labels(f"lake {output}").set((now_ms - oldest_ms) / 1000)


def tell_promises(plan: Plan, now_ms: int) -> None:
    """The longest life any row may have, by copy: what the oldest age is held against."""
    for output in plan.outputs:
        longest_ms = max(add_period(now_ms, lane.period) - now_ms for lane in output.lanes)
        metrics.LONGEST_LIFE.labels(f"lake {output.id}").set(longest_ms / 1000)


def main(settings: Settings, stopping: threading.Event) -> None:
    """Sweep again and again until ``stopping`` is set; an error ends the process loudly."""
    metrics.serve_metrics(settings.metrics_host, settings.metrics_port, settings.ports_dir, "sweep")
    metrics.tell_build(__version__, "")
    listener = PolicyListener(settings, connection_of(settings))
    listener.start()
    ledger = LedgerFile(settings.ledger_path)
    store = store_of(settings)
    exported = compile_policy(settings, Limits())
    tell_promises(exported, wall_ms())
    while True:
        if store.exists():
            sweep_once(store, ledger, wall_ms())
            ends = listener.ends()
            left = 0
            if ends is not None and ends.several:
                left = restate_in_turn(store, ends, ledger)
            measure(store, wall_ms())
            if ends is not None and ends.current is not exported:
                exported = ends.current
                tell_promises(exported, wall_ms())
                metrics.tell_build(__version__, exported.policy_version)
            if left and not stopping.is_set():
                continue  # expiring had its turn; there is more to restate
        if stopping.wait(settings.sweep_every_s):
            return
