"""The record of processing activities (GDPR Art. 30; what APPI Art. 32 has made known).

Every purpose with its data, recipients, countries, periods and safeguards, as the plan has them.
"""

from typing import Any

from policy.document import Document
from policy.holdings import PlanCell
from policy.markup import Language, bullets, join, page, table, tag
from policy.page import Recipient
from policy.people_words import CLASSES, GROUNDS, keep_words, words
from policy.plan import Plan
from policy.words import say_duration
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
        "measures": measures(plan),
    }


def measures(plan: Plan) -> list[str]:
    """Technical measures that the plan itself shows (GDPR Art. 30(1)(g), APPI Art. 23)."""
    bounds = [output.transport.bound_ms for output in plan.outputs]
    found = [f"what devices report is deleted from the broker within {_at_most(plan.raw.bound_ms)}"]
    if bounds:
        found.append(f"records of purposes are deleted from it within {_at_most(max(bounds))}")
    found += [
        f"{output.id}: pseudonyms keyed for this recipient alone, changed every {output.epoch}"
        for output in plan.outputs
    ]
    return [*found, "one principal reads one purpose; a store deletes by each record's own expiry"]


def _at_most(length_ms: int) -> str:
    return say_duration(length_ms)


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
                "who": one.who,
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
        "because": cell.because,
        "authorities": list(cell.cites),
    }


_HEADS = {
    "en": ("Data", "Items", "Recipient", "Ground", "Period", "Because", "Authorities"),
    "ja": ("情報", "項目数", "受け取る人", "根拠", "期間", "理由", "典拠"),
}
_TITLES = {"en": "Record of processing activities", "ja": "個人データの取扱いの記録"}
_MEASURES = {"en": "Technical measures", "ja": "技術的な安全管理措置"}


def record_page(plan: Plan, document: Document, language: Language) -> str:
    """The record as a page."""
    record = processing_record(plan, document)
    controller = record["controller"]
    sections = []
    for activity in record["activities"]:
        cells = [
            cell
            for cell in plan.cells
            if cell.purpose == activity["purpose"] and (cell.signals or cell.facts)
        ]
        title = f"{activity['title'][language]} ({activity['clause']})"
        listed = [
            f"{one['who']} [{words(CLASSES, one['class'], language)}] {', '.join(one['countries'])}"
            for one in activity["recipients"]
        ]
        rows = [_row(document, cell, language) for cell in cells]
        sections.append(
            join(
                tag("h2", title, id=activity["purpose"]),
                bullets(listed),
                table(title, list(_HEADS[language]), rows) if rows else "",
            )
        )
    return page(
        language,
        _TITLES[language],
        tag("h1", _TITLES[language]),
        tag("p", ", ".join(controller.values())),
        tag("p", f"{record['policy']} {record['policy_version']}, {record['effective'][:10]}"),
        *sections,
        tag("h2", _MEASURES[language]),
        bullets(record["measures"]),
    )


def _row(document: Document, cell: PlanCell, language: Language) -> list[str]:
    title = document.categories.content.categories[cell.category].title
    return [
        title.ja if language == "ja" else title.en,
        str(len(cell.signals) + len(cell.facts)),
        cell.recipient,
        words(GROUNDS, str(cell.basis.kind), language),
        keep_words(cell, language),
        cell.because,
        ", ".join(cell.cites),
    ]
