"""What is left of a consent when its row leaves the register. Pure, but for a number's chance.

In: a consent's facts, the policy's period. Out: a row without a person, a device or an instant.
"""

import secrets
from collections.abc import Callable
from typing import NamedTuple

from policy.vocabulary.periods import add_period
from policy.vocabulary.terms import Period
from telemetry.instants import DAY_MS, to_datetime

NUMBER_BYTES = 16


class Facts(NamedTuple):
    """A consent as the register has it as it leaves."""

    consent: str
    """Its row's id."""
    purpose: str
    basis: str
    recipient: str | None
    notice: str
    from_ms: int
    ended_ms: int


class EvidenceRow(NamedTuple):
    """That there was a consent; nobody stands in it."""

    number: str
    """Random, and in no other file."""
    purpose: str
    basis: str
    recipient: str | None
    notice: str
    """With its version: what the person was told."""
    given_day: str
    ended_day: str
    """Days, UTC: exact instants would join it to rows of others."""
    ends_ms: int
    """From then on it is shown to nobody, and goes with the next turn; the beginning of a day."""
    opening: str
    """HMAC-SHA256(nonce, number and person): who has the nonce shows that it is theirs."""


class Leaving(NamedTuple):
    """A row of evidence, and the consent that it is of until that has left."""

    consent: str
    row: EvidenceRow


def evidence_of(
    facts: Facts, period: Period, opened_by: Callable[[str], str], now_ms: int
) -> Leaving | None:
    """The row; None if its end has come, or the consent never held anything.

    ``opened_by`` makes the opening of a number. A period is a maximum: the day on which it ends
    counts from its beginning.
    """
    ends_ms = add_period(facts.ended_ms, period)
    ends_ms -= ends_ms % DAY_MS
    if facts.ended_ms <= facts.from_ms or ends_ms <= now_ms:
        return None
    number = secrets.token_hex(NUMBER_BYTES)
    said = facts[1:5]
    days = _day(facts.from_ms), _day(facts.ended_ms)
    return Leaving(facts.consent, EvidenceRow(number, *said, *days, ends_ms, opened_by(number)))


def _day(at_ms: int) -> str:
    return to_datetime(at_ms).date().isoformat()
