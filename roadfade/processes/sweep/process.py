"""``roadfade sweep``: removes what has expired from the store, on its own clock.

Never part of a stream: a stuck stream must not stop deletion, and nothing else deletes. Deleting
depends on nothing else, either: it comes first in every turn, and no failure of what comes after
it (accounting, metrics, measuring, the policy) ends the process or puts the next turn off. If a
version of the policy took over, rows of older ones get the end they have under it.
"""

import logging
import threading
from collections.abc import Callable
from typing import Final

from bus.failures import RowFault
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from roadfade import metrics
from roadfade.clock import wall_ms
from roadfade.in_force.broker import connection_of
from roadfade.in_force.plans import compile_policy
from roadfade.logs.process_log import Named
from roadfade.metrics import bear
from roadfade.processes.clocks.heard_clocks import MORE_S, HeardClocks, ask_clocks
from roadfade.processes.clocks.judged_clock import JudgedClock
from roadfade.processes.reporting import LAST_WORD_S_MAX, report_beside, reporter_of
from roadfade.processes.say_once import SayOnce
from roadfade.processes.starting import begin, tell_in_force
from roadfade.processes.sweep.backups import end_backups
from roadfade.processes.sweep.measures import measure, tell_promises
from roadfade.processes.sweep.once import clock_of
from roadfade.processes.sweep.policy_listener import PolicyListener
from roadfade.processes.sweep.steps import restate_in_turn, sweep_once
from roadfade.readiness import Need, readiness
from roadfade.settings import Settings
from roadfade.stores import store_of
from roadfade.unaccounted import ExpiredAccount
from sinks.port.sink import Store
from telemetry.topics import CONTROL_POLICIES

DELETE: Final = "delete"
STEPS: Final = (
    DELETE, "restate", "measure", "promises", "backups", "clocks", "metrics", "policy", "report",
)  # fmt: skip
"""The labels of failures."""
logger = logging.getLogger(__name__)
_say = SayOnce(logger)


def attempt(step: str, work: Callable[[], None]) -> None:
    """One step of a turn: a failure is logged once and counted, and the other steps go on."""
    try:
        work()
    except Exception as error:  # noqa: BLE001  # whatever it is, the next sweep must delete
        metrics.SWEEP_FAILURES.labels(step).inc()
        if step == DELETE:
            readiness.lacks(Need.SWEPT, f"it failed ({type(error).__name__})")
        _say(
            f"a step of the sweep failed: {step} ({type(error).__name__}); the others go on",
            about=("step", step),
        )


class Sweeper:
    """The turns of the process: each deletes first."""

    def __init__(
        self,
        settings: Settings,
        listener: PolicyListener,
        store: Store,
        clock: JudgedClock,
    ) -> None:
        self._settings = settings
        self._listener = listener
        self._account = ExpiredAccount(settings.ledger_path)
        self._store = store
        self._clock = clock
        self._exported: Plan | None = None
        self._left = 0

    def turn(self) -> bool:
        """One turn; whether the next should follow at once, for there is more to restate."""
        self._left = 0
        attempt(DELETE, self.delete)
        if self._store.exists():
            attempt("restate", self._restate)
            attempt("measure", lambda: measure(self._store, self._clock.judged.measure_ms))
        attempt("promises", self._promise)
        attempt("backups", self._backups)
        return self._left > 0

    def delete(self) -> None:
        """Remove what is due; a clock that others say is ahead decides an hour later."""
        judged = self._clock.judge()
        self._clock.keep()
        if self._store.exists():
            sweep_once(self._store, self._account, judged.now_ms)
        else:
            # Nothing was ever kept, so nothing is due.
            metrics.SWEEP_SUCCESS.set(judged.now_ms / 1000)
        readiness.met(Need.SWEPT)

    def _restate(self) -> None:
        ends = self._listener.ends()
        if ends is not None and ends.several:
            now_ms = self._clock.judged.now_ms
            self._left = restate_in_turn(self._store, ends, self._account, now_ms)

    def _backups(self) -> None:
        for name in end_backups(self._settings, self._clock.judged.now_ms):
            logger.info("the backup %s has ended, and is gone", name)

    def _promise(self) -> None:
        ends = self._listener.ends()
        if ends is None and self._exported is not None:
            return
        plan = compile_policy(self._settings, Limits()) if ends is None else ends.current
        if plan is not self._exported:
            tell_promises(plan, wall_ms())
            if ends is not None:
                readiness.met(Need.POLICY)
                tell_in_force(plan.policy_version)
            self._exported = plan


def main(settings: Settings, named: Named, stopping: threading.Event) -> None:
    """Sweep again and again until ``stopping`` is set; no failure ends it."""
    broker, store, heard = connection_of(settings), store_of(settings), HeardClocks()
    clock = clock_of(settings, store, heard)
    # A version that only a clock ahead has in force must not end any row: that is no going back.
    listener = PolicyListener(settings, broker, heard.take, lambda: clock.judged.now_ms)
    sweeper = Sweeper(settings, listener, store, clock)
    wait_s = settings.heartbeat_every_s + MORE_S
    attempt("clocks", lambda: ask_clocks(broker, heard, wall_ms, wait_s))
    attempt(DELETE, sweeper.delete)
    attempt("metrics", lambda: begin(settings, named, "sweep", "sweep"))
    attempt("policy", listener.start)
    bear(metrics.SWEEP_FAILURES, STEPS)
    bear(metrics.QUARANTINED, [CONTROL_POLICIES], RowFault)
    voices: list[threading.Thread] = []
    attempt(
        "report",
        lambda: voices.append(report_beside(reporter_of(settings, broker, "sweep"), stopping)),
    )
    while True:
        more = sweeper.turn()
        if not (more and not stopping.is_set()) and stopping.wait(settings.sweep_every_s):
            break
    for voice in voices:
        voice.join(2 * LAST_WORD_S_MAX)
