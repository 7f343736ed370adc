"""Which epoch keys nothing needs any more: the last record under them has ended. Pure.

In: the keys that there are, every plan that ever was on record, the instant. Out: names of keys.
A key of which it is not known when its last record ends is needed: one whose epoch has no name that
is known here, or whose purpose and recipient no plan has.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from office.keyring.wrapping import KeyName
from policy.plan.epochs import TRIP_MS_MAX, epoch_named
from policy.plan.last_rows import rows_end_ms, transit_ms
from policy.plan.plan import Plan
from telemetry.instants import DAY_MS

AHEAD_MS = DAY_MS
"""A reading may claim to be of so much later than it was admitted, at most."""


class Horizon(NamedTuple):
    """By which keys are judged. Milliseconds."""

    now_ms: int
    replay_ms: int
    """How far back anything may be read again or restored."""
    asked_ms: int | None = None
    """When the oldest request was asked whose commands may still be computed; None: none is."""


def needed_until_ms(name: KeyName, plans: Sequence[Plan], replay_ms: int) -> int | None:
    """From then on no record stamped under this key can exist; None: it is not known.

    ``end of the epoch + a trip + a day ahead``: no reading that keeps this epoch is later; ``+ the
    longest period`` of any lane that the purpose and recipient ever had: its last row has ended;
    ``+ raw bound + topic bound + replay``: nothing is left that is read again, and would be decided
    otherwise without the key. Each is the longest of all plans. What comes after that has ended as
    it comes, and is withheld whether there is a key or not.
    """
    purpose, recipient, epoch = name
    span = epoch_named(epoch)
    who = purpose, recipient
    outputs = [one for plan in plans for one in plan.outputs if (one.purpose, one.recipient) == who]
    if span is None:
        return None
    rows_ms = rows_end_ms(outputs, span.to_ms + TRIP_MS_MAX + AHEAD_MS)
    return None if rows_ms is None else rows_ms + transit_ms(plans, outputs) + replay_ms


def ended(live: Iterable[KeyName], plans: Sequence[Plan], horizon: Horizon) -> frozenset[KeyName]:
    """Those of the keys that nothing needs any more.

    A request that was asked before a key's time was over may mean rows that lay under it, and its
    commands are computed from the key: until they are, it is needed.
    """
    found = set[KeyName]()
    for name in live:
        until_ms = needed_until_ms(name, plans, horizon.replay_ms)
        if until_ms is None or horizon.now_ms < until_ms:
            continue
        if horizon.asked_ms is None or horizon.asked_ms >= until_ms:
            found.add(name)
    return frozenset(found)
