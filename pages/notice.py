"""The public notice: what is used for what, how fine, how long, who receives it, on what ground.

Made from the plan and the notices people were shown, so that it cannot promise otherwise than
the program does. One language a page; printable.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from pages.forbids import forbid_words
from pages.markup import page
from pages.phrases import DELIVERIES, GROUNDS, keep_words, precision_words
from pages.recipients import country_words, recipient_words
from pages.titles import Titles
from policy.compiled import CompiledPolicy
from policy.language.fields import Forbid
from policy.language.purpose_file import Purpose
from policy.plan.cells import PlanCell
from policy.plan.plan import Plan
from policy.vocabulary.bilingual import Language
from telemetry.signals import Kind

HOME: Final = "JP"
"""The controller's own country, which is not abroad."""


class _Purpose(NamedTuple):
    id: str
    title: str
    notices: list[str]
    rows: list[list[str]]
    forbids: list[str]
    suspended: bool


def notice_page(compiled: CompiledPolicy, language: Language) -> str:
    """The whole notice in one language."""
    plan, document = compiled.plan, compiled.document
    policy, titles = document.policy.content, Titles(document, language)
    made = (_purpose(sheet.content, plan, titles) for sheet in document.purposes)
    return page(
        "notice.html.j2",
        language,
        since=titles.words.date(policy.effective),
        version=plan.policy_version,
        address=titles.address(policy.controller),
        contact=policy.controller.contact,
        forbids=_forbids(policy.forbids, titles, everywhere=True),
        purposes=[purpose for purpose in made if purpose.rows],
        joint=_joint_use(titles),
    )


def _purpose(content: Purpose, plan: Plan, titles: Titles) -> _Purpose:
    own = (cell for cell in plan.cells if cell.purpose == content.purpose)
    cells = [cell for cell in own if cell.signals or cell.facts]
    refs = dict.fromkeys(cell.basis.notice for cell in cells)
    texts = [text for text in map(titles.notice, refs) if text is not None]
    forbids = _forbids(content.forbids, titles, everywhere=False)
    rows = _rows(cells, plan, titles)
    title, suspended = titles.told(content.title), content.suspended
    return _Purpose(content.purpose, title, texts, rows, forbids, suspended)


def _rows(cells: Iterable[PlanCell], plan: Plan, titles: Titles) -> list[list[str]]:
    """One row for recipients, then categories, that share all else."""
    words = titles.words
    recipients: dict[tuple[str, str, str, str], list[str]] = {}
    for cell in cells:
        category = titles.item(cell.category)
        ground = words.gettext(GROUNDS[cell.basis.kind])
        kept = keep_words(cell.retention, words, titles.last_day(cell))
        key = (category, _fineness(cell, plan, titles), kept, ground)
        recipients.setdefault(key, []).append(_recipient(cell, titles))
    together: dict[tuple[str, str, str, str], list[str]] = {}
    for (category, fine, kept, ground), who in recipients.items():
        key = (fine, kept, words.listed_apart(dict.fromkeys(who)), ground)
        together.setdefault(key, []).append(category)
    return [[words.listed(names), *key] for key, names in together.items()]


def _recipient(cell: PlanCell, titles: Titles) -> str:
    recipient, words = titles.receives(cell.purpose, cell.recipient), titles.words
    abroad = country_words((code for code in recipient.countries if code != HOME), words)
    where = words.gettext("also abroad: %(countries)s", countries=abroad) if abroad else ""
    return recipient_words(recipient, words, where)


def _fineness(cell: PlanCell, plan: Plan, titles: Titles) -> str:
    words, delivery = titles.words, DELIVERIES[cell.delivery.mode]
    parts = [] if delivery is None else [words.gettext(delivery)]
    if cell.delivery.at_least is not None:
        count = words.number(cell.delivery.at_least)
        parts.append(words.gettext("at least %(count)s people in each figure", count=count))
    if cell.signals and cell.precision is not None:
        precision = titles.document.precisions.content.precisions[cell.precision]
        placed = any(plan.catalogue[path].kind is Kind.POSITION for path in cell.signals)
        space = precision.space if placed else None
        parts.append(precision_words(space, precision.time, words))
    return words.listed_apart(parts) or "-"


def _forbids(forbids: Iterable[Forbid], titles: Titles, *, everywhere: bool) -> list[str]:
    shown = (forbid for forbid in forbids if not forbid.join)
    lines = (forbid_words(forbid, titles, everywhere=everywhere) for forbid in shown)
    return list(dict.fromkeys(lines))


def _joint_use(titles: Titles) -> dict[str, str | None] | None:
    joint = titles.document.policy.content.joint_use
    if joint is None:
        return None
    return {
        "notice": titles.notice(joint.notice),
        "listed": titles.words.listed(map(titles.item, joint.items)),
        "manager": titles.address(joint.manager),
    }
