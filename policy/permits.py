"""From cells to permits: one per purpose, recipient, cell and signal, before any forbid."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from policy import categories, grounds, outside, retention, treatment
from policy.document import Document, Precision, Sheet
from policy.operations import Operation
from policy.page import Cell, Purpose, Recipient
from policy.plan import Basis, Period, Where
from policy.problems import Findings
from telemetry.instants import Grain
from telemetry.signals import Signal


@dataclass(frozen=True, slots=True)
class Permit:
    """One recipient may keep one signal so and so long, if no forbid says otherwise."""

    rule: str
    recipient: Recipient
    category: str
    signal: str
    operations: tuple[Operation, ...]
    basis: Basis
    cites: tuple[str, ...]
    period: Period
    trigger: str
    grain: Grain
    time_floor_ms: int
    where: Where


@dataclass(frozen=True, slots=True)
class Known:
    """What cells may refer to, and where findings go."""

    document: Document
    signals: Mapping[str, tuple[Signal, ...]]
    findings: Findings


def permits(known: Known, page: Sheet[Purpose]) -> Iterator[Permit]:
    """Every permit of a purpose, in the document's order."""
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
    precision = known.document.precisions.content.precisions.get(cell.precision)
    chosen = _signals(known, category, cell, where)
    basis = grounds.basis(known.document, page, cell, at, known.findings)
    period = retention.period(cell.keep, where("keep"), known.findings)
    grain = retention.grain(cell.keep, period, where("keep", "grain"), known.findings)
    if precision is None:
        remedy = f"write one of: {', '.join(known.document.precisions.content.precisions)}"
        known.findings.error(where("precision"), "unknown precision", cell.precision, remedy)
        return
    treated = _treated(known, cell, chosen, precision, where)
    for recipient in _recipients(known, page, cell, where):
        grounds.check_recipient(recipient, basis, where(), known.findings)
        outside.check(known.document, recipient, precision, chosen, treated, where, known.findings)
        for signal in chosen:
            rule = f"{page.content.purpose}/{recipient.id}/{category}/{signal.path}"
            yield Permit(
                f"{rule}#{index + 1}" if index else rule,
                recipient, category, signal.path, treated[signal.path], basis, cell.cites,
                period, cell.keep.trigger, grain, precision.time, where(),
            )  # fmt: skip


def _signals(
    known: Known, category: str, cell: Cell, where: Callable[..., Where]
) -> tuple[Signal, ...]:
    """The category's signals that the cell takes; a cell that takes none is said so."""
    signals = known.signals[category]
    content = known.document.categories.content.categories[category]
    if not signals:
        if content.facts or content.frames:
            remedy = "the cell releases nothing until facts and frames are carried"
            known.findings.warn(where(), "only signals are carried so far", category, remedy)
        elif not content.signals:
            remedy = f"add signals to {category} in categories.yaml"
            known.findings.error(where(), "the category has no signal", category, remedy)
        return ()
    for index, pattern in enumerate(cell.only):
        if not any(categories.matches(pattern, signal.path) for signal in signals):
            message = f"`only` names no signal of {category}"
            remedy = "write a path of the category, or a branch ending in .**"
            known.findings.error(where("only", index), message, pattern, remedy)
    if cell.only:
        signals = tuple(s for s in signals if categories.closest(cell.only, s.path) is not None)
    sheet = known.document.categories
    categories.refuse_identity(sheet, category, signals, known.findings)
    return signals


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
            remedy = 'write a path this cell takes, a branch ending in .**, or "*"'
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
