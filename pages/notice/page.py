"""The public notice: what is used for what, how fine, how long, who receives it, on what ground.

Made from the plan and the notices people were shown. What the plan says and the program does not
carry out yet is marked "not yet". One language a page; printable.
"""

from typing import NamedTuple

from pages.cell_rows import Row, rows, shown_cells
from pages.markup import page
from pages.notice.brief import brief
from pages.notice.public_information import joint_use, public_information
from pages.notice.texts import notice_text
from pages.purpose_order import in_clause_order
from pages.words.forbids import never
from pages.words.phrases import LACKING
from pages.words.titles import Titles
from policy.compiled import CompiledPolicy
from policy.language.purpose_file import Purpose
from policy.plan.carried_out import lacking, together
from policy.plan.notice_figures import resting_on
from policy.plan.plan import Plan
from policy.vocabulary.bilingual import Language


class _Text(NamedTuple):
    told: str
    lacking: str
    """What of it is not carried out yet; empty: all of it is."""


class _Purpose(NamedTuple):
    id: str
    title: str
    notices: list[_Text]
    rows: list[Row]
    forbids: list[str]
    suspended: bool


def notice_page(compiled: CompiledPolicy, language: Language) -> str:
    """The whole notice in one language."""
    plan, document = compiled.plan, compiled.document
    policy, titles = document.policy.content, Titles(document, language)
    made = [_purpose(one.content, compiled, titles) for one in in_clause_order(document)]
    lines = [row for purpose in made for row in purpose.rows]
    carried = sum(row.carried_out for row in lines)
    return page(
        "notice.html.j2",
        language,
        since=titles.words.date(policy.effective),
        version=plan.policy_version,
        brief=brief(compiled, titles),
        controller=titles.told_of(policy.controller),
        contact=policy.controller.contact,
        forbids=never(policy.forbids, titles, everywhere=True),
        purposes=[purpose for purpose in made if purpose.rows],
        joint=joint_use(compiled, titles),
        parts=public_information(compiled, titles),
        carried=titles.words.number(carried),
        every=titles.words.number(len(lines)),
        written=carried < len(lines),
    )


def _purpose(content: Purpose, compiled: CompiledPolicy, titles: Titles) -> _Purpose:
    plan = compiled.plan
    cells = shown_cells(plan, content.purpose)
    refs = dict.fromkeys(cell.basis.notice for cell in cells)
    texts = [
        _Text(text, _lacking(ref, plan, titles))
        for ref in refs
        if (text := notice_text(compiled, ref, titles)) is not None
    ]
    forbids = never(content.forbids, titles, everywhere=False)
    title, suspended = titles.told(content.title), content.suspended
    return _Purpose(content.purpose, title, texts, rows(cells, plan, titles), forbids, suspended)


def _lacking(reference: str, plan: Plan, titles: Titles) -> str:
    lacks = together(lacking(cell) for cell in resting_on(plan, reference))
    words = titles.words
    what = words.listed(words.gettext(LACKING[one]) for one in lacks)
    return words.gettext("Not carried out yet: %(what)s", what=what) if lacks else ""
