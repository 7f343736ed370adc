"""What a cell takes of its category: signals, and facts (which have no precision)."""

from dataclasses import dataclass
from typing import assert_never

from policy import categories
from policy.context import CompileContext, PlacedCell
from policy.holdings import DeliveryMode
from policy.page import Delivery
from telemetry.signals import Signal


@dataclass(frozen=True, slots=True)
class Taken:
    """The items of one cell, and how they leave."""

    signals: tuple[Signal, ...]
    facts: tuple[str, ...]
    delivery: Delivery

    @property
    def facts_mode(self) -> DeliveryMode:
        """Facts never stream: where readings do, facts are the office's records."""
        match self.delivery.mode:
            case "stream" | "records":
                return "records"
            case "aggregate" | "on_request":
                return self.delivery.mode
            case _:
                assert_never(self.delivery.mode)


def taken(context: CompileContext, placed: PlacedCell) -> Taken:
    """The category's items that the cell takes; a cell that takes none is reported as an error."""
    category, cell, findings = placed.category, placed.cell, context.findings
    sheet = context.document.categories
    content = sheet.content.categories[category]
    signals, facts = context.signals[category], tuple(content.facts)
    if not (signals or facts or content.frames or content.signals):
        remedy = f"add signals or facts to {category} in categories.yaml"
        message = "the category has no signal and no fact"
        findings.error(placed.where(), message, category, remedy)
    if content.frames:
        remedy = "the cell releases none of them"
        message = f"raw frames of {category} are not carried yet"
        findings.warn(placed.where(), message, ", ".join(content.frames), remedy)
    if cell.only:
        for index, name in enumerate(cell.only):
            hit = name in facts or any(categories.matches(name, s.path) for s in signals)
            if (signals or facts) and not hit:
                message = f"`only` names no signal of {category}"
                remedy = "write a path of the category, a branch ending in .**, or a fact"
                findings.error(placed.where("only", index), message, name, remedy)
        signals = tuple(s for s in signals if categories.closest(cell.only, s.path) is not None)
        facts = tuple(fact for fact in facts if fact in cell.only)
    categories.refuse_identity(sheet, category, signals, findings)
    return Taken(signals, facts, placed.delivery)
