"""The record of processing activities (GDPR Art. 30; what APPI Art. 32 has made known).

Every purpose with its data, recipients, countries, periods and safeguards, as the plan has them.
"""

from typing import Any, Final

from pages.markup import Html, bullets, join, page, table, tag
from pages.phrases import GROUNDS, keep_words, words
from pages.processing_record_measures import measures
from pages.recipients import country_words, date_words, recipient_words
from pages.titles import Titles
from policy.bilingual import Language
from policy.document import Document
from policy.holdings import PlanCell
from policy.page import Purpose, Recipient
from policy.plan import Plan
from telemetry.instants import format_instant


def processing_record(plan: Plan, document: Document) -> dict[str, Any]:
    """The record as JSON values: who is responsible, every activity, and the measures."""
    policy = document.policy.content
    return {
        "controller": policy.controller.model_dump(),
        "policy": plan.policy,
        "policy_version": plan.policy_version,
        "effective": format_instant(plan.effective_ms),
        "laws": [name for name, on in policy.profiles.items() if on],
        "subjects": list(policy.scope.subjects),
        "activities": [
            _activity(plan, document, page.content.purpose) for page in document.purposes
        ],
        "measures": [measure.model_dump() for measure in measures(plan, document)],
    }


def _activity(plan: Plan, document: Document, purpose: str) -> dict[str, Any]:
    page = next(p.content for p in document.purposes if p.content.purpose == purpose)
    cells = [cell for cell in plan.cells if cell.purpose == purpose]
    return {
        "purpose": purpose,
        "title": page.title.model_dump(),
        "clause": page.seed,
        "dpv": page.dpv,
        "gdpr": page.gdpr,
        "recipients": [
            {
                "id": one.id,
                "class": one.recipient_class,
                "who": one.who.model_dump(),
                "countries": list(one.countries),
                "transfer": _transfer(one),
            }
            for one in page.recipients
        ],
        "data": [_data(document, cell) for cell in cells if cell.signals or cell.facts],
        "forbidden": [forbid.because for forbid in page.forbids],
        "decisions": [
            {"change": a.change, "decision": a.decision, "by": a.by, "on": a.on.isoformat()}
            for a in page.approvals
        ],
    }


def _transfer(recipient: Recipient) -> dict[str, str] | None:
    transfer = recipient.transfer
    return None if transfer is None else {"route": transfer.route, "because": transfer.because}


def _data(document: Document, cell: PlanCell) -> dict[str, Any]:
    category = document.categories.content.categories[cell.category]
    return {
        "category": cell.category,
        "title": category.title.model_dump(),
        "items": [*cell.signals, *cell.facts],
        "recipient": cell.recipient,
        "delivery": cell.delivery,
        "precision": cell.precision,
        "ground": str(cell.basis.kind),
        "notice": cell.basis.notice,
        "at_most": str(cell.at_most),
        "from": cell.trigger,
        "cap": None if cell.cap is None else str(cell.cap),
        "because": cell.because.model_dump(),
        "authorities": list(cell.cites),
    }


_HEADS: Final = {
    "en": ("Data", "Items", "Recipient", "Ground", "Period", "Because", "Authorities"),
    "ja": ("情報", "項目数", "受け取る人", "根拠", "期間", "理由", "典拠"),
}
_TITLES: Final = {"en": "Record of processing activities", "ja": "個人データの取扱いの記録"}
_MEASURES: Final = {"en": "Technical measures", "ja": "技術的な安全管理措置"}


def record_page(plan: Plan, document: Document, language: Language) -> str:
    """The record as a page."""
    policy, titles = document.policy.content, Titles(document, language)
    controller = policy.controller
    address = (controller.name, controller.representative, controller.address)
    mail = tag("a", controller.contact, href=f"mailto:{controller.contact}")
    since = date_words(policy.effective, language)
    return page(
        language,
        _TITLES[language],
        tag("h1", _TITLES[language]),
        tag("p", titles.comma.join(one.told(language) for one in address), titles.comma, mail),
        tag("p", f"{plan.policy} {plan.policy_version}{titles.comma}{since}"),
        *(_section(plan, sheet.content, titles) for sheet in document.purposes),
        tag("h2", _MEASURES[language]),
        bullets([measure.told(language) for measure in measures(plan, document)]),
    )


def _section(plan: Plan, content: Purpose, titles: Titles) -> Html:
    cells = [cell for cell in plan.cells if cell.purpose == content.purpose]
    rows = [_row(cell, titles) for cell in cells if cell.signals or cell.facts]
    language = titles.language
    listed = [
        recipient_words(one, language, country_words(one.countries, language))
        for one in content.recipients
    ]
    title = f"{titles.purpose(content.purpose)} ({content.seed})"
    return join(
        tag("h2", title, id=content.purpose),
        bullets(listed),
        table(title, list(_HEADS[language]), rows) if rows else "",
    )


def _row(cell: PlanCell, titles: Titles) -> list[str]:
    return [
        titles.item(cell.category),
        str(len(cell.signals) + len(cell.facts)),
        titles.who(cell.purpose, cell.recipient),
        words(GROUNDS, str(cell.basis.kind), titles.language),
        keep_words(cell, titles.language),
        cell.because.told(titles.language),
        ", ".join(cell.cites),
    ]
