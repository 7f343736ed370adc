"""What a cell selects of its category: signals, and facts (which have no precision)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import assert_never

from policy.compiler.context import CompileContext, PlacedCell
from policy.language.category_files import Categories
from policy.language.document import Sheet
from policy.language.problems import Findings
from policy.language.purpose_file import Delivery
from policy.vocabulary import patterns
from policy.vocabulary.nearest import write_nearest
from policy.vocabulary.patterns import closest
from policy.vocabulary.terms import DeliveryMode
from telemetry.signals import Catalogue, Kind, Signal


@dataclass(frozen=True, slots=True)
class Selected:
    """The items of one cell, and how they leave."""

    signals: tuple[Signal, ...]
    facts: tuple[str, ...]
    delivery: Delivery

    @property
    def facts_mode(self) -> DeliveryMode:
        """Facts never stream: if readings do, facts are the office's records."""
        match self.delivery.mode:
            case "stream" | "records":
                return "records"
            case "aggregate" | "on_request":
                return self.delivery.mode
            case _:
                assert_never(self.delivery.mode)


def select(context: CompileContext, placed: PlacedCell) -> Selected:
    """The category's items that the cell selects; a cell that selects nothing is an error."""
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
            hit = name in facts or any(patterns.matches(name, s.path) for s in signals)
            if (signals or facts) and not hit:
                message = f"`only` names no signal of {category}"
                remedy = "write a path of the category, a branch ending in .**, or a fact"
                findings.error(placed.where("only", index), message, name, remedy)
        signals = tuple(s for s in signals if patterns.closest(cell.only, s.path) is not None)
        facts = tuple(fact for fact in facts if fact in cell.only)
    refuse_identity(sheet, category, signals, findings)
    return Selected(signals, facts, placed.delivery)


def signals_by_category(
    sheet: Sheet[Categories], catalogue: Catalogue, findings: Findings
) -> Mapping[str, tuple[Signal, ...]]:
    """Each category's signals in catalogue order; a pattern that names none is an error."""
    homes = _homes(sheet, findings)
    _add_pids(sheet, catalogue, homes, findings)
    _check_facts(sheet, findings)
    _check_position_like(sheet, catalogue, findings)
    found: dict[str, list[Signal]] = {category: [] for category in sheet.content.categories}
    used: set[str] = set()
    for signal in catalogue:
        pattern = None if signal.derived else closest(homes, signal.path)
        if pattern is not None:
            used.add(pattern)
            found[homes[pattern][0]].append(signal)
    for pattern, (category, index) in homes.items():
        if pattern not in used:
            _explain_unused(sheet, catalogue, pattern, (category, index), findings)
    return {category: tuple(signals) for category, signals in found.items()}


def _homes(sheet: Sheet[Categories], findings: Findings) -> dict[str, tuple[str, int]]:
    homes: dict[str, tuple[str, int]] = {}
    for category, content in sheet.content.categories.items():
        for index, pattern in enumerate(content.signals):
            if pattern in homes:
                where = sheet.where("categories", category, "signals", index)
                remedy = f"keep it in one category; {homes[pattern][0]} has it already"
                findings.error(where, "a signal is in two categories", pattern, remedy)
            homes.setdefault(pattern, (category, index))
    return homes


def _add_pids(
    sheet: Sheet[Categories],
    catalogue: Catalogue,
    homes: dict[str, tuple[str, int]],
    findings: Findings,
) -> None:
    """Signals given by their OBD command; each belongs to the category that gives it."""
    for category, content in sheet.content.categories.items():
        for index, pid in enumerate(content.pids):
            paths = [s.path for s in catalogue if s.obd == pid and not s.derived]
            where = sheet.where("categories", category, "pids", index)
            if not paths:
                remedy = "write a command of the catalogue's `obd` column, as `RPM`, or a path"
                findings.error(where, "no signal of the catalogue has this PID", pid, remedy)
            for path in paths:
                if path in homes and homes[path][0] != category:
                    message = "a signal is in two categories"
                    findings.error(where, message, path, f"{homes[path][0]} has it already")
                homes.setdefault(path, (category, index))


def _check_facts(sheet: Sheet[Categories], findings: Findings) -> None:
    seen: dict[str, str] = {}
    for category, content in sheet.content.categories.items():
        for fact in content.facts:
            if fact in seen:
                where = sheet.where("categories", category, "facts", fact)
                remedy = f"keep it in one category; {seen[fact]} has it already"
                findings.error(where, "a fact is listed twice", fact, remedy)
            seen.setdefault(fact, category)


def _check_position_like(
    sheet: Sheet[Categories], catalogue: Catalogue, findings: Findings
) -> None:
    for category, content in sheet.content.categories.items():
        for index, pattern in enumerate(content.position_like):
            if not catalogue.matching(pattern):
                where = sheet.where("categories", category, "position_like", index)
                remedy = "write a path of the signal catalogue, or a branch ending in .**"
                findings.error(where, "no signal of the catalogue has this path", pattern, remedy)


def _explain_unused(
    sheet: Sheet[Categories],
    catalogue: Catalogue,
    pattern: str,
    home: tuple[str, int],
    findings: Findings,
) -> None:
    where = sheet.where("categories", home[0], "signals", home[1])
    if catalogue.matching(pattern):
        remedy = "remove the line; closer patterns name every signal of this branch"
        findings.error(where, "no signal is left for the pattern", pattern, remedy)
        return
    otherwise = "a path of the signal catalogue, or a branch ending in .**"
    remedy = write_nearest(pattern, catalogue.by_path, otherwise)
    findings.error(where, "no signal of the catalogue has this path", pattern, remedy)


def refuse_identity(
    sheet: Sheet[Categories], category: str, signals: Iterable[Signal], findings: Findings
) -> None:
    """Signals that identify by themselves (a VIN) never enter a cell."""
    for signal in signals:
        if signal.kind is Kind.IDENTITY:
            where = sheet.where("categories", category, "signals")
            remedy = "put it into a category of its own that no purpose uses"
            findings.error(where, "an identifying signal would be released", signal.path, remedy)
