"""Notices tell what the cells do: each figure of a notice is a placeholder that a cell fills."""

from policy.language.document import Document
from policy.language.problems import Findings
from policy.plan.notice_figures import figure, resting_on
from policy.plan.plan import Plan
from policy.vocabulary.notice_words import EXAMPLE, Part, Placeholder, figures, parts
from policy.vocabulary.terms import Where
from policy.vocabulary.words import WordError


def check_notices(document: Document, plan: Plan, findings: Findings) -> None:
    """No figure stands by itself; each placeholder means one figure of one plan."""
    for name, sheet in document.notices.items():
        for language in ("ja", "en"):
            where = sheet.where("text", language)
            text = getattr(sheet.content.text, language)
            for found in figures(text):
                message = "a figure in a notice is bound to no cell"
                remedy = f"write a placeholder that a cell fills, as `{EXAMPLE}`"
                findings.error(where, message, found, remedy)
            _check_placeholders(plan, name, text, where, findings)


def _check_placeholders(plan: Plan, name: str, text: str, where: Where, findings: Findings) -> None:
    try:
        written: tuple[Part, ...] = parts(text)
    except WordError as error:
        findings.error(where, str(error), name, error.remedy)
        return
    cells = resting_on(plan, name)
    for part in written:
        if not isinstance(part, Placeholder):
            continue
        try:
            figure(plan, cells, part)
        except WordError as error:
            findings.error(where, str(error), name, error.remedy)
