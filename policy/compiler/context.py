"""What all parts of the compiler share: what cells may refer to, and where findings go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from policy.language.document import Document, Sheet
from policy.language.problems import Findings
from policy.language.purpose_file import Cell, Delivery, Purpose, Recipient
from policy.plan.limits import Limits
from policy.vocabulary.terms import Where
from telemetry.signals import Catalogue, Signal


@dataclass(frozen=True, slots=True)
class CompileContext:
    """One run of the compiler."""

    document: Document
    catalogue: Catalogue
    limits: Limits
    signals: Mapping[str, tuple[Signal, ...]]
    """Each category's signals, in catalogue order."""
    findings: Findings


@dataclass(frozen=True, slots=True)
class PlacedCell:
    """A cell with the page that contains it."""

    page: Sheet[Purpose]
    category: str
    line: int
    """Which of the category's lines it is; the first is 0."""
    cell: Cell

    @property
    def purpose(self) -> str:
        """The page's purpose."""
        return self.page.content.purpose

    @property
    def delivery(self) -> Delivery:
        """The cell's own delivery, else its page's."""
        return self.cell.delivery or self.page.content.delivery

    def until(self, recipient: Recipient) -> date | None:
        """The first day on which the recipient gets nothing of it: the earlier of both."""
        days = (day for day in (recipient.until, self.cell.until) if day is not None)
        return min(days, default=None)

    def where(self, *path: Any) -> Where:
        """The place of the value at this path within the cell."""
        return self.page.where("cells", self.category, self.line, *path)
