"""Everything a policy allows, as one flat table: what a difference is taken of.

Streamed signals come from the plan's outputs, all else (facts, aggregates, what is opened on
request) from its cells: forbids are subtracted in both.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from policy.compiled import CompiledPolicy
from policy.holdings import PlanCell
from policy.operation_words import say
from policy.operations import Operation
from policy.page import Cell, Purpose
from policy.terms import Basis, Period, RecipientClass
from policy.words import OPEN_TRIGGERS, Space
from telemetry.instants import Grain


@dataclass(frozen=True, slots=True)
class Grant:
    """One recipient may keep one signal or fact, so treated, so long, on this ground."""

    purpose: str
    recipient: str
    recipient_class: RecipientClass
    category: str
    item: str
    """A signal's path, or a fact's name."""
    unit: str
    operations: tuple[Operation, ...]
    space: Space | None
    """How fine place is where no operation says it; None for a streamed signal."""
    worded: str
    """Operations of a cell that is not streamed, as written."""
    delivery: str
    """How it leaves where it is no stream: mode, group and need, in words."""
    at_least: int | None
    """The smallest group a figure shows, in people."""
    until: str | None
    """The day from which the recipient receives nothing."""
    time_floor_ms: int
    period: Period
    early: Period | None
    """How long after an event that ends a life early (a contract's end), where there is one."""
    trigger: str
    grain: Grain
    """The end of a life is floored to it."""
    basis: Basis

    @property
    def treatment(self) -> str:
        """The operations in the document's words."""
        return ", ".join(say(operation, self.unit) for operation in self.operations)


def grants_of(policy: CompiledPolicy) -> tuple[Grant, ...]:
    """Every grant, in the plan's order, then those of facts in the document's."""
    return (*_of_outputs(policy), *_of_cells(policy))


def _of_outputs(policy: CompiledPolicy) -> Iterator[Grant]:
    plan, pages = policy.plan, policy.document.pages
    for output in plan.outputs:
        page = pages[output.purpose]
        until = {one.id: one.until for one in page.recipients}[output.recipient]
        for lane in output.lanes:
            for rule in lane.rules:
                keep = _cell(page, rule.id).keep
                yield Grant(
                    output.purpose, output.recipient, output.recipient_class, rule.category,
                    rule.signal, plan.catalogue[rule.signal].unit, rule.operations, None, "", "",
                    None, None if until is None else until.isoformat(), lane.time_floor_ms,
                    lane.period, keep.at_most if lane.trigger in OPEN_TRIGGERS else None,
                    lane.trigger, lane.grain, rule.basis,
                )  # fmt: skip


def _cell(page: Purpose, rule: str) -> Cell:
    """The cell that an id (``purpose/recipient/category…#n``) was made from."""
    head, _, number = rule.partition("#")
    return page.cells[head.split("/")[2]][int(number or 1) - 1]


def _of_cells(policy: CompiledPolicy) -> Iterator[Grant]:
    plan, document = policy.plan, policy.document
    pages = document.pages
    for cell in plan.cells:
        items = cell.facts if cell.delivery == "stream" else (*cell.signals, *cell.facts)
        written = _cell(pages[cell.purpose], cell.id)
        precision = document.precisions.content.precisions.get(cell.precision or "")
        for item in items:
            yield Grant(
                cell.purpose, cell.recipient, cell.recipient_class, cell.category, item, "", (),
                None if precision is None else precision.space, _worded(written),
                _delivered(cell), cell.at_least, cell.until,
                0 if precision is None else precision.time, cell.longest,
                cell.at_most if cell.trigger in OPEN_TRIGGERS else None, cell.trigger, cell.grain,
                cell.basis,
            )  # fmt: skip


def _worded(cell: Cell) -> str:
    return "; ".join(
        f"{key}: {', '.join(spoken.words for spoken in operations)}"
        for key, operations in cell.do.items()
    )


def _delivered(cell: PlanCell) -> str:
    window = "" if cell.window is None else f" over {cell.window}"
    needs = "" if cell.needs is None else f", needs {cell.needs}"
    return f"{cell.delivery}{window}{needs}"
