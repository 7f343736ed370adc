"""A question to the plan, and the parts of its answer."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, assert_never

from policy.plan.cells import PlanCell
from policy.vocabulary.operation_words import format_operation
from policy.vocabulary.operations import Operation
from policy.vocabulary.terms import DeliveryMode, Period, Where
from telemetry.outcome import Rejected, Withheld
from telemetry.wire.control import Role


class Consent(StrEnum):
    """The subject's answer to the notice that a rule rests on."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    NONE = "none"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Question:
    """Which signal or fact, for what and whom, under which consent, measured and asked when."""

    signal: str
    """A path of the catalogue, or the name of a fact."""
    purpose: str
    recipient: str | None
    """May be None if the purpose has one recipient."""
    consent: Consent
    event_ms: int
    """When it was measured; for a fact: when the event came that its period counts from."""
    now_ms: int
    role: Role | None = None
    """What the person is to the vehicle; None: a role that no forbid names."""


@dataclass(frozen=True, slots=True)
class Applied:
    """One rule that was asked, and its answer: None delivers."""

    rule: str
    reason: Withheld | None
    authorities: tuple[str, ...]
    where: Where
    basis: str = ""
    notice: str = ""
    lane: str = ""
    period: Period | None = None
    """The longest life: of a reading the cap, if its trigger is open."""
    cell: PlanCell | None = None
    """The cell the rule was made from."""
    trigger: str = ""
    expires_at: str = ""
    time_floor_ms: int = 0
    operations: tuple[Operation, ...] = ()
    unit: str = ""
    delivery: DeliveryMode = "stream"
    not_for: tuple[Role, ...] = ()
    """Roles whose people it never opens to."""

    @property
    def at_least(self) -> Period | None:
        """Before it has passed, no event ends the life."""
        return None if self.cell is None else self.cell.retention.at_least

    @property
    def opened(self) -> Literal["deliver", "on_request"]:
        """What the rule answers if nothing withholds."""
        match self.delivery:
            case "on_request":
                return "on_request"
            case "stream" | "records" | "aggregate":
                return "deliver"
            case _:
                assert_never(self.delivery)

    @property
    def treatment(self) -> tuple[str, ...]:
        """The operations in the document's words."""
        return tuple(format_operation(operation, self.unit) for operation in self.operations)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision, the rules that made it, and what would change it."""

    question: Question
    decision: str
    """``deliver``, ``on_request`` (only within what it needs), ``withhold`` or ``reject``."""
    reason: Withheld | Rejected | None
    output: str | None
    rules: tuple[Applied, ...] = ()
    alternatives: tuple[str, ...] = ()
