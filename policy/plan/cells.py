"""The plan's parts beside its outputs: every cell with its recipient, forbids, combinations.

For coverage, explanations, registers and notices; no topic is made from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, assert_never

from policy.plan.digest import PART, UNSEEN, known_as
from policy.vocabulary.bilingual import Bilingual
from policy.vocabulary.operations import Operation
from policy.vocabulary.terms import (
    Basis,
    DeliveryMode,
    Denial,
    OnWithdrawal,
    Period,
    RecipientClass,
    Where,
)
from policy.vocabulary.words import OPEN_TRIGGERS
from telemetry.instants import Grain
from telemetry.wire.control import Role


class Belongings(NamedTuple):
    """The fields that belong to one mode of delivery only."""

    group: bool = False
    needs: bool = False
    release: bool = False


def belongs_to(mode: DeliveryMode) -> Belongings:
    """The delivery's mode and its further fields, as in the document."""
    match mode:
        case "stream":
            return Belongings(release=True)
        case "aggregate":
            return Belongings(group=True)
        case "on_request":
            return Belongings(needs=True)
        case "records":
            return Belongings()
        case _:
            assert_never(mode)


@dataclass(frozen=True, slots=True)
class PlanDelivery:
    """How a cell's items leave."""

    mode: DeliveryMode = field(metadata=known_as("delivery"))
    at_least: int | None = None
    """Aggregates: the smallest group that is shown, in people."""
    window: Period | None = None
    """Aggregates: the span one figure covers."""
    needs: str | None = None
    """On request: what has to be open (a case, an audit, an order)."""
    release: str = "live"
    """Streams: the window in which records gather, or ``live``."""


@dataclass(frozen=True, slots=True)
class PlanRetention:
    """How long a cell's items are kept."""

    at_most: Period
    trigger: str
    """The event ``at_most`` counts from."""
    cap: Period | None
    """An open event that never comes: counted from the reading, or from when a fact was
    last given or confirmed."""
    grain: Grain
    because: Bilingual
    """Why this period is needed."""
    at_least: Period | None = None
    """A statutory minimum from the same event: no other event ends a life before."""
    review_on: str | None = None
    """The day, as 2027-10-01, on which people look whether it is still needed."""

    @property
    def longest(self) -> Period | None:
        """The longest possible life: the cap of an open event, else ``at_most``.

        None: nothing ends it before the event comes.
        """
        if self.cap is not None:
            return self.cap
        return None if self.trigger in OPEN_TRIGGERS else self.at_most

    @property
    def after_event(self) -> Period | None:
        """How long after an open event (a contract's end) life ends early; None without one."""
        return self.at_most if self.trigger in OPEN_TRIGGERS else None


@dataclass(frozen=True, slots=True)
class PlanCell:
    """One cell for one recipient: which items, on which ground, how long."""

    id: str
    """``<purpose>/<recipient>/<category>``, with ``#n`` from the category's second line on."""
    purpose: str
    recipient: str
    recipient_class: RecipientClass
    category: str
    line: int = field(metadata=UNSEEN)
    """Which of the category's lines on the page it was made from; the first is 0."""
    delivery: PlanDelivery = field(metadata=PART)
    signals: tuple[str, ...]
    facts: tuple[str, ...]
    denials: tuple[Denial, ...]
    """Items the cell names and the recipient nevertheless does not get, and why."""
    precision: str | None
    basis: Basis
    retention: PlanRetention = field(metadata=PART)
    until: str | None
    """The day, as 2027-03-31, from which the recipient receives nothing of it."""
    cites: tuple[str, ...]
    where: Where
    treatment: Mapping[str, tuple[Operation, ...]] = field(default_factory=dict)
    """What becomes of each signal, by path."""
    time_floor_ms: int = 0
    """Zero if the cell holds facts alone."""
    countries: tuple[str, ...] = ()
    identity: str = "pseudonym"
    """What the items identify: ``pseudonym``, ``named`` (the person) or ``none``."""
    until_ms: int | None = None
    """When that day begins."""
    not_for: Mapping[str, tuple[Role, ...]] = field(default_factory=dict)
    """By item: the roles whose people a forbid keeps out of it."""
    on_withdrawal: OnWithdrawal | None = None
    """What a withdrawal does to what is of before it; None: the cell rests on no consent."""


@dataclass(frozen=True, slots=True)
class PlanForbid:
    """A forbid as compiled: it matches an item if everything it names matches."""

    id: str
    purpose: str | None
    """None: every purpose."""
    to: tuple[str, ...]
    categories: tuple[str, ...]
    signals: tuple[str, ...]
    join: tuple[str, ...]
    """Categories that the purpose's records are never joined with."""
    roles: tuple[Role, ...]
    """Only for people in these roles; empty: for everyone."""
    exempt: tuple[str, ...]
    """Purposes that a forbid of the whole company leaves out."""
    because: str
    cites: tuple[str, ...]
    where: Where


@dataclass(frozen=True, slots=True)
class PlanCombine:
    """Purposes that one session may hold together."""

    purposes: frozenset[str]
    because: str
    cites: tuple[str, ...]
    where: Where
