"""Everything a policy allows, as one flat table: what a difference is taken of.

Streamed signals come from the plan's outputs, all else (facts, aggregates, what is opened on
request) from its cells: forbids are subtracted in both.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from policy.compiled import CompiledPolicy
from policy.language.purpose_file import Cell
from policy.plan.cells import PlanCell, PlanDelivery
from policy.plan.plan import Plan
from policy.vocabulary.operation_words import format_operation
from policy.vocabulary.operations import Operation
from policy.vocabulary.terms import Basis, OnWithdrawal, Period, RecipientClass
from policy.vocabulary.words import Space
from telemetry.instants import Grain


@dataclass(frozen=True, slots=True)
class Grant:
    """One recipient may keep one signal or fact: treatment, period and ground."""

    purpose: str
    recipient: str
    recipient_class: RecipientClass
    category: str
    item: str
    """A signal's path, or a fact's name."""
    until: str | None
    """The day from which the recipient receives nothing."""
    period: Period | None
    """The longest life; None: nothing ends it before its event comes."""
    early: Period | None
    """How long after an event that ends a life early (a contract's end), if there is one."""
    trigger: str
    grain: Grain
    """The end of a life is floored to it."""
    basis: Basis
    time_floor_ms: int
    minimum: Period | None = None
    """No event ends a life before."""
    review_on: str | None = None
    unit: str = ""
    operations: tuple[Operation, ...] = ()
    space: Space | None = None
    """How fine place is if no operation defines it; None for a streamed signal."""
    worded: str = ""
    """Operations of a cell that is not streamed, as written."""
    delivery: str = ""
    """How it leaves if it is no stream: mode, group and need, in words."""
    at_least: int | None = None
    """The smallest group a figure shows, in people."""
    on_withdrawal: OnWithdrawal | None = None
    """None: it rests on no consent."""

    @property
    def span(self) -> str:
        """The longest life in words."""
        return f"until {self.trigger}" if self.period is None else str(self.period)

    @property
    def consents(self) -> tuple[str, ...]:
        """The notice whose consent it rests on, if it rests on one."""
        return (self.basis.notice,) if self.basis.kind.needs_consent else ()

    @property
    def treatment(self) -> str:
        """The operations in the document's words."""
        return ", ".join(format_operation(operation, self.unit) for operation in self.operations)


def grants_of(policy: CompiledPolicy) -> tuple[Grant, ...]:
    """Every grant, in the plan's order, then those of facts in the document's."""
    return (*_of_outputs(policy.plan), *_of_cells(policy))


def _of_outputs(plan: Plan) -> Iterator[Grant]:
    cells = {cell.id: cell for cell in plan.cells}
    for output in plan.outputs:
        for lane in output.lanes:
            for rule in lane.rules:
                yield replace(
                    _grant(cells[rule.cell], rule.signal, lane.time_floor_ms),
                    unit=plan.catalogue[rule.signal].unit,
                    operations=rule.operations,
                    grain=lane.grain,
                )


def _grant(cell: PlanCell, item: str, time_floor_ms: int) -> Grant:
    """What holds for an item of the cell, however it leaves."""
    return Grant(
        purpose=cell.purpose,
        recipient=cell.recipient,
        recipient_class=cell.recipient_class,
        category=cell.category,
        item=item,
        until=cell.until,
        period=cell.retention.longest,
        early=cell.retention.after_event,
        trigger=cell.retention.trigger,
        grain=cell.retention.grain,
        basis=cell.basis,
        minimum=cell.retention.at_least,
        review_on=cell.retention.review_on,
        time_floor_ms=time_floor_ms,
        on_withdrawal=cell.on_withdrawal,
    )


def _of_cells(policy: CompiledPolicy) -> Iterator[Grant]:
    precisions = policy.document.precisions.content.precisions
    for cell in policy.plan.cells:
        streams = cell.delivery.mode == "stream"
        written = policy.document.page(cell.purpose).cells[cell.category][cell.line]
        precision = precisions.get(cell.precision or "")
        for item in cell.facts if streams else (*cell.signals, *cell.facts):
            yield replace(
                _grant(cell, item, 0 if precision is None else precision.time),
                space=None if precision is None else precision.space,
                worded=_worded(written),
                delivery=_delivered(cell.delivery),
                at_least=cell.delivery.at_least,
            )


def _worded(cell: Cell) -> str:
    return "; ".join(
        f"{key}: {', '.join(spoken.words for spoken in operations)}"
        for key, operations in cell.do.items()
    )


def _delivered(how: PlanDelivery) -> str:
    window = "" if how.window is None else f" over {how.window}"
    needs = "" if how.needs is None else f", needs {how.needs}"
    return f"{how.mode}{window}{needs}"
