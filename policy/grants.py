"""Everything a policy allows, as one flat table: what a difference is taken of.

Signals come from the plan, so that forbids are already subtracted; facts (a name, a plate)
are not carried by the plan and come from the document's cells.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from policy.document import Document
from policy.fields import Forbid
from policy.operation_words import say
from policy.operations import Operation
from policy.page import Cell, Purpose, Recipient
from policy.plan import Basis, BasisKind, Period, Plan, RecipientClass
from policy.words import OPEN_TRIGGERS


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
    precision: str
    """Of a fact, which has no operations that say how fine it is; empty for a signal."""
    time_floor_ms: int
    period: Period
    early: Period | None
    """How long after an event that ends a life early (a contract's end), where there is one."""
    trigger: str
    basis: Basis

    @property
    def treatment(self) -> str:
        """The operations in the document's words."""
        return ", ".join(say(operation, self.unit) for operation in self.operations)


def grants_of(plan: Plan, document: Document) -> tuple[Grant, ...]:
    """Every grant, in the plan's order, then those of facts in the document's."""
    return (*_of_signals(plan, document), *_of_facts(document))


def _of_signals(plan: Plan, document: Document) -> Iterator[Grant]:
    pages = {page.content.purpose: page.content for page in document.purposes}
    for output in plan.outputs:
        for lane in output.lanes:
            for rule in lane.rules:
                keep = _cell(pages[output.purpose], rule.id).keep
                yield Grant(
                    output.purpose, output.recipient, output.recipient_class, rule.category,
                    rule.signal, plan.catalogue[rule.signal].unit, rule.operations, "",
                    lane.time_floor_ms, lane.period,
                    keep.at_most if lane.trigger in OPEN_TRIGGERS else None, lane.trigger,
                    rule.basis,
                )  # fmt: skip


def _cell(page: Purpose, rule: str) -> Cell:
    """The cell a rule id (``purpose/recipient/category/signal#n``) was made from."""
    head, _, number = rule.partition("#")
    return page.cells[head.split("/")[2]][int(number or 1) - 1]


def _of_facts(document: Document) -> Iterator[Grant]:
    for sheet in document.purposes:
        page = sheet.content
        for category, cells in page.cells.items():
            known = document.categories.content.categories.get(category)
            for cell in cells if known is not None and known.facts else ():
                for recipient in page.recipients:
                    if cell.to and recipient.id not in cell.to:
                        continue
                    if not _forbidden(document, page, recipient, category):
                        yield from _facts(document, page, recipient, category, cell)


def _facts(
    document: Document, page: Purpose, recipient: Recipient, category: str, cell: Cell
) -> Iterator[Grant]:
    precision = document.precisions.content.precisions.get(cell.precision)
    ground = cell.basis or page.basis
    keep = cell.keep
    is_open = keep.trigger in OPEN_TRIGGERS
    for fact in document.categories.content.categories[category].facts:
        if cell.only and fact not in cell.only:
            continue
        yield Grant(
            page.purpose, recipient.id, recipient.recipient_class, category, fact, "", (),
            cell.precision, 0 if precision is None else precision.time,
            (keep.cap or keep.at_most) if is_open else keep.at_most,
            keep.at_most if is_open else None, keep.trigger,
            Basis(BasisKind(ground.kind), ground.notice),
        )  # fmt: skip


def _forbidden(document: Document, page: Purpose, recipient: Recipient, category: str) -> bool:
    def hits(forbid: Forbid) -> bool:
        named = recipient.id in forbid.to or recipient.recipient_class in forbid.to
        return (
            not forbid.signal
            and (not forbid.to or named)
            and (not forbid.category or category in forbid.category)
        )

    return any(hits(forbid) for forbid in (*document.policy.content.forbids, *page.forbids))
