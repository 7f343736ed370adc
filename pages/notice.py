"""The public notice: what is used for what, how fine, how long, who receives it, on what ground.

Made from the plan and the notices people were shown. What the plan says and the program does not
carry out yet is marked "not yet". One language a page; printable.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from pages.forbids import forbid_words
from pages.markup import page
from pages.notice_texts import notice_text
from pages.phrases import (
    DELIVERIES,
    GROUNDS,
    LACKING,
    duration_words,
    keep_words,
    precision_words,
)
from pages.recipients import country_words, recipient_words
from pages.titles import Titles
from policy.compiled import CompiledPolicy
from policy.language.fields import Forbid
from policy.language.purpose_file import Purpose
from policy.plan.carried_out import lacking, together
from policy.plan.cells import PlanCell
from policy.plan.notice_figures import resting_on
from policy.plan.plan import Plan
from policy.vocabulary.bilingual import Language
from policy.vocabulary.capabilities import Capability, exists
from policy.vocabulary.words import release_ms
from telemetry.signals import Kind

HOME: Final = "JP"
"""The controller's own country, which is not abroad."""


class _Row(NamedTuple):
    cells: list[str]
    carried_out: bool


class _Text(NamedTuple):
    told: str
    lacking: str
    """What of it is not carried out yet; empty: all of it is."""


class _Purpose(NamedTuple):
    id: str
    title: str
    notices: list[_Text]
    rows: list[_Row]
    forbids: list[str]
    suspended: bool


def notice_page(compiled: CompiledPolicy, language: Language) -> str:
    """The whole notice in one language."""
    plan, document = compiled.plan, compiled.document
    policy, titles = document.policy.content, Titles(document, language)
    made = [_purpose(sheet.content, compiled, titles) for sheet in document.purposes]
    rows = [row for purpose in made for row in purpose.rows]
    carried = sum(row.carried_out for row in rows)
    return page(
        "notice.html.j2",
        language,
        since=titles.words.date(policy.effective),
        version=plan.policy_version,
        address=titles.address(policy.controller),
        contact=policy.controller.contact,
        forbids=_forbids(policy.forbids, titles, everywhere=True),
        purposes=[purpose for purpose in made if purpose.rows],
        joint=_joint_use(compiled, titles),
        carried=titles.words.number(carried),
        every=titles.words.number(len(rows)),
        written=carried < len(rows),
        by_people=not exists(Capability.REQUESTS),
    )


def _purpose(content: Purpose, compiled: CompiledPolicy, titles: Titles) -> _Purpose:
    plan = compiled.plan
    own = (cell for cell in plan.cells if cell.purpose == content.purpose)
    cells = [cell for cell in own if cell.signals or cell.facts]
    refs = dict.fromkeys(cell.basis.notice for cell in cells)
    texts = [
        _Text(text, _lacking(ref, plan, titles))
        for ref in refs
        if (text := notice_text(compiled, ref, titles)) is not None
    ]
    forbids = _forbids(content.forbids, titles, everywhere=False)
    rows = _rows(cells, plan, titles)
    title, suspended = titles.told(content.title), content.suspended
    return _Purpose(content.purpose, title, texts, rows, forbids, suspended)


def _lacking(reference: str, plan: Plan, titles: Titles) -> str:
    lacks = together(lacking(cell) for cell in resting_on(plan, reference))
    words = titles.words
    what = words.listed(words.gettext(LACKING[one]) for one in lacks)
    return words.gettext("Not carried out yet: %(what)s", what=what) if lacks else ""


class _Alike(NamedTuple):
    """What cells of one row share beside recipients and categories."""

    fine: str
    kept: str
    ground: str
    carried_out: bool


def _rows(cells: Iterable[PlanCell], plan: Plan, titles: Titles) -> list[_Row]:
    """One row for recipients, then categories, that share all else."""
    words = titles.words
    recipients: dict[tuple[str, _Alike], list[str]] = {}
    for cell in cells:
        kept = keep_words(cell.retention, words, titles.until(cell))
        ground = words.gettext(GROUNDS[cell.basis.kind])
        alike = _Alike(_fineness(cell, plan, titles), kept, ground, not lacking(cell))
        key = (titles.item(cell.category), alike)
        recipients.setdefault(key, []).append(_recipient(cell, titles))
    rows: dict[tuple[str, _Alike], list[str]] = {}
    for (category, alike), who in recipients.items():
        receiving = words.listed_apart(dict.fromkeys(who))
        rows.setdefault((receiving, alike), []).append(category)
    return [
        _Row([words.listed(names), one.fine, one.kept, who, one.ground], one.carried_out)
        for (who, one), names in rows.items()
    ]


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
    window_ms = release_ms(cell.delivery.release)
    if window_ms is not None:
        gathered = duration_words(window_ms, words)
        parts.append(
            words.gettext("gathered for %(duration)s before it is passed on", duration=gathered)
        )
    if Capability.OTHER_OPERATIONS in lacking(cell):
        parts.append(words.gettext("some of it only once it can be made coarse enough"))
    return words.listed_apart(parts) or "-"


def _forbids(forbids: Iterable[Forbid], titles: Titles, *, everywhere: bool) -> list[str]:
    shown = (forbid for forbid in forbids if not forbid.join)
    lines = (forbid_words(forbid, titles, everywhere=everywhere) for forbid in shown)
    return list(dict.fromkeys(lines))


def _joint_use(compiled: CompiledPolicy, titles: Titles) -> dict[str, str | None] | None:
    joint = titles.document.policy.content.joint_use
    if joint is None:
        return None
    return {
        "notice": notice_text(compiled, joint.notice, titles),
        "listed": titles.words.listed(map(titles.item, joint.items)),
        "manager": titles.address(joint.manager),
    }
