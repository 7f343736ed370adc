"""The terms a plan is written in: places, periods, grounds, denials, classes of recipients."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, assert_never

from telemetry.outcome import Withheld
from telemetry.wire.control import ConsentKind

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


OnWithdrawal = Literal["keep_before", "erase"]
"""What a withdrawal does to what rests on that consent and is of before it. What is of its instant
or later goes in any case."""


class BasisKind(StrEnum):
    """The legal ground of a cell. Each of the last three is a kind of consent."""

    PUBLISHED = "published"
    EXPLICIT = "explicit"
    STATUTE = "statute"
    LOCATION = "location"
    OPT_IN = "opt_in"
    THIRD_PARTY = "third_party"

    @property
    def consent(self) -> ConsentKind | None:
        """The kind of consent the subject must have given, or None if none is needed."""
        match self:
            case BasisKind.PUBLISHED | BasisKind.EXPLICIT | BasisKind.STATUTE:
                return None
            case BasisKind.LOCATION:
                return "location"
            case BasisKind.OPT_IN:
                return "opt_in"
            case BasisKind.THIRD_PARTY:
                return "third_party"
            case _:
                assert_never(self)

    @property
    def needs_consent(self) -> bool:
        """Whether nothing is kept on this ground unless the subject consented."""
        return self.consent is not None


@dataclass(frozen=True, slots=True)
class Basis:
    """The ground and the notice (id@version) that informed people of it."""

    kind: BasisKind
    notice: str

    @property
    def consent(self) -> ConsentKind | None:
        """The kind of consent the subject must have given, or None if none is needed."""
        return self.kind.consent


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a signal some purpose needs does not reach this output, and the rule behind that."""

    signal: str
    reason: Withheld
    """FORBIDDEN, DROPPED or UNSUPPORTED; a signal in no rule and no denial is NOT_IN_PURPOSE."""
    rule: str
    cites: tuple[str, ...]
    where: Where


@dataclass(frozen=True, slots=True)
class Epoch:
    """How long a pseudonym stays the same: calendar ``months``, or ``days``; one is zero."""

    months: int
    days: int = 0

    def __str__(self) -> str:
        return f"{self.months} months" if self.months else f"{self.days} days"


class DocumentPart(StrEnum):
    """What a clause may name beside purposes: parts of the document that hold for all of them."""

    SCOPE = "scope"
    PROFILES = "profiles"
    RAW = "raw"
    LEDGER = "ledger"
    TRANSPORT = "transport"
    OUTSIDE = "outside"
    ANALYTICS = "analytics"
    JOINT_USE = "joint_use"
    COMBINE = "combine"
    FORBIDS = "forbids"
    APPROVALS = "approvals"
    CONTROLLER = "controller"
    NOTICES = "notices"
    CATEGORIES = "categories"
    PRECISION = "precision"


RecipientClass = Literal[
    "subject",
    "internal",
    "processor",
    "joint_user",
    "third_party",
    "successor",
    "authority",
    "consumer_reporting",
]


def is_outside(recipient_class: RecipientClass) -> bool:
    """Whether what these recipients get leaves the company, so that a country can be abroad."""
    match recipient_class:
        case "subject" | "internal":
            return False
        case "processor" | "joint_user" | "third_party" | "successor" | "authority":
            return True
        case "consumer_reporting":
            # Nothing reaches this class at all (forbids.DENIED_CLASS).
            return False
        case _:
            assert_never(recipient_class)


DeliveryMode = Literal["stream", "aggregate", "on_request", "records"]
"""``stream``: a topic. ``aggregate``: only counts of groups. ``on_request``: only within a
case that opens it. ``records``: the office's own records, shown to the recipient."""
