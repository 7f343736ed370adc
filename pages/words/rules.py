"""Ids of rules in words for people: a purpose and its data, a prohibition, a part of the policy."""

from collections.abc import Mapping
from typing import Final

from pages.words.titles import Titles
from pages.words.translation import phrase
from policy.plan.plan import Plan
from policy.vocabulary.terms import DocumentPart

PARTS: Final[Mapping[DocumentPart, str]] = {
    DocumentPart.SCOPE: phrase("what the policy covers"),
    DocumentPart.PROFILES: phrase("laws"),
    DocumentPart.RAW: phrase("how long raw data is in transit"),
    DocumentPart.LEDGER: phrase("how long counts are kept"),
    DocumentPart.TRANSPORT: phrase("how long records are in transit"),
    DocumentPart.OUTSIDE: phrase("position outside the house"),
    DocumentPart.ANALYTICS: phrase("what analysts never see"),
    DocumentPart.JOINT_USE: phrase("joint use"),
    DocumentPart.COMBINE: phrase("purposes that may meet"),
    DocumentPart.FORBIDS: phrase("prohibitions"),
    DocumentPart.APPROVALS: phrase("approvals"),
    DocumentPart.CONTROLLER: phrase("who is responsible"),
    DocumentPart.NOTICES: phrase("notices"),
    DocumentPart.CATEGORIES: phrase("categories of data"),
    DocumentPart.PRECISION: phrase("precision"),
}


class RuleWords:
    """The rules of one plan in one language."""

    def __init__(self, plan: Plan, titles: Titles) -> None:
        self._titles = titles
        self._cells = {
            cell.id: self._of(cell.purpose, titles.item(cell.category)) for cell in plan.cells
        }
        self._forbids = {forbid.id: self._forbidden(forbid.purpose) for forbid in plan.forbids}

    def __call__(self, rule: str) -> str:
        """The rule in words; several rules may read alike."""
        part = rule.partition("/")[0]  # combine/1
        if part in PARTS:
            return self._part(DocumentPart(part))
        return self._cells.get(rule) or self._forbids.get(rule) or self._titles.purpose(rule)

    def _part(self, part: DocumentPart) -> str:
        return self._titles.words.gettext(PARTS[part])

    def _of(self, purpose: str, what: str) -> str:
        words, about = self._titles.words, self._titles.purpose(purpose)
        return words.gettext("%(about)s: %(told)s", about=about, told=what)

    def _forbidden(self, purpose: str | None) -> str:
        never = self._part(DocumentPart.FORBIDS)
        return never if purpose is None else self._of(purpose, never)
