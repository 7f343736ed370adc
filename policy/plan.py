"""The compiled policy: frozen tables, default deny. What is not in them is withheld.

An *output* is one (purpose, recipient) with its topic. Its *lanes* are retention
classes: cells of equal period, grain and time floor, which leave as one record each,
because one record has one expiry and one time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from policy.operations import Operation
from telemetry.control import ConsentKind
from telemetry.instants import Grain
from telemetry.outcome import Withheld
from telemetry.signals import Catalogue

PeriodUnit = Literal["minutes", "hours", "days", "months", "years"]


@dataclass(frozen=True, slots=True)
class Where:
    """A place in the document: file name, line and column, both from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Period:
    """A maximum: ``count`` calendar ``unit``s after the earlier of reading and reception."""

    count: int
    unit: PeriodUnit

    def __str__(self) -> str:
        return f"{self.count} {self.unit}"


class BasisKind(StrEnum):
    """The legal ground of a cell. The last three need a consent of the subject."""

    PUBLISHED = "published"
    EXPLICIT = "explicit"
    STATUTE = "statute"
    LOCATION = "location"
    OPT_IN = "opt_in"
    THIRD_PARTY = "third_party"


@dataclass(frozen=True, slots=True)
class Basis:
    """The ground and the notice (id@version) under which people were told."""

    kind: BasisKind
    notice: str

    @property
    def consent(self) -> ConsentKind | None:
        """The kind of consent the subject must have given, or None where none is needed."""
        match self.kind:
            case BasisKind.LOCATION:
                return "location"
            case BasisKind.OPT_IN:
                return "opt_in"
            case BasisKind.THIRD_PARTY:
                return "third_party"
            case _:
                return None


@dataclass(frozen=True, slots=True)
class Rule:
    """One permit: this output may keep this signal, treated so, on this ground."""

    id: str
    """``<purpose>/<recipient>/<category>/<signal>``."""
    signal: str
    category: str
    operations: tuple[Operation, ...]
    """Applied in order; thinning first where there is any."""
    basis: Basis
    cites: tuple[str, ...]
    where: Where


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a signal some purpose needs does not reach this output, and which rule says so."""

    signal: str
    reason: Withheld
    """FORBIDDEN, DROPPED or UNSUPPORTED; a signal in no rule and no denial is NOT_IN_PURPOSE."""
    rule: str
    cites: tuple[str, ...]
    where: Where


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


@dataclass(frozen=True, slots=True)
class Epoch:
    """How long a pseudonym stays the same: calendar ``months``, or ``days``; one is zero."""

    months: int
    days: int = 0

    def __str__(self) -> str:
        return f"{self.months} months" if self.months else f"{self.days} days"


@dataclass(frozen=True, slots=True)
class Transport:
    """The topic's own deletion settings, in milliseconds, and the bound they give.

    A byte lives at most ``bound_ms`` = retention + segment + check interval + delete
    delay (engine: Apache Kafka 4.3.1, LogAppendTime).
    """

    retention_ms: int
    segment_ms: int
    bound_ms: int


RecipientClass = Literal[
    "subject", "internal", "processor", "joint_user", "third_party", "successor", "authority",
    "consumer_reporting",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Output:
    """What one recipient may know for one purpose."""

    id: str
    """``<purpose>`` where the purpose has one recipient, else ``<purpose>.<recipient>``."""
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

    @property
    def policy_version(self) -> str:
        """What records carry: document version and the digest's first 12 characters."""
        return f"{self.version}-{self.digest[:12]}"

    def output(self, output_id: str) -> Output:
        """The output of this id; KeyError naming the known ones."""
        for output in self.outputs:
            if output.id == output_id:
                return output
        known = ", ".join(output.id for output in self.outputs)
        msg = f"no output {output_id!r}; the policy has: {known}"
        raise KeyError(msg)
