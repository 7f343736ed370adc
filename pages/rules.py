"""Ids of rules in words for people: a purpose and its data, a prohibition, a part of the policy."""

from typing import Final

from pages.phrases import Words, words
from pages.titles import Titles
from policy.bilingual import Language
from policy.document import Document
from policy.plan import Plan

PARTS: Final[Words] = {
    "scope": ("what the policy covers", "対象の範囲"),
    "profiles": ("laws", "法令"),
    "raw": ("how long raw data is in transit", "元のデータが経由する時間"),
    "ledger": ("how long counts are kept", "件数の記録の期間"),
    "transport": ("how long records are in transit", "記録が経由する時間"),
    "outside": ("position outside the house", "社外への位置の粗さ"),
    "analytics": ("what analysts never see", "分析に使わないもの"),
    "joint_use": ("joint use", "共同利用"),
    "combine": ("purposes that may meet", "組み合わせてよい目的"),
    "forbids": ("prohibitions", "禁止"),
    "approvals": ("approvals", "承認の記録"),
    "controller": ("who is responsible", "責任者"),
    "notices": ("notices", "お知らせ"),
    "categories": ("categories of data", "情報の区分"),
    "precision": ("precision", "細かさ"),
}
"""The parts of a document that a clause may name."""


class RuleWords:
    """The rules of one plan in one language."""

    def __init__(self, plan: Plan, document: Document, language: Language) -> None:
        self._titles = Titles(document, language)
        self._cells = {
            cell.id: self._of(cell.purpose, self._titles.item(cell.category)) for cell in plan.cells
        }
        self._forbids = {forbid.id: self._forbidden(forbid.purpose) for forbid in plan.forbids}

    def __call__(self, rule: str) -> str:
        """The rule in words; several rules may read alike."""
        part = rule.partition("/")[0]  # combine/1
        if part in PARTS:
            return words(PARTS, part, self._titles.language)
        return self._cells.get(rule) or self._forbids.get(rule) or self._titles.purpose(rule)

    def _of(self, purpose: str, what: str) -> str:
        return f"{self._titles.purpose(purpose)}: {what}"

    def _forbidden(self, purpose: str | None) -> str:
        never = words(PARTS, "forbids", self._titles.language)
        return never if purpose is None else self._of(purpose, never)
