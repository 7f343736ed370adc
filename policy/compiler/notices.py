"""Notices tell what the cells do: each figure of a notice is a placeholder that a cell fills."""

from typing import Final, get_args

from policy.language.document import Document
from policy.language.problems import Findings
from policy.plan.notice_figures import figure, is_shown, resting_on
from policy.plan.plan import Plan
from policy.vocabulary.bilingual import Language
from policy.vocabulary.notice_words import EXAMPLE, Part, Placeholder, figures, parts
from policy.vocabulary.words import WordError

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


def check_notices(document: Document, plan: Plan, findings: Findings) -> None:
    """No figure stands by itself; each placeholder means one figure of one plan."""
    for name, sheet in document.notices.items():
        for language in LANGUAGES:
            where = sheet.where("text", language)
            for found in figures(sheet.content.text.told(language)):
                message = "a figure in a notice is bound to no cell"
                remedy = f"write a placeholder that a cell fills, as `{EXAMPLE}`"
                findings.error(where, message, found, remedy)
            _check_placeholders(document, plan, name, language, findings)


def _check_placeholders(
    document: Document, plan: Plan, name: str, language: Language, findings: Findings
) -> None:
    sheet = document.notices[name]
    where = sheet.where("text", language)
    try:
        written: tuple[Part, ...] = parts(sheet.content.text.told(language))
    except WordError as error:
        findings.error(where, str(error), name, error.remedy)
        return
    cells = resting_on(plan, name)
    if not is_shown(cells, document.joint_items(name)):
        return  # an earlier notice, or one of cells that are denied as a whole: no page shows it
    for part in written:
        if not isinstance(part, Placeholder):
            continue
        try:
            figure(plan, cells, part)
        except WordError as error:
            findings.error(where, str(error), name, error.remedy)
