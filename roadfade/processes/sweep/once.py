"""``roadfade sweep --once``: one sweep by the judged clock, and all there is to restate."""

from bus.ports import Broker
from roadfade.clock import Judgement, WallClock, boot_ms, wall_ms
from roadfade.processes.clocks.dispute_mark import DisputeMark
from roadfade.processes.clocks.heard_clocks import MORE_S, HeardClocks, ask_clocks
from roadfade.processes.clocks.judged_clock import JudgedClock
from roadfade.processes.sweep.policy_listener import PolicyListener
from roadfade.processes.sweep.steps import restate_once, sweep_once
from roadfade.refusal import Refusal
from roadfade.settings import Settings
from roadfade.stores import store_of
from roadfade.unaccounted import ExpiredAccount
from sinks.port.results import Restated, Swept
from sinks.port.sink import Store, StoreTakenError


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
