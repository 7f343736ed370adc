"""What a sweep does to the store: what is due goes, and what has another end now is restated.

Deleting comes first; what could not be accounted for is told, and made good later.
"""

import logging
from collections.abc import Mapping

from roadfade import metrics
from roadfade.ledger_file import NOT_COUNTED
from roadfade.processes.say_once import SayOnce
from roadfade.processes.sweep.strange_names import StrangeNames
from roadfade.unaccounted import ExpiredAccount
from sinks.port.results import Restated, Swept
from sinks.port.sink import Ends, Store, StoreTakenError

logger = logging.getLogger(__name__)
_say = SayOnce(logger)
_left = StrangeNames(logger)


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
            f"the ledger cannot be written ({why}), and {account.waiting} removed readings wait "
            "for it, beside files that could not be counted: free space or see the ledger file",
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
        logger.warning("parts are being rewritten: rows get their new expiry date in a later pass")
        return 0
