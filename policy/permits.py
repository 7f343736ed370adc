"""From cells to permits: one per purpose, recipient, cell and item, before any forbid."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from policy import categories, deliveries, grounds, outside, retention, treatment
from policy.document import Precision, Sheet
from policy.holdings import DeliveryMode
from policy.nearest import write_nearest
from policy.operations import Keep, Operation
from policy.page import Cell, Purpose, Recipient
from policy.taking import Known, Taken, taken
from policy.terms import Basis, Period, Where
from telemetry.control import Role
from telemetry.instants import Grain
from telemetry.signals import Signal


@dataclass(frozen=True, slots=True)
class Permit:
    """One recipient may keep one item so and so long, if no forbid says otherwise."""

    rule: str
    cell_id: str
    line: int
    """Which of the category's lines the cell is; the first is 0."""
    cell: Cell
    recipient: Recipient
    category: str
    signal: str
    """A signal's path, or a fact's name."""
    is_fact: bool
    mode: DeliveryMode
    operations: tuple[Operation, ...]
    basis: Basis
    cites: tuple[str, ...]
    period: Period
    """The longest life: the cap where the trigger is open."""
    trigger: str
    grain: Grain
    time_floor_ms: int
    where: Where
    not_for: tuple[Role, ...] = ()
    """Roles that a forbid keeps out of it; told by ``forbids.with_roles``."""


def permits(known: Known, page: Sheet[Purpose]) -> Iterator[Permit]:
    """Every permit of a purpose, in the document's order."""
    deliveries.check_page(page, known.findings)
    for category, cells in page.content.cells.items():
        if category not in known.signals:
            remedy = f"write one of: {', '.join(known.signals)}"
            where = page.where("cells", category)
            known.findings.error(where, "the cell names an unknown category", category, remedy)
            continue
        for index, cell in enumerate(cells):
            yield from _of_cell(known, page, category, index, cell)


def _of_cell(
    known: Known, page: Sheet[Purpose], category: str, index: int, cell: Cell
) -> Iterator[Permit]:
    at = ("cells", category, index)
    where: Callable[..., Where] = partial(page.where, *at)
    items = taken(known, page, category, cell, where)
    deliveries.check_cell(known.document, page, category, cell, items, where, known.findings)
    precision = _precision(known, cell, items, where)
    basis = grounds.basis(known.document, page, cell, at, known.findings)
    period = retention.period(cell.keep, where("keep"), known.findings)
    grain = retention.grain(cell.keep, period, where("keep", "grain"), known.findings)
    if precision is None and items.signals:
        return
    treated = {} if precision is None else _treated(known, cell, items.signals, precision, where)
    for recipient in _recipients(known, page, cell, where):
        if items.delivery.mode != "aggregate":
            grounds.check_recipient(recipient, basis, where(), known.findings)
        if precision is not None:
            outside.check(
                known.document, recipient, precision, items.signals, treated, where, known.findings
            )
        cell_id = f"{page.content.purpose}/{recipient.id}/{category}"
        suffix = f"#{index + 1}" if index else ""
        for name, is_fact in [(s.path, False) for s in items.signals] + [
            (fact, True) for fact in items.facts
        ]:
            yield Permit(
                rule=f"{cell_id}/{name}{suffix}",
                cell_id=cell_id + suffix,
                line=index,
                cell=cell,
                recipient=recipient,
                category=category,
                signal=name,
                is_fact=is_fact,
                mode=items.facts_mode if is_fact else items.delivery.mode,
                operations=(Keep(),) if is_fact else treated[name],
                basis=basis,
                cites=cell.cites,
                period=period,
                trigger=cell.keep.trigger,
                grain=grain,
                time_floor_ms=0 if is_fact or precision is None else precision.time,
                where=where(),
            )


def _precision(
    known: Known, cell: Cell, items: Taken, where: Callable[..., Where]
) -> Precision | None:
    """The precision a cell of readings needs; None for facts, and where it is wrong."""
    names = known.document.precisions.content.precisions
    choice = f"write one of: {', '.join(names)}"
    if cell.precision and cell.precision not in names:
        known.findings.error(where("precision"), "unknown precision", cell.precision, choice)
    elif not cell.precision and items.signals:
        known.findings.error(where(), "`precision` is missing", "", f"add `precision`; {choice}")
    elif cell.precision and not items.signals and items.facts:
        message = "a precision changes nothing here: the cell holds facts alone"
        remedy = "remove the line; a coarser fact has a name of its own (`vehicle_class`)"
        known.findings.warn(where("precision"), message, cell.precision, remedy)
    return names.get(cell.precision)


def _treated(
    known: Known, cell: Cell, chosen: tuple[Signal, ...], precision: Precision,
    where: Callable[..., Where],
) -> dict[str, tuple[Operation, ...]]:  # fmt: skip
    for key in cell.do:
        if (
            chosen
            and key != treatment.EVERY
            and not any(categories.matches(key, s.path) for s in chosen)
        ):
            otherwise = 'a path this cell takes, a branch ending in .**, or "*"'
            remedy = write_nearest(key, [s.path for s in chosen], otherwise)
            known.findings.error(where("do", key), "`do` names no signal here", key, remedy)
    treated = {
        signal.path: treatment.operations(cell, signal, precision.space, where, known.findings)
        for signal in chosen
    }
    treatment.check_pair(treated, where(), known.findings)
    return treated


def _recipients(
    known: Known, page: Sheet[Purpose], cell: Cell, where: Callable[..., Where]
) -> Iterator[Recipient]:
    ids = {recipient.id: recipient for recipient in page.content.recipients}
    for index, name in enumerate(cell.to):
        if name not in ids:
            remedy = f"write one of: {', '.join(ids)}"
            known.findings.error(where("to", index), "unknown recipient", name, remedy)
    for recipient in ids.values():
        if not cell.to or recipient.id in cell.to:
            yield recipient
