"""The keys of sealed raw data: a private key for each period, and when it goes.

They lie in a keyring of their own, with a KEK of its own, and neither is in any backup: one of them
goes several times a day, and the KEK changes with it. An X25519 private key is 32 random bytes (RFC
7748 §5), as an epoch key is, so that it lies in a table as theirs. In: plans, the instant, names.
Out: names, periods, instants. Pure.
"""

from collections.abc import Iterable
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from office.keyring.wrapping import KeyName
from policy.plan.plan import Plan
from policy.vocabulary.operations import ThinCount, ThinTime
from policy.vocabulary.operations import length_ms as thin_length_ms
from telemetry.identity import EpochKey
from telemetry.instants import MINUTE_MS
from telemetry.periods import Period, period_at

_PURPOSE: Final = "~raw"
ROUND_S: Final = (
    60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 28_800, 43_200, 86_400,
)  # fmt: skip
"""Lengths of periods: each divides a day, so that periods begin with the days of UTC."""
SHARE: Final = 4
"""A period is at most so much of the promise: what is readable lives no longer than it."""
LATE_DOOR_MS_MAX: Final = 5 * MINUTE_MS
"""A front door's clock may be so much behind the office's: for so long it finds its key."""


def name_of(period: Period) -> KeyName:
    """Under which a period's key lies in the keyring."""
    return _PURPOSE, str(period.length_s), str(period.number)


def period_of(name: KeyName) -> Period | None:
    """The period of a key; None: it is no period's."""
    purpose, length_s, number = name
    if purpose != _PURPOSE or not length_s.isdecimal() or not number.isdecimal():
        return None
    return Period(int(number), int(length_s))


def public_key(key: EpochKey) -> bytes:
    """What front doors are given: 32 bytes."""
    return X25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()


def length_s(plan: Plan) -> int:
    """How long periods are under a plan: at most a quarter of how long raw data may be read.

    The least is a minute, whatever the promise.
    """
    most_s = plan.raw.bound_ms // SHARE // 1000
    return max((one for one in ROUND_S if one <= most_s), default=ROUND_S[0])


def late_door_ms(length: int) -> int:
    """For how long a key is offered once its period, of so many seconds, is over."""
    return min(LATE_DOOR_MS_MAX, length * 1000 // SHARE)


def read_again_ms(plan: Plan) -> int:
    """For how long of append time a worker that starts reads what was handled before."""
    operations = (
        one
        for output in plan.outputs
        for lane in output.lanes
        for rule in lane.rules
        for one in rule.operations
    )
    thinned = (one for one in operations if isinstance(one, ThinTime | ThinCount))
    return max((plan.late_ms + thin_length_ms(one) for one in thinned), default=0)


def wanted(plan: Plan, now_ms: int) -> tuple[Period, Period]:
    """The periods of which front doors need the keys: this one and the next."""
    current = period_at(now_ms, length_s(plan))
    return current, current.following


def offered(plan: Plan, now_ms: int) -> tuple[Period, ...]:
    """The periods of which the keys are published: those, and one that a late clock is still in."""
    before = period_at(now_ms - late_door_ms(length_s(plan)), length_s(plan))
    return tuple(dict.fromkeys((before, *wanted(plan, now_ms))))


def due_ms(period: Period, plan: Plan) -> int:
    """From then on nothing that was sealed in a period can be read: its beginning + the promise.

    It waits for rules over time, and for late clocks: so long after its end a worker that starts
    reads nothing of it again. If the promise is longer than a period and that together,
    neither plays a part.
    """
    beyond_ms = max(read_again_ms(plan), late_door_ms(period.length_s))
    return max(period.from_ms + plan.raw.bound_ms, period.to_ms + beyond_ms)


def due(live: Iterable[KeyName], plan: Plan, now_ms: int) -> frozenset[KeyName]:
    """Those of the keys whose time has come."""
    found = ((name, period_of(name)) for name in live)
    return frozenset(
        name for name, period in found if period is not None and due_ms(period, plan) <= now_ms
    )
