"""The compiled policy: frozen tables, default deny. What is not in them is withheld.

An *output* is one (purpose, recipient) with its topic. Its *lanes* are retention
classes: cells of equal period, grain and time floor, which leave as one record each,
because one record has one expiry and one time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from policy.plan.cells import PlanCell, PlanCombine, PlanForbid
from policy.plan.digest import UNSEEN
from policy.plan.limits import LATE_MS
from policy.vocabulary.operations import Operation
from policy.vocabulary.terms import Basis, Denial, Epoch, Period, RecipientClass, Where
from telemetry.instants import Grain
from telemetry.signals import Catalogue
from telemetry.wire.control import Role


@dataclass(frozen=True, slots=True)
class Rule:
    """One permit: this output may keep this signal, treated so, on this ground."""

    id: str
    """``<purpose>/<recipient>/<category>/<signal>``."""
    signal: str
    category: str
    operations: tuple[Operation, ...]
    """Applied in order; thinning first if there is any."""
    basis: Basis
    cites: tuple[str, ...]
    where: Where
    not_for: tuple[Role, ...] = ()
    """Roles for which a forbid beats this permit: their people's readings are ``forbidden``."""
    cell: str = field(default="", metadata=UNSEEN)
    """Id of the cell it was made from, if the plan has its cells."""
    until_ms: int | None = None
    """From this instant on nothing is passed; what was passed before keeps its end."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A retention class of an output: one record, one expiry, one floor of time."""

    name: str
    """Unique in the output, as ``30-days.1s``; enters ``ce_id``."""
    period: Period
    trigger: str
    """The trigger the document names; life always starts at min(event, received)."""
    grain: Grain
    """The expiry is floored to it; at most period/24, possibly finer by settings."""
    time_floor_ms: int
    rules: tuple[Rule, ...]
    at_least: Period | None = None
    """No event, not even a version that closes it, ends a life before, counted from the reading."""


@dataclass(frozen=True, slots=True)
class Transport:
    """The topic's own deletion settings, in milliseconds, and the bound they give.

    A byte lives at most ``bound_ms``, as ``policy.plan.bounds`` has it.
    """

    retention_ms: int
    segment_ms: int
    bound_ms: int


@dataclass(frozen=True, slots=True)
class Output:
    """What one recipient may know for one purpose."""

    id: str
    """``<purpose>`` if the purpose has one recipient, else ``<purpose>.<recipient>``."""
    purpose: str
    recipient: str
    recipient_class: RecipientClass
    topic: str
    """``purpose.<id>``."""
    transport: Transport
    epoch: Epoch
    lanes: tuple[Lane, ...]
    denials: tuple[Denial, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole compiled policy. Same document, catalogue and limits: same digest."""

    policy: str
    version: int
    effective_ms: int
    digest: str
    """SHA-256, hexadecimal, over the tables below."""
    catalogue: Catalogue
    outputs: tuple[Output, ...]
    collected: frozenset[str]
    """Signals some output keeps; every other known one is ``not_collected``."""
    precisions: Mapping[str, str]
    """Precision id to one line of words, for explain and the data dictionary."""
    titles: Mapping[str, str]
    """English titles of purposes, by id."""
    raw: Transport
    """Deletion settings of ``telemetry.raw``."""
    ledger: Transport
    """Deletion settings of ``audit.flow``."""
    closed: tuple[Output, ...] = ()
    """Recipients to whom everything is denied, kept for explain: no lane and no topic."""
    cells: tuple[PlanCell, ...] = ()
    """Every cell and recipient of the document, streams and all others: who holds what, how long.

    Topics are made from ``outputs`` alone; what is only here never enters one.
    """
    facts: Mapping[str, str] = field(default_factory=dict)
    """Category of every fact (what people state about themselves), by name."""
    forbids: tuple[PlanForbid, ...] = ()
    """Every forbid, also those no permit meets."""
    combines: tuple[PlanCombine, ...] = ()
    """Purposes one session may hold together; all others are apart."""
    sources: tuple[str, ...] = ()
    """The sources from which data is admitted; others are outside this policy."""
    services: tuple[str, ...] = ()
    """The services whose devices' data is admitted."""
    unstated_source: str | None = None
    """The source that an envelope counts as that names none; None: it is not admitted."""
    unstated_service: str | None = None
    """The service that a device counts as that was registered without one, likewise."""

    late_ms: int = LATE_MS
    """For how long of append time, beyond its own length, a rule over time remembers readings."""
    suspended: frozenset[str] = frozenset()
    """Purposes for which nothing new is taken in. Their outputs stay, for what lies there."""

    def takes_source(self, source: str | None) -> bool:
        """Whether an envelope that names this source, or None, is within the policy's scope."""
        return (self.unstated_source if source is None else source) in self.sources

    def takes_service(self, service: str | None) -> bool:
        """Whether a device registered as this service, or as None, is within it."""
        return (self.unstated_service if service is None else service) in self.services

    @property
    def policy_version(self) -> str:
        """What records carry: document version and the digest's first 12 characters."""
        return f"{self.version}-{self.digest[:12]}"

    def cell(self, cell_id: str) -> PlanCell | None:
        """The cell of this id; None in a plan without its document."""
        return next((cell for cell in self.cells if cell.id == cell_id), None)

    def cells_of(self, purpose: str, recipient: str | None) -> tuple[PlanCell, ...]:
        """The cells of one recipient for one purpose, in the document's order."""
        who = purpose, recipient
        return tuple(cell for cell in self.cells if (cell.purpose, cell.recipient) == who)

    def output(self, output_id: str) -> Output:
        """The output of this id; KeyError naming the known ones."""
        for output in self.outputs:
            if output.id == output_id:
                return output
        known = ", ".join(output.id for output in self.outputs)
        msg = f"no output {output_id!r}; the policy has: {known}"
        raise KeyError(msg)
