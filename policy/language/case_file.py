"""The questions of cases/<purpose>.yaml: what people ask the policy, and the answer it must give.

A case asks one thing: what becomes of a ``signal`` or ``fact``; whether a ``category`` is
forbidden to someone; whether records may be joined (``join``) or purposes combined
(``combine``); whether data of a ``source`` is admitted at all; or all that one recipient
``receives``.
"""

from typing import Annotated, Literal

from pydantic import Field

from policy.language.fields import (
    Citation,
    Day,
    DurationWords,
    EpochWords,
    Expectation,
    OperationWords,
    PeriodWords,
    Strict,
)
from policy.vocabulary.terms import RecipientClass
from telemetry.wire.control import Role

ASKS = ("signal", "fact", "category", "join", "combine", "source", "receives")


class Case(Strict):
    """One question to the policy, and the answer it must give."""

    signal: str | None = None
    fact: str | None = None
    category: str | None = None
    join: str | None = None
    combine: str | None = None
    source: str | None = None
    receives: tuple[str, ...] | None = None
    to: str | None = None
    recipient_class: Annotated[RecipientClass | None, Field(alias="class")] = None
    countries: tuple[str, ...] | None = None
    identity: str | None = None
    release: str | None = None
    epoch: EpochWords | None = None
    topic: DurationWords | None = None
    """The longest a byte stays on the recipient's topic."""
    role: Role | None = None
    consent: Literal["given", "withdrawn", "none", "expired"] = "none"
    age: PeriodWords | None = None
    expect: Expectation = ("deliver", None)
    keep: PeriodWords | None = None
    at_most: PeriodWords | None = None
    cap: PeriodWords | None = None
    kept_at_least: PeriodWords | None = None
    review_on: Day | None = None
    until: Day | None = None
    """The first day on which the recipient gets nothing of it."""
    at_least: int | None = None
    window: PeriodWords | None = None
    needs: str | None = None
    grain: str | None = None
    trigger: Annotated[str | None, Field(alias="from")] = None
    basis: str | None = None
    floor: str | None = None
    treated: tuple[OperationWords, ...] | None = None
    value: float | int | None = None
    becomes: float | int | None = None
    about: Citation | None = None
    """The authority the case was written for, as ``edge-10``."""


class Cases(Strict):
    """cases/<purpose>.yaml."""

    cases: Annotated[tuple[Case, ...], Field(min_length=1)]
