"""From cells to permits: one per purpose, recipient, cell and item, before any forbid."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from policy.compiler import delivery, legal_basis, position_bound, promises, treatment
from policy.compiler.context import CompileContext, PlacedCell
from policy.compiler.items import Selected, select
from policy.language.category_files import Precision
from policy.language.document import Sheet
from policy.language.purpose_file import Purpose, Recipient
from policy.vocabulary import patterns
from policy.vocabulary.nearest import write_nearest
from policy.vocabulary.operations import Keep, Operation
from policy.vocabulary.terms import Basis, DeliveryMode, Denial, OnWithdrawal, Period, Where
from telemetry.instants import Grain
from telemetry.signals import Signal
from telemetry.wire.control import Role


@dataclass(frozen=True, slots=True)
class Permit:
    """One recipient may keep one item for a period, if no forbid applies."""

    rule: str
    cell_id: str
    placed: PlacedCell
    recipient: Recipient
    signal: str
    """A signal's path, or a fact's name."""
    is_fact: bool
    mode: DeliveryMode
    operations: tuple[Operation, ...]
    basis: Basis
    cites: tuple[str, ...]
    period: Period
    """The longest life: the cap, if there is one. What is no reading may outlive it: it is kept
    until its event comes."""
    at_least: Period | None
    trigger: str
    grain: Grain
    time_floor_ms: int
    where: Where
    until: date | None = None
    """The first day on which nothing is passed any more."""
    until_ms: int | None = None
    """When that day begins."""
    on_withdrawal: OnWithdrawal | None = None
    """What a withdrawal does to what is of before it; None: it rests on no consent."""
    not_for: tuple[Role, ...] = ()
    """Roles that a forbid keeps out of it; given by ``forbids.decided``."""
    denial: Denial | None = None
    """Why no person's data has it, whatever their role; given by ``forbids.decided``."""


def permits(context: CompileContext, page: Sheet[Purpose]) -> Iterator[Permit]:
    """Every permit of a purpose, in the document's order."""
    delivery.check_page(page, context.findings)
    for category, cells in page.content.cells.items():
        if category not in context.signals:
            remedy = f"write one of: {', '.join(context.signals)}"
            where = page.where("cells", category)
            context.findings.error(where, "the cell names an unknown category", category, remedy)
            continue
        for index, cell in enumerate(cells):
            yield from _of_cell(context, PlacedCell(page, category, index, cell))


def _of_cell(context: CompileContext, placed: PlacedCell) -> Iterator[Permit]:
    cell, findings, policy = placed.cell, context.findings, context.document.policy.content
    items = select(context, placed)
    delivery.check_cell(context, placed, items)
    precision = _precision(context, placed, items)
    basis = legal_basis.basis(context, placed)
    on_withdrawal = legal_basis.on_withdrawal(placed, basis, findings)
    readings = bool(items.signals)
    if cell.until is not None and cell.until <= context.document.policy.content.effective:
        remedy = "remove the cell, or date its `until` later"
        message = "the cell passes nothing: it ends before the policy begins"
        findings.warn(placed.where("until"), message, cell.until, remedy)
    period = promises.promised_period(cell.keep, placed.where("keep"), findings, readings=readings)
    grain = promises.grain(cell.keep, period, placed.where("keep", "grain"), findings)
    dated = promises.Dated(grain, 0 if precision is None else precision.time, readings=readings)
    promises.check_minimum(cell.keep, dated, placed.where("keep", "at_least"), findings)
    if precision is None and items.signals:
        return
    treated = {} if precision is None else _treated(context, placed, items.signals, precision)
    for recipient in _recipients(context, placed):
        if items.delivery.mode != "aggregate":
            legal_basis.check_recipient(recipient, basis, placed.where(), findings)
        if precision is not None:
            position_bound.check_positions(
                context, placed, recipient, precision, items.signals, treated
            )
        cell_id = f"{placed.purpose}/{recipient.id}/{placed.category}"
        suffix = f"#{placed.line + 1}" if placed.line else ""
        until = placed.until(recipient)
        for name, is_fact in [(s.path, False) for s in items.signals] + [
            (fact, True) for fact in items.facts
        ]:
            yield Permit(
                rule=f"{cell_id}/{name}{suffix}",
                cell_id=cell_id + suffix,
                placed=placed,
                recipient=recipient,
                signal=name,
                is_fact=is_fact,
                mode=items.facts_mode if is_fact else items.delivery.mode,
                operations=(Keep(),) if is_fact else treated[name],
                basis=basis,
                cites=cell.cites,
                period=period,
                at_least=cell.keep.at_least,
                trigger=cell.keep.trigger,
                grain=grain,
                time_floor_ms=0 if is_fact or precision is None else precision.time,
                where=placed.where(),
                until=until,
                until_ms=None if until is None else policy.day_start_ms(until),
                on_withdrawal=on_withdrawal,
            )


def _precision(context: CompileContext, placed: PlacedCell, items: Selected) -> Precision | None:
    """The precision a cell of readings needs; None for facts, and if it is wrong."""
    written, findings = placed.cell.precision, context.findings
    names = context.document.precisions.content.precisions
    choice = f"write one of: {', '.join(names)}"
    if written and written not in names:
        findings.error(placed.where("precision"), "unknown precision", written, choice)
    elif not written and items.signals:
        findings.error(placed.where(), "`precision` is missing", "", f"add `precision`; {choice}")
    elif written and not items.signals and items.facts:
        message = "a precision changes nothing here: the cell holds facts alone"
        remedy = "remove the line; a coarser fact has a name of its own (`vehicle_class`)"
        findings.warn(placed.where("precision"), message, written, remedy)
    return names.get(written)


def _treated(
    context: CompileContext, placed: PlacedCell, chosen: tuple[Signal, ...], precision: Precision
) -> dict[str, tuple[Operation, ...]]:
    findings = context.findings
    for key in placed.cell.do:
        if (
            chosen
            and key != treatment.EVERY
            and not any(patterns.matches(key, s.path) for s in chosen)
        ):
            otherwise = 'a path this cell takes, a branch ending in .**, or "*"'
            remedy = write_nearest(key, [s.path for s in chosen], otherwise)
            findings.error(placed.where("do", key), "`do` names no signal here", key, remedy)
    treated = {
        signal.path: treatment.operations(placed, signal, precision.space, findings)
        for signal in chosen
    }
    treatment.check_pair(treated, placed.where(), findings)
    return treated


def _recipients(context: CompileContext, placed: PlacedCell) -> Iterator[Recipient]:
    ids = {recipient.id: recipient for recipient in placed.page.content.recipients}
    to = placed.cell.to
    for index, name in enumerate(to):
        if name not in ids:
            remedy = f"write one of: {', '.join(ids)}"
            where = placed.where("to", index)
            context.findings.error(where, "unknown recipient", name, remedy)
    for recipient in ids.values():
        if not to or recipient.id in to:
            yield recipient
