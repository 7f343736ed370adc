"""What a cell takes of its category: signals, and facts (which have no precision)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from policy import categories
from policy.document import Document, Sheet
from policy.holdings import DeliveryMode
from policy.page import Cell, Delivery, Purpose
from policy.problems import Findings
from policy.terms import Where
from telemetry.signals import Signal


@dataclass(frozen=True, slots=True)
class Known:
    """What cells may refer to, and where findings go."""

    document: Document
    signals: Mapping[str, tuple[Signal, ...]]
    findings: Findings


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


def taken(
    known: Known, page: Sheet[Purpose], category: str, cell: Cell, where: Callable[..., Where]
) -> Taken:
    """The category's items that the cell takes; a cell that takes none is said so."""
    content = known.document.categories.content.categories[category]
    signals, facts = known.signals[category], tuple(content.facts)
    if not signals and not facts:
        _nothing(known, category, bool(content.frames), where)
    if content.frames:
        remedy = "the cell releases none of them"
        message = f"raw frames of {category} are not carried yet"
        known.findings.warn(where(), message, ", ".join(content.frames), remedy)
    if cell.only:
        for index, name in enumerate(cell.only):
            hit = name in facts or any(categories.matches(name, s.path) for s in signals)
            if (signals or facts) and not hit:
                message = f"`only` names no signal of {category}"
                remedy = "write a path of the category, a branch ending in .**, or a fact"
                known.findings.error(where("only", index), message, name, remedy)
        signals = tuple(s for s in signals if categories.closest(cell.only, s.path) is not None)
        facts = tuple(fact for fact in facts if fact in cell.only)
    sheet = known.document.categories
    categories.refuse_identity(sheet, category, signals, known.findings)
    return Taken(signals, facts, cell.delivery or page.content.delivery)


def _nothing(known: Known, category: str, frames: bool, where: Callable[..., Where]) -> None:  # noqa: FBT001  # one fact about the category
    if not frames and not known.document.categories.content.categories[category].signals:
        remedy = f"add signals or facts to {category} in categories.yaml"
        known.findings.error(where(), "the category has no signal and no fact", category, remedy)
