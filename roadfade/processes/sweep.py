"""``roadfade sweep``: removes what has expired from the store, on its own clock.

Never part of a stream: a stuck stream must not stop deletion, and nothing else deletes. Deleting
depends on nothing else, either: it comes first in every turn, and no failure of what comes after
it (accounting, metrics, measuring, the policy) ends the process or puts the next turn off. If a
version of the policy took over, rows of older ones get the end they have under it.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from bus.failures import RowFault
from bus.ports import Broker
from policy.plan.limits import Limits
from policy.plan.plan import Plan
from policy.vocabulary.periods import add_period
from roadfade import metrics
from roadfade.clock import Judgement, WallClock, boot_ms, wall_ms
from roadfade.in_force.broker import connection_of
from roadfade.in_force.plans import compile_policy
from roadfade.ledger_file import NOT_COUNTED
from roadfade.logs.process_log import Named
from roadfade.metrics import bear
from roadfade.processes.dispute_mark import DisputeMark
from roadfade.processes.heard_clocks import MORE_S, HeardClocks, ask_clocks
from roadfade.processes.judged_clock import JudgedClock
from roadfade.processes.policy_listener import PolicyListener
from roadfade.processes.reporting import LAST_WORD_S_MAX, report_beside, reporter_of
from roadfade.processes.say_once import SayOnce
from roadfade.processes.starting import begin, tell_in_force
from roadfade.processes.strange_names import StrangeNames
from roadfade.readiness import Need, readiness
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.stores import store_of
from roadfade.unaccounted import ExpiredAccount
from sinks.port.results import Oddity, Restated, Swept
from sinks.port.sink import Ends, Store, StoreTakenError
from telemetry.topics import CONTROL_POLICIES

DELETE: Final = "delete"
STEPS: Final = (DELETE, "restate", "measure", "promises", "clocks", "metrics", "policy", "report")
"""The labels of failures."""
logger = logging.getLogger(__name__)
_say = SayOnce(logger)
_left, _strange = StrangeNames(logger), StrangeNames(logger)


def sweep_once(store: Store, account: ExpiredAccount, now_ms: int) -> Swept:
    """One sweep: delete, then count. Idempotent; blocks."""
    swept = store.expire(now_ms)
    metrics.SWEEP_SUCCESS.set(now_ms / 1000)
    _left.tell(swept.left)
    _account(account, swept.by_output, swept.uncounted)
    return swept


def _account(
    account: ExpiredAccount, by_output: Mapping[str, int], files_not_counted: int = 0
) -> None:
    """Count what was removed; the rows are gone whether or not the ledger can be written."""
    for output, rows in by_output.items():
        metrics.EXPIRED_READINGS.labels(output).inc(rows)
    # Else the readings of a damaged file would seem to be lost once it is removed.
    not_counted = {NOT_COUNTED: files_not_counted} if files_not_counted else {}
    why = account.add({**by_output, **not_counted})
    metrics.UNACCOUNTED.set(account.waiting)
    if why is not None:
        _say(
            f"{account.waiting} removed readings are not in the ledger yet ({why}): free space or "
            "see the ledger file; they are added once it can be written",
            about="account",
        )


def restate_once(store: Store, ends: Ends, account: ExpiredAccount, now_ms: int) -> Restated:
    """One pass of giving rows the expiry date they have now. Idempotent; blocks.

    StoreTakenError while an erasure is running: the next pass finds the same rows.
    """
    done = store.restate(ends, now_ms)
    _account(account, done.removed)
    for output, rows in done.moved.items():
        metrics.RESTATED_READINGS.labels(output).inc(rows)
    metrics.RESTATE_LEFT.set(done.left + done.unreadable)
    metrics.RESTATE_UNJUDGED.inc(done.unjudged)
    if done.files:
        logger.warning(
            "policy %s: %d rows got a new expiry date, %d were deleted, %d files are left",
            ends.policy_version,
            sum(done.moved.values()),
            sum(done.removed.values()),
            done.left,
        )
    if done.unreadable:
        _say(
            f"{done.unreadable} files could not be given the expiry date of the policy in force: "
            "they are damaged, or there is no room to write; they keep the date they have",
            about="restate",
        )
    return done


def restate_in_turn(store: Store, ends: Ends, account: ExpiredAccount, now_ms: int) -> int:
    """One pass, or none while an erasure runs; how many files a further pass could rewrite now."""
    try:
        return restate_once(store, ends, account, now_ms).left
    except StoreTakenError:
        logger.warning("an erasure is running: rows get their new expiry date in a later pass")
        return 0


def clock_of(
    settings: Settings,
    store: Store,
    heard: HeardClocks,
    wall: WallClock = wall_ms,
    boot: WallClock = boot_ms,
) -> JudgedClock:
    """The clock of a sweep of this store."""
    mark = DisputeMark(settings.state_dir, boot)
    return JudgedClock(
        heard, settings.clock_dispute_s_max, wall, boot, mark=mark, written=store.written_ms
    )


def deletion_now(
    settings: Settings,
    broker: Broker,
    store: Store,
    wall: WallClock = wall_ms,
    boot: WallClock = boot_ms,
) -> tuple[Judgement, int]:
    """What is said of the own clock, and the instant by which one sweep deletes. Blocks."""
    heard = HeardClocks()
    ask_clocks(broker, heard, wall, settings.heartbeat_every_s + MORE_S)
    clock = clock_of(settings, store, heard, wall, boot)
    judged = clock.judge()
    # Without the mark each sweep would wait an hour anew, and so for ever.
    return judged, judged.now_ms if clock.keep() else judged.own_ms


def once(
    settings: Settings, broker: Broker, wall: WallClock = wall_ms, boot: WallClock = boot_ms
) -> tuple[Swept, Restated | None, ExpiredAccount, Judgement]:
    """One sweep, and all there is to restate; None if the policy in force is not known. Blocks.

    Another clock that says now that ``wall`` is ahead decides instead: what it keeps, a later
    sweep removes. Refusal if an erasure or another restatement is running.
    """
    account = ExpiredAccount(settings.ledger_path)
    store = store_of(settings)
    judged, now_ms = deletion_now(settings, broker, store, wall, boot)
    swept = sweep_once(store, account, now_ms)
    ends = PolicyListener(settings, broker, now=lambda: now_ms).ask()
    if ends is None or not store.exists():
        return swept, None if ends is None else Restated(), account, judged
    total = Restated()
    try:
        while (done := restate_once(store, ends, account, now_ms)).left:
            total = total.plus(done)
    except StoreTakenError as taken:
        raise Refusal(str(taken)) from None
    return swept, total.plus(done), account, judged


def measure(store: Store, now_ms: int) -> None:
    """Measure what is left: what is overdue or strange, and the age of the oldest row by copy."""
    metrics.OVERDUE.clear()
    bear(metrics.OVERDUE, store.outputs())
    for place in store.overdue(now_ms):
        metrics.OVERDUE.labels(place.output).inc(place.files)
    for output, oldest_ms in store.oldest_ms().items():
        metrics.OLDEST_AGE.labels(f"lake {output}").set((now_ms - oldest_ms) / 1000)
    strange = store.strange()
    metrics.LAKE_STRANGE.clear()
    bear(metrics.LAKE_STRANGE, Oddity)
    for oddity, count in Counter(one.oddity for one in strange).items():
        metrics.LAKE_STRANGE.labels(str(oddity)).set(count)
    _strange.tell(strange)


def tell_promises(plan: Plan, now_ms: int) -> None:
    """The longest life any row may have, by copy: what the oldest age is held against."""
    outputs = [output.id for output in plan.outputs]
    bear(metrics.EXPIRED_READINGS, outputs)
    bear(metrics.RESTATED_READINGS, outputs)
    for output in plan.outputs:
        longest_ms = max(add_period(now_ms, lane.period) - now_ms for lane in output.lanes)
        metrics.LONGEST_LIFE.labels(f"lake {output.id}").set(longest_ms / 1000)


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
